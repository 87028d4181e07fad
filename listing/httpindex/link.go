package httpindex

import (
	"net/url"
	"strings"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// folderURL is the place of an index page, against which its links are read.
type folderURL struct {
	scheme, host string // the host without the scheme's own port
	path         string // percent-decoded, with a trailing slash
	// from is where relative links begin when the page names a base: percent
	// encoded, with a slash at both ends; "" when it is the folder itself.
	from string
}

// newFolderURL takes the URL that the page came from in the end, after redirects.
func newFolderURL(u *url.URL) folderURL {
	path := u.Path
	if i := strings.LastIndexByte(path, '/'); i < len(path)-1 {
		path = path[:i+1]
	}
	if path == "" {
		path = "/"
	}
	scheme := strings.ToLower(u.Scheme)
	return folderURL{scheme: scheme, host: hostOf(scheme, u.Host), path: path}
}

// hostOf is a host in lower case, without the port that its scheme implies.
func hostOf(scheme, host string) string {
	host = strings.ToLower(host)
	switch scheme {
	case "http":
		return strings.TrimSuffix(host, ":80")
	case "https":
		return strings.TrimSuffix(host, ":443")
	}
	return host
}

// rebase takes in a page's <base href>. It reports whether relative links then
// begin at the folder itself.
func (f *folderURL) rebase(href string) (itself bool) {
	href = strings.Trim(href, " \t\r\n\f")
	if i := strings.IndexAny(href, "?#"); i >= 0 {
		href = href[:i]
	}
	path, ok := f.local(href)
	switch {
	case !ok:
		f.from = noPlace
		return false
	case !strings.HasPrefix(path, "/"): // relative itself
		return path == "" || path == "." || path == "./"
	}
	f.from = path[:strings.LastIndexByte(path, '/')+1]
	rest, ok := f.beneath(f.from)
	return ok && rest == ""
}

// noPlace begins no folder's path.
const noPlace = "//"

// link is what a link of an index page leads to.
type link uint8

const (
	elsewhere link = iota // the folder itself, its parent, another order, another site
	child
	refused // a child with a name that no file can have
)

// resolve reads a link (with its HTML entities already decoded). Only direct
// children of the folder are of interest.
func (f folderURL) resolve(href string) (name string, dir bool, kind link) {
	href = strings.Trim(href, " \t\r\n\f")
	if strings.ContainsAny(href, "?#") || strings.IndexByte(href, 0) >= 0 {
		return "", false, elsewhere
	}
	rest, ok := f.relative(href)
	if !ok {
		return "", false, elsewhere
	}
	for strings.HasPrefix(rest, "./") {
		rest = rest[2:]
	}
	if n := len(rest); n > 0 && rest[n-1] == '/' {
		rest, dir = rest[:n-1], true
	}
	if rest == "" || rest == "." || rest == ".." || strings.IndexByte(rest, '/') >= 0 {
		return "", false, elsewhere
	}
	name = unescape(rest)
	if strings.IndexByte(name, '/') >= 0 || mirror.ValidPath(name) != nil {
		return "", false, refused
	}
	return name, dir, child
}

// relative strips from href what leads to the folder; the rest is still
// percent-encoded.
func (f folderURL) relative(href string) (string, bool) {
	href, ok := f.local(href)
	if !ok {
		return "", false
	}
	if !strings.HasPrefix(href, "/") {
		if f.from == "" {
			return href, true
		}
		href = f.from + strings.TrimPrefix(href, "./")
	}
	return f.beneath(href)
}

// local strips the scheme and the host of an absolute URL, if they are the
// page's. A server behind one that does TLS may take itself for http.
func (f folderURL) local(href string) (string, bool) {
	scheme := f.scheme
	if s := schemeOf(href); s != "" {
		href, scheme = href[len(s)+1:], strings.ToLower(s)
		if scheme != "http" && scheme != "https" || !strings.HasPrefix(href, "//") {
			return "", false
		}
	}
	if !strings.HasPrefix(href, "//") {
		return href, true
	}
	host, path, ok := strings.Cut(href[2:], "/")
	return "/" + path, ok && hostOf(scheme, host) == f.host
}

// beneath strips the folder's path from that of a link.
func (f folderURL) beneath(href string) (string, bool) {
	// The folder's own path may be encoded in several ways: compare segment by
	// segment, decoded.
	for want := f.path; ; {
		i, j := strings.IndexByte(href, '/'), strings.IndexByte(want, '/')
		if i < 0 || unescape(href[:i]) != want[:j] {
			return "", false
		}
		href, want = href[i+1:], want[j+1:]
		if want == "" {
			return href, true
		}
	}
}

// schemeOf gives the scheme of an absolute URL without its colon, or "".
func schemeOf(href string) string {
	for i := range len(href) {
		switch c := href[i]; {
		case c == ':':
			return href[:i]
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
		case i > 0 && (c >= '0' && c <= '9' || c == '+' || c == '-' || c == '.'):
		default:
			return ""
		}
	}
	return ""
}

// unescape decodes percent-encoding. What is not a valid code stands for
// itself, as it does for browsers.
func unescape(s string) string {
	i := strings.IndexByte(s, '%')
	if i < 0 {
		return s
	}
	b := append(make([]byte, 0, len(s)), s[:i]...)
	for ; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]) {
			b = append(b, unhex(s[i+1])<<4|unhex(s[i+2]))
			i += 2
			continue
		}
		b = append(b, s[i])
	}
	return string(b)
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c&^0x20 - 'A' + 10
}
