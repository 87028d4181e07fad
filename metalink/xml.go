package metalink

import (
	"strconv"
	"unicode/utf8"
)

// Beginning of every document.
const declaration = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"

// doc is an XML document being written. Its methods append; only text and attr
// take what is not ours, and escape it.
type doc []byte

// raw appends markup.
func (d *doc) raw(s string) { *d = append(*d, s...) }

func (d *doc) int(n int64) { *d = strconv.AppendInt(*d, n, 10) }

// attr appends an attribute with a leading space.
func (d *doc) attr(name, value string) {
	d.raw(" ")
	d.raw(name)
	d.raw(`="`)
	d.escaped(value, true)
	d.raw(`"`)
}

// intAttr is attr for a number.
func (d *doc) intAttr(name string, n int64) {
	d.raw(" ")
	d.raw(name)
	d.raw(`="`)
	d.int(n)
	d.raw(`"`)
}

// element appends an element that has only text, on a line of its own.
func (d *doc) element(indent, name, value string) {
	d.raw(indent)
	d.raw("<")
	d.raw(name)
	d.raw(">")
	d.text(value)
	d.raw("</")
	d.raw(name)
	d.raw(">\n")
}

// intElement is element for a number.
func (d *doc) intElement(indent, name string, n int64) {
	d.raw(indent)
	d.raw("<")
	d.raw(name)
	d.raw(">")
	d.int(n)
	d.raw("</")
	d.raw(name)
	d.raw(">\n")
}

// text appends character data.
func (d *doc) text(s string) { d.escaped(s, false) }

// escaped appends s, in which only characters that need it are written as
// references. What XML 1.0 has no characters for (section 2.2) becomes U+FFFD.
func (d *doc) escaped(s string, quoted bool) {
	plain := 0
	for i := 0; i < len(s); {
		if c := s[i]; c >= '?' && c < 0x7f || c >= '(' && c <= ';' { // nearly all of a URL
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if esc := escape(r, n, quoted); esc != "" {
			*d = append(*d, s[plain:i]...)
			*d = append(*d, esc...)
			plain = i + n
		}
		i += n
	}
	*d = append(*d, s[plain:]...)
}

// escape gives what stands for r, "" if r itself does. n is how many bytes r
// was.
func escape(r rune, n int, quoted bool) string {
	switch {
	case r == '&':
		return "&amp;"
	case r == '<':
		return "&lt;"
	case r == '>':
		return "&gt;"
	case r == '"' && quoted:
		return "&quot;"
	case r == '\r': // a bare one would be read as a line feed
		return "&#13;"
	case r == '\n' && quoted: // and these as spaces
		return "&#10;"
	case r == '\t' && quoted:
		return "&#9;"
	case r == '\n', r == '\t':
		return ""
	case r < 0x20, r == utf8.RuneError && n == 1, r == 0xfffe, r == 0xffff:
		return "\ufffd"
	}
	return ""
}
