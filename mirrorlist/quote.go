package mirrorlist

import "unicode/utf8"

// quotable holds the bytes that stand for themselves in a JSON string that may
// also be put into HTML.
var quotable = func() (t [256]bool) {
	for c := byte(' '); c < 0x7f; c++ {
		t[c] = true
	}
	for _, c := range `"\<>&` {
		t[c] = false
	}
	return t
}()

const lowerHex = "0123456789abcdef"

// appendQuoted appends s as a JSON string (RFC 8259 section 7), with what means
// something in HTML or JavaScript escaped and U+FFFD for bytes that are not
// UTF-8: what encoding/json gives.
func appendQuoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	plain := 0
	for i := 0; i < len(s); {
		c := s[i]
		if quotable[c] {
			i++
			continue
		}
		if c < utf8.RuneSelf {
			dst = append(dst, s[plain:i]...)
			dst = appendEscape(dst, rune(c))
			i++
			plain = i
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 || r == '\u2028' || r == '\u2029' {
			dst = append(dst, s[plain:i]...)
			dst = appendEscape(dst, r)
			plain = i + n
		}
		i += n
	}
	return append(append(dst, s[plain:]...), '"')
}

func appendEscape(dst []byte, r rune) []byte {
	switch r {
	case '"', '\\':
		return append(dst, '\\', byte(r))
	case '\n':
		return append(dst, '\\', 'n')
	case '\t':
		return append(dst, '\\', 't')
	}
	return append(dst, '\\', 'u', lowerHex[r>>12&15], lowerHex[r>>8&15], lowerHex[r>>4&15], lowerHex[r&15])
}
