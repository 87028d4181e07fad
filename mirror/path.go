package mirror

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Paths in the tree are byte strings without a leading slash, segments joined
// by single slashes; "" is the tree's root. They need not be UTF-8.

// MaxName is the longest name of a file or folder in bytes (NAME_MAX on every
// system that mirrors run on). Longer ones in a listing are not believed.
const MaxName = 255

// MaxPath is the longest path in bytes that a listing is believed to hold. It
// is far beyond what systems let programs open by path, and only keeps a
// hostile listing from filling memory.
const MaxPath = 64 << 10

// ValidPath reports why p cannot be a path in the tree: empty segments, "."
// and "..", NUL bytes, a leading or trailing slash, names longer than MaxName.
// The empty path (the root) is valid.
func ValidPath(p string) error {
	if p == "" {
		return nil
	}
	if len(p) > MaxPath {
		return fmt.Errorf("path of %d bytes is too long", len(p))
	}
	start := 0
	for i := 0; i <= len(p); i++ {
		if i < len(p) && p[i] != '/' {
			if p[i] == 0 {
				return fmt.Errorf("path %q has a NUL byte", p)
			}
			continue
		}
		switch seg := p[start:i]; {
		case seg == "":
			return fmt.Errorf("path %q has an empty segment", p)
		case seg == "." || seg == "..":
			return fmt.Errorf("path %q has the segment %q", p, seg)
		case len(seg) > MaxName:
			return fmt.Errorf("path %q has a name of more than %d bytes", p, MaxName)
		}
		start = i + 1
	}
	return nil
}

// RequestPath gives the path in the tree for the decoded path of a request's
// URL; false for folders and for what cannot be in a tree.
func RequestPath(urlPath string) (string, bool) {
	if len(urlPath) < 2 || urlPath[0] != '/' || urlPath[len(urlPath)-1] == '/' {
		return "", false
	}
	return urlPath[1:], ValidPath(urlPath[1:]) == nil
}

// Below reports whether path is folder itself or lies below it. The empty
// folder is the root, below which everything lies.
func Below(path, folder string) bool {
	if folder == "" {
		return true
	}
	return strings.HasPrefix(path, folder) && (len(path) == len(folder) || path[len(folder)] == '/')
}

// CleanSubtree turns what people type for a folder ("/a/b/", "a/b", "/") into
// a path, or says what is wrong with it.
func CleanSubtree(s string) (string, error) {
	p := strings.Trim(s, "/")
	return p, ValidPath(p)
}

const upperHex = "0123456789ABCDEF"

// unescaped holds the bytes that stand for themselves in a URL path: RFC 3986
// section 3.3 pchar less the sub-delims that careless clients, shells and
// header parsers trip over, and '/'.
var unescaped = func() (t [256]bool) {
	for c := range t {
		b := byte(c)
		t[c] = b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' ||
			strings.IndexByte("-._~/+@:=", b) >= 0
	}
	return t
}()

// AppendEscaped appends path, percent-encoded for use in a URL (RFC 3986
// section 2.1), to dst. Slashes are kept; every other byte that is not
// unreserved or one of "+@:=" is encoded, so the result is also safe in
// headers, HTML attributes and XML.
func AppendEscaped(dst []byte, path string) []byte {
	plain := 0
	for i := range len(path) {
		c := path[i]
		if unescaped[c] {
			continue
		}
		dst = append(dst, path[plain:i]...)
		dst = append(dst, '%', upperHex[c>>4], upperHex[c&15])
		plain = i + 1
	}
	return append(dst, path[plain:]...)
}

// EscapePath is AppendEscaped as a string.
func EscapePath(path string) string {
	for i := range len(path) {
		if !unescaped[path[i]] {
			return string(AppendEscaped(make([]byte, 0, len(path)+16), path))
		}
	}
	return path
}

// BaseURL checks and normalises a mirror's base URL: one of the given schemes,
// a host, no query, no fragment, a trailing slash. User and password are kept.
func BaseURL(raw string, schemes ...string) (string, error) {
	if !strings.Contains(raw, "://") { // net/url has odd things to say of host:80 and host::module
		return "", fmt.Errorf("URL %q: must begin with %s://", redactRaw(raw), strings.Join(schemes, ":// or "))
	}
	u, err := url.Parse(strings.TrimSpace(raw))
	if err != nil {
		// A *url.Error repeats the URL, and with it the password.
		if ue, ok := errors.AsType[*url.Error](err); ok {
			err = ue.Err
		}
		return "", fmt.Errorf("URL %q: %w", redactRaw(raw), err)
	}
	ok := false
	for _, s := range schemes {
		ok = ok || u.Scheme == s
	}
	switch {
	case !ok:
		return "", fmt.Errorf("URL %q: must begin with %s://", u.Redacted(), strings.Join(schemes, ":// or "))
	case u.Hostname() == "":
		return "", fmt.Errorf("URL %q: has no host name", u.Redacted())
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return "", fmt.Errorf("URL %q: a base URL has no query and no fragment", u.Redacted())
	}
	s := u.String()
	if !strings.HasSuffix(s, "/") {
		s += "/"
	}
	return s, nil
}

// PublicURL is BaseURL for an http or https URL that clients are sent to: it
// cannot have a user or password, of which every client would be told.
func PublicURL(raw string) (string, error) {
	s, err := BaseURL(raw, "http", "https")
	if err != nil {
		return "", err
	}
	if u, err := url.Parse(s); err != nil || u.User != nil {
		return "", fmt.Errorf("URL %s: clients are sent to it, so it cannot have a user or password", Redact(s))
	}
	return s, nil
}

// redactRaw hides a password in something that does not parse as a URL.
func redactRaw(raw string) string {
	if at := strings.LastIndexByte(raw, '@'); at >= 0 {
		if sep := strings.Index(raw, "://"); sep >= 0 && sep < at {
			return raw[:sep+3] + "xxxxx" + raw[at:]
		}
		return "xxxxx" + raw[at:]
	}
	return raw
}

// Redact gives a URL as text with its password replaced, for messages.
func Redact(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return redactRaw(raw)
	}
	return u.Redacted()
}
