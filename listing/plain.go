package listing

import (
	"strings"
	"unicode/utf8"
)

// maxText is how many bytes of what a server made us say are kept: errors and
// reasons are stored, logged and shown on terminals.
const maxText = 1000

// Plain makes an error fit to print and to keep: libraries repeat what servers
// sent (the names in a certificate, say) as it came. What
// the error wraps can still be asked for.
func Plain(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	if clean := plainText(text); clean != text {
		return &plainError{clean, err}
	}
	return err
}

type plainError struct {
	text string
	err  error
}

func (e *plainError) Error() string { return e.text }
func (e *plainError) Unwrap() error { return e.err }

// plainText replaces control characters and what is not UTF-8, and shortens.
func plainText(s string) string {
	if len(s) > maxText {
		cut := maxText
		for cut > maxText-utf8.UTFMax && !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + "..."
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
}
