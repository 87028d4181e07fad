// Package glob reads patterns for paths in the tree, as operators type them,
// and tells early below which folders nothing can match.
//
//	dir/file.iso    exactly that file; "\" before a character takes its meaning away
//	dir/            everything below the folder
//	dir/*.iso       "*" and "?" stand for characters within a name, "[a-z]" for one of them
//	dir/**/x.iso    "**" stands for any number of folders
//	*.iso           without a slash: names in any folder
//	dir/%.iso       "%" stands for anything, slashes too (MirrorBrain's wildcard)
//
// A slash at the beginning is the tree's root: "/*.iso" are files there alone.
package glob

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// kind is what a token stands for.
type kind uint8

const (
	one     kind = iota // the character char
	class               // one character of ranges, or with negated one that is in none; never a slash
	inName              // "?"
	star                // "*": any number of characters but slashes
	any0                // "%": any number of characters
	any1                // what is below a folder: one character or more
	folders             // "**/": any number of folders, each with its slash
)

// char is a rune, or for a byte that is no UTF-8, minus the byte.
type char = int32

type token struct {
	kind    kind
	char    char
	ranges  [][2]char
	negated bool
}

// Pattern is a compiled pattern. It does not change and may be used by many
// goroutines.
type Pattern struct {
	text   string
	tokens []token
	exact  string // the only path that matches; "" where there may be several
	folder string // of the tree, below which all matches are
}

// maxPattern bounds a pattern in bytes.
const maxPattern = 4096

// Parse reads a pattern.
func Parse(text string) (*Pattern, error) {
	p := &Pattern{text: text}
	switch {
	case len(text) > maxPattern:
		return nil, fmt.Errorf("pattern of %d bytes: at most %d are taken", len(text), maxPattern)
	case strings.IndexByte(text, 0) >= 0:
		return nil, fmt.Errorf("pattern %q has a NUL byte", text)
	}
	rest := strings.TrimPrefix(text, "/")
	if rest == "" {
		p.tokens = []token{{kind: any1}}
		return p, nil
	}
	if err := p.read(rest); err != nil {
		return nil, fmt.Errorf("pattern %q: %w", text, err)
	}
	slash, wild, loose := p.survey()
	switch {
	case !wild:
		p.setExact()
		return p, nil
	case !slash && !loose && rest == text:
		p.tokens = append([]token{{kind: folders}}, p.tokens...)
	}
	p.folder = p.literalFolder()
	return p, nil
}

// read makes tokens.
func (p *Pattern) read(s string) error {
	for i := 0; i < len(s); {
		atStart := i == 0 || s[i-1] == '/'
		switch c := s[i]; {
		case c == '%':
			p.tokens = append(p.tokens, token{kind: any0})
			i++
		case atStart && strings.HasPrefix(s[i:], "**/"):
			p.tokens = append(p.tokens, token{kind: folders})
			i += 3
		case atStart && s[i:] == "**":
			p.tokens = append(p.tokens, token{kind: any1})
			i += 2
		case strings.HasPrefix(s[i:], "**"):
			p.tokens = append(p.tokens, token{kind: any0})
			i += 2
		case c == '*':
			p.tokens = append(p.tokens, token{kind: star})
			i++
		case c == '?':
			p.tokens = append(p.tokens, token{kind: inName})
			i++
		case c == '[':
			t, n, err := readClass(s[i:])
			if err != nil {
				return err
			}
			p.tokens = append(p.tokens, t)
			i += n
		default:
			if c == '\\' {
				if i++; i == len(s) {
					return fmt.Errorf("a backslash at the end")
				}
			}
			r, n := next(s[i:])
			p.tokens = append(p.tokens, token{kind: one, char: r})
			i += n
		}
	}
	if s[len(s)-1] == '/' {
		p.tokens = append(p.tokens, token{kind: any1})
	}
	return nil
}

// readClass reads "[a-z]" or "[^a-z]" and gives how many bytes it took.
func readClass(s string) (t token, n int, err error) {
	t, n = token{kind: class}, 1
	if n < len(s) && (s[n] == '^' || s[n] == '!') {
		t.negated = true
		n++
	}
	char := func() (char, bool) {
		if n < len(s) && s[n] == '\\' {
			n++
		}
		if n >= len(s) || s[n] == '/' {
			return 0, false
		}
		r, k := next(s[n:])
		n += k
		return r, true
	}
	for first := true; ; first = false {
		if n < len(s) && s[n] == ']' && !first {
			return t, n + 1, nil
		}
		from, ok := char()
		to := from
		if ok && n+1 < len(s) && s[n] == '-' && s[n+1] != ']' {
			n++
			to, ok = char()
		}
		if !ok {
			return t, 0, fmt.Errorf(`"[" without its "]"`)
		}
		t.ranges = append(t.ranges, [2]int32{from, to})
	}
}

// survey says what a pattern has: slashes, anything that stands for more than
// itself, "%".
func (p *Pattern) survey() (slash, wild, loose bool) {
	for _, t := range p.tokens {
		slash = slash || t.kind == folders || t.kind == any1 || t.kind == one && t.char == '/'
		wild = wild || t.kind != one
		loose = loose || t.kind == any0
	}
	return slash, wild, loose
}

func (p *Pattern) setExact() {
	var b []byte
	for _, t := range p.tokens {
		b = appendChar(b, t.char)
	}
	p.exact = string(b)
	if i := strings.LastIndexByte(p.exact, '/'); i >= 0 {
		p.folder = p.exact[:i]
	}
}

// literalFolder gives the names before the first one that is not literal.
func (p *Pattern) literalFolder() string {
	var b []byte
	end := 0
	for _, t := range p.tokens {
		if t.kind != one {
			break
		}
		if t.char == '/' {
			end = len(b)
		}
		b = appendChar(b, t.char)
	}
	return string(b[:end])
}

// String is the pattern as it was given.
func (p *Pattern) String() string { return p.text }

// Exact gives the only path that can match, if there is but one.
func (p *Pattern) Exact() (path string, ok bool) { return p.exact, p.exact != "" }

// Folder is the folder below which everything that matches is; "" the tree's
// root.
func (p *Pattern) Folder() string { return p.folder }

// Quote gives the pattern that matches a path alone.
func Quote(path string) string {
	var b strings.Builder
	for i := range len(path) {
		if strings.IndexByte(`*?[\%`, path[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(path[i])
	}
	return b.String()
}

// next decodes a character, and says how long it is.
func next[S string | []byte](s S) (char, int) {
	if c := s[0]; c < utf8.RuneSelf {
		return char(c), 1
	}
	r, n := utf8.DecodeRuneInString(string(s[:min(len(s), utf8.UTFMax)]))
	if r == utf8.RuneError && n == 1 {
		return -char(s[0]), 1
	}
	return r, n
}

func appendChar(b []byte, c char) []byte {
	if c < 0 {
		return append(b, byte(-c))
	}
	return utf8.AppendRune(b, c)
}
