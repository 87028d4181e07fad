package worldmap

import (
	"strings"
	"unicode/utf8"
)

// appendText appends what somebody else wrote, so that it is text in HTML and in
// a quoted attribute, and reads as it is: U+FFFD stands for what is not UTF-8,
// for control characters, and for those that turn the direction of a line.
func appendText(dst []byte, s string) []byte {
	for _, r := range s {
		switch {
		case r == '&':
			dst = append(dst, "&amp;"...)
		case r == '<':
			dst = append(dst, "&lt;"...)
		case r == '>':
			dst = append(dst, "&gt;"...)
		case r == '"':
			dst = append(dst, "&#34;"...)
		case r == '\'':
			dst = append(dst, "&#39;"...)
		case r < ' ', r >= 0x7f && r < 0xa0,
			r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069,
			r&0xfffe == 0xfffe, r >= 0xfdd0 && r <= 0xfdef: // no characters
			dst = utf8.AppendRune(dst, utf8.RuneError)
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return dst
}

// safe gives a URL that leads to a page, here or elsewhere; "" for any other.
func safe(url string) string {
	for i := range len(url) {
		if url[i] <= ' ' || url[i] >= 0x7f || url[i] == '\\' {
			return ""
		}
	}
	scheme, _, found := strings.Cut(url, ":")
	switch {
	case strings.HasPrefix(url, "//"):
		return ""
	case !found || strings.ContainsAny(scheme, "/?#"): // relative
		return url
	case strings.EqualFold(scheme, "https"), strings.EqualFold(scheme, "http"):
		return url
	}
	return ""
}
