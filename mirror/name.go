package mirror

import (
	"strings"
	"unicode/utf8"
)

// SafeName makes a base name fit for documents from which clients take the name
// to save a file under (Metalink, torrent, zsync): text that is UTF-8, can stand
// in XML 1.0 and in a line, and names a file in the folder it is saved to, on
// Windows, too. Each byte that is not UTF-8, each control character, slash,
// backslash and noncharacter becomes "_", and so does every dot of "." and "..";
// the empty name becomes "_". A name longer than MaxName, which no file has, is
// cut. What needs no change is returned as it is, and only the empty name becomes
// longer.
func SafeName(name string) string {
	switch name {
	case "", ".":
		return "_"
	case "..":
		return "__"
	}
	for i, r := range name {
		if unsafeInName(r) || r == utf8.RuneError && isInvalid(name[i:]) {
			return cutName(replaceUnsafe(name))
		}
	}
	return cutName(name)
}

// cutName cuts UTF-8 text to MaxName bytes, between characters.
func cutName(name string) string {
	if len(name) <= MaxName {
		return name
	}
	n := MaxName
	for !utf8.RuneStart(name[n]) {
		n--
	}
	return name[:n]
}

func replaceUnsafe(name string) string {
	var b strings.Builder
	b.Grow(len(name))
	for i, r := range name {
		if unsafeInName(r) || r == utf8.RuneError && isInvalid(name[i:]) {
			r = '_'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// isInvalid tells a byte that is not UTF-8 from U+FFFD itself.
func isInvalid(s string) bool {
	_, n := utf8.DecodeRuneInString(s)
	return n == 1
}

func unsafeInName(r rune) bool {
	switch {
	case r < 0x20, r >= 0x7f && r < 0xa0: // C0, DEL and C1 controls
		return true
	case r == '/', r == '\\':
		return true
	case r == 0x2028, r == 0x2029: // end a line for some readers
		return true
	}
	return r >= 0xfdd0 && r <= 0xfdef || r&0xfffe == 0xfffe // noncharacters
}

// PlainURL reports whether s is an absolute URL with an authority, written in
// the characters that RFC 3986 section 2 leaves a URL. Such a one can stand
// alone in a line, a header field or between quotes; in XML it needs "&" and
// "'" escaped.
func PlainURL(s string) bool {
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok || scheme == "" || rest == "" || rest[0] == '/' {
		return false
	}
	for i := range len(scheme) {
		c := scheme[i]
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (i == 0 || strings.IndexByte("0123456789+-.", c) < 0) {
			return false
		}
	}
	for i := range len(rest) {
		if c := rest[i]; c <= ' ' || c > '~' || strings.IndexByte("\"<>\\^`{|}", c) >= 0 {
			return false
		}
	}
	return true
}
