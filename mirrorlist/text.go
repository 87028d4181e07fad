package mirrorlist

import (
	"net/url"
	"strings"
)

// AppendText appends the URLs of the sources, one a line. What is not a
// well-formed http or https URL is left out: some clients refuse a whole list
// for one line.
func (f *File) AppendText(dst []byte) []byte {
	for i := range f.Sources {
		if u := f.Sources[i].URL; wellFormed(u) {
			dst = append(append(dst, u...), '\n')
		}
	}
	return dst
}

// wellFormed reports whether u is an absolute http or https URL without a user
// that can stand on a line by itself.
func wellFormed(u string) bool {
	_, rest, _ := strings.Cut(u, "://")
	if rest == "" || !strings.HasPrefix(u, "https://") && !strings.HasPrefix(u, "http://") {
		return false
	}
	for i := range len(u) {
		c := u[i]
		if !printable[c] || c == '%' && (i+2 >= len(u) || !isHex(u[i+1]) || !isHex(u[i+2])) {
			return false
		}
	}
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		rest = rest[:i]
	}
	return isHost(rest)
}

// isHost reports whether a URL's authority is a host, with or without a port.
func isHost(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && c != '-' && c != '.' {
			p, err := url.Parse("http://" + s + "/")
			return err == nil && p.Hostname() != "" && p.User == nil
		}
	}
	return s != ""
}

// printable holds the bytes that URLs are made of (RFC 3986), with some that
// are usual although they should be escaped.
var printable = func() (t [256]bool) {
	for c := byte('!'); c < 0x7f; c++ {
		t[c] = strings.IndexByte("\"<>\\^`{|}", c) < 0
	}
	return t
}()

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f'
}
