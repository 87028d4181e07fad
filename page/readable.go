package page

import (
	"strings"
	"unicode/utf8"
)

// Readable makes text of bytes that may be none: control characters become
// their pictures (U+2400 and on), and U+FFFD stands for what is not UTF-8, or
// would make the text read otherwise than it is (UTR 36 section 2.3).
func Readable(s string) string {
	plain := true
	for i := 0; i < len(s) && plain; i++ {
		plain = s[i] >= ' ' && s[i] < 0x7f
	}
	if plain {
		return s
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r < ' ':
			return 0x2400 + r
		case r == 0x7f:
			return 0x2421
		case r > 0x7f && r < 0xa0, // C1
			r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, // direction
			r&0xfffe == 0xfffe, r >= 0xfdd0 && r <= 0xfdef: // no characters
			return utf8.RuneError
		}
		return r
	}, s)
}
