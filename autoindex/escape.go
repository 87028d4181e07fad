package autoindex

import (
	"strings"
	"unicode/utf8"
)

const (
	lowerHex = "0123456789abcdef"
	upperHex = "0123456789ABCDEF"
)

// plainInHref holds the bytes that Apache leaves as they are in the path of a
// link. All others are percent-encoded, so only "&" is left to be escaped for
// HTML.
var plainInHref = byteSet("$-_.+!*'(),:;@&=/~")

// plainInURL holds the bytes that package net/url leaves in a path, which the
// URLs of Caddy's JSON are made with.
var plainInURL = byteSet("$&+,/:;=@-_.~")

// byteSet is the set of some bytes and all ASCII letters and digits.
func byteSet(others string) (t [256]bool) {
	for c := range t {
		b := byte(c)
		t[c] = b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || isDigit(b) || strings.IndexByte(others, b) >= 0
	}
	return t
}

// appendPercent appends path, with the bytes that are not plain encoded.
func appendPercent(dst []byte, path string, plain *[256]bool, hex string) []byte {
	begin := 0
	for i := range len(path) {
		if c := path[i]; !plain[c] {
			dst = append(dst, path[begin:i]...)
			dst = append(dst, '%', hex[c>>4], hex[c&15])
			begin = i + 1
		}
	}
	return append(dst, path[begin:]...)
}

// appendHref appends a relative link to path as it stands in an attribute
// between double quotes. A path that could be taken for a URL with a scheme
// begins with "./" (RFC 3986 section 4.2).
func appendHref(dst []byte, path string) []byte {
	if i := strings.IndexAny(path, ":/"); i >= 0 && path[i] == ':' {
		dst = append(dst, "./"...)
	}
	begin := 0
	for i := range len(path) {
		c := path[i]
		if plainInHref[c] && c != '&' {
			continue
		}
		dst = append(dst, path[begin:i]...)
		begin = i + 1
		if c == '&' {
			dst = append(dst, "&amp;"...)
		} else {
			dst = append(dst, '%', lowerHex[c>>4], lowerHex[c&15])
		}
	}
	return append(dst, path[begin:]...)
}

// appendHTML appends s as text for HTML. What cannot be shown (control
// characters, bytes that are no UTF-8) becomes U+FFFD, so that the page is valid
// and says nothing to a terminal.
func appendHTML(dst []byte, s string) []byte {
	return appendShown(dst, s, true)
}

// appendLine appends s as plain text within a line.
func appendLine(dst []byte, s string) []byte {
	return appendShown(dst, s, false)
}

// plainInText holds the bytes that are text everywhere.
var plainInText = func() (t [256]bool) {
	for c := byte(' '); c < 0x7f; c++ {
		t[c] = strings.IndexByte(`&<>"`, c) < 0
	}
	return t
}()

func appendShown(dst []byte, s string, markup bool) []byte {
	begin := 0
	for i := 0; i < len(s); {
		if plainInText[s[i]] {
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		with := ""
		switch {
		case r < ' ', r >= 0x7f && r < 0xa0, r == utf8.RuneError:
			with = "\uFFFD"
		case markup:
			with = entity(r)
		}
		if with != "" {
			dst = append(dst, s[begin:i]...)
			dst = append(dst, with...)
			begin = i + n
		}
		i += n
	}
	return append(dst, s[begin:]...)
}

// entity is how a character has to be written in HTML; "" as it is.
func entity(r rune) string {
	switch r {
	case '&':
		return "&amp;"
	case '<':
		return "&lt;"
	case '>':
		return "&gt;"
	case '"':
		return "&quot;"
	}
	return ""
}

// appendBlock appends a text of several lines as HTML. Unlike in a name, the
// characters that end lines and indent them are kept, and quotes are left as
// Apache leaves them.
func appendBlock(dst []byte, s string) []byte {
	begin := 0
	for i, r := range s {
		with := entity(r)
		switch {
		case r == '"':
			continue
		case r == '\n', r == '\t', r == '\r':
			continue
		case r < ' ', r >= 0x7f && r < 0xa0, r == utf8.RuneError:
			with = "\uFFFD"
		case with == "":
			continue
		}
		dst = append(dst, s[begin:i]...)
		dst = append(dst, with...)
		_, n := utf8.DecodeRuneInString(s[i:])
		begin = i + n
	}
	return append(dst, s[begin:]...)
}

// appendBlanks appends n blanks; none when n is negative.
func appendBlanks(dst []byte, n int) []byte {
	for ; n > len(blanks); n -= len(blanks) {
		dst = append(dst, blanks...)
	}
	return append(dst, blanks[:max(n, 0)]...)
}

const blanks = "                                                                "

// cutRunes gives the first n characters of s.
func cutRunes(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}
