package accesslog

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// scanner walks over one JSON value (RFC 8259) without building anything. It is
// lax about what it skips. After an error everything it is asked for is empty.
type scanner struct {
	b       []byte
	i       int
	bad     bool
	scratch []byte
}

func (s *scanner) fail() { s.bad, s.i = true, len(s.b) }

// peek gives the next byte that is no space; 0 at the end.
func (s *scanner) peek() byte {
	for ; s.i < len(s.b); s.i++ {
		switch c := s.b[s.i]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

// enter goes into an object and gives its first key; false where the value is
// none, which is skipped, or has no keys.
func (s *scanner) enter() (key []byte, ok bool) {
	if s.peek() != '{' {
		s.skip()
		return nil, false
	}
	s.i++
	if s.peek() == '}' {
		s.i++
		return nil, false
	}
	return s.key()
}

// more gives the next key, or leaves the object.
func (s *scanner) more() (key []byte, ok bool) {
	switch s.peek() {
	case ',':
		s.i++
		return s.key()
	case '}':
		s.i++
	default:
		s.fail()
	}
	return nil, false
}

func (s *scanner) key() ([]byte, bool) {
	if s.peek() != '"' {
		s.fail()
		return nil, false
	}
	key, _ := s.raw()
	if s.peek() != ':' {
		s.fail()
		return nil, false
	}
	s.i++
	return key, true
}

// raw reads a string as it stands between its quotes.
func (s *scanner) raw() (text []byte, escaped bool) {
	start := s.i + 1
	for at := start; ; {
		end := bytes.IndexByte(s.b[at:], '"')
		if end < 0 {
			s.fail()
			return nil, false
		}
		end += at
		slashes := 0
		for end-slashes > start && s.b[end-slashes-1] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			s.i = end + 1
			text = s.b[start:end]
			return text, bytes.IndexByte(text, '\\') >= 0
		}
		at = end + 1
	}
}

// text gives a string's text, or a number or word as it stands; nothing for null,
// objects and lists. The result is good until the next call.
func (s *scanner) text() []byte {
	switch s.peek() {
	case '"':
		text, escaped := s.raw()
		if escaped {
			s.scratch = appendUnescaped(s.scratch[:0], text)
			return s.scratch
		}
		return text
	case '{', '[':
		s.skip()
		return nil
	}
	start := s.i
	s.skip()
	if word := s.b[start:s.i]; string(word) != "null" && !s.bad {
		return word
	}
	return nil
}

// first gives the text of a list's first item, or of what is no list.
func (s *scanner) first() []byte {
	if s.peek() != '[' {
		return s.text()
	}
	s.i++
	if s.peek() == ']' {
		s.i++
		return nil
	}
	text := s.text()
	s.leave(1)
	return text
}

// skip passes over a value.
func (s *scanner) skip() {
	switch s.peek() {
	case 0, ',', ':', '}', ']':
		s.fail()
	case '"':
		s.raw()
	case '{', '[':
		s.i++
		s.leave(1)
	default:
		for s.i < len(s.b) && bytes.IndexByte([]byte(",}] \t\r\n"), s.b[s.i]) < 0 {
			s.i++
		}
	}
}

// leave passes over everything until so many brackets are closed.
func (s *scanner) leave(depth int) {
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case '"':
			s.raw()
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		s.i++
		if depth == 0 {
			return
		}
	}
	s.fail()
}

// appendUnescaped appends a string's text.
func appendUnescaped(dst, text []byte) []byte {
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' || i+1 == len(text) {
			dst = append(dst, text[i])
			continue
		}
		i++
		if text[i] != 'u' {
			dst = append(dst, plainEscape(text[i]))
			continue
		}
		c := hexRune(text[i+1:])
		i += 4
		if utf16.IsSurrogate(c) && i+2 < len(text) && text[i+1] == '\\' && text[i+2] == 'u' {
			if pair := utf16.DecodeRune(c, hexRune(text[i+3:])); pair != utf8.RuneError {
				c = pair
				i += 6
			}
		}
		dst = utf8.AppendRune(dst, c)
	}
	return dst
}

// hexRune reads four hexadecimal digits.
func hexRune(b []byte) (c rune) {
	if len(b) < 4 {
		return utf8.RuneError
	}
	for _, d := range b[:4] {
		if !isHex(d) {
			return utf8.RuneError
		}
		c = c<<4 | rune(hexValue(d))
	}
	return c
}
