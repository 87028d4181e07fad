package autoindex

import (
	"encoding/binary"
	"strings"
)

// Version order is defined by comparing two names character by character, with
// runs of digits taken as wholes (this is what Martin Pool's strnatcmp does,
// which Apache has). Instead, a name is turned into a key once, and the keys,
// compared as bytes, stand in that order: so the order is total by construction,
// and sorting compares memory.
//
// A key has a character as its byte. White space is left out. A run of digits
// that begins with 0 counts as the decimals of a fraction: it becomes the byte
// '0', the digits, and a byte below all digits, so that a run comes before those
// that it begins. Any other run becomes the byte '1', its length, and its digits:
// a longer number is larger. Since the first byte is a digit's, runs stand among
// other characters where digits do.

// appendNaturalKey appends the key of s to dst, with fold as if s were in upper
// case (ASCII only, as in Apache's C locale).
func appendNaturalKey(dst []byte, s string, fold bool) []byte {
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case isSpace(c):
			i++
		case isDigit(c):
			end := i + 1
			for end < len(s) && isDigit(s[end]) {
				end++
			}
			dst = appendRun(dst, s[i:end])
			i = end
		default:
			if fold && c >= 'a' && c <= 'z' {
				c -= 'a' - 'A'
			}
			dst = append(dst, c)
			i++
		}
	}
	return dst
}

func appendRun(dst []byte, digits string) []byte {
	if digits[0] == '0' {
		dst = append(dst, '0')
		dst = append(dst, digits...)
		return append(dst, 0)
	}
	dst = append(dst, '1')
	if n := len(digits); n < 0xff {
		dst = append(dst, byte(n))
	} else {
		dst = append(dst, 0xff)
		dst = binary.BigEndian.AppendUint64(dst, uint64(n))
	}
	return append(dst, digits...)
}

// compareNatural compares two texts in version order; 0 when they differ in
// white space alone.
func compareNatural(a, b string, fold bool) int {
	return strings.Compare(string(appendNaturalKey(nil, a, fold)), string(appendNaturalKey(nil, b, fold)))
}

// appendLower appends s in lower case (ASCII only).
func appendLower(dst []byte, s string) []byte {
	for i := range len(s) {
		c := s[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }
