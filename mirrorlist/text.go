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

// wellFormed reports whether u is an absolute http or https URL that can stand
// on a line by itself.
func wellFormed(u string) bool {
	if !strings.HasPrefix(u, "https://") && !strings.HasPrefix(u, "http://") {
		return false
	}
	for i := range len(u) {
		if c := u[i]; c <= ' ' || c >= 0x7f || strings.IndexByte("\"<>\\^`{|}", c) >= 0 {
			return false
		}
	}
	p, err := url.Parse(u)
	return err == nil && p.Hostname() != "" && p.User == nil
}
