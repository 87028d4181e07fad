package autoindex

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Pattern is a glob for names, as Apache's P has them: "*" stands for any
// characters, "?" for one, "[a-z]" for one of them and "[!a-z]" or "[^a-z]" for
// one of the others. "\" is a character as any other, and so is "[" without its
// "]". A dot at the beginning of a name must be in the pattern. The zero value
// matches the empty name alone. It does not change and may be used by many
// goroutines.
//
// The patterns of package mirror/glob are those of operators, for paths; this
// language is the one that clients of Apache know.
type Pattern struct {
	text   string
	tokens []nameToken
	loops  nameStates                 // before which token any character may be skipped
	ascii  [utf8.RuneSelf]*nameStates // which tokens take a character; nil: none does
	anyDot bool                       // wildcards match a dot at the beginning too
}

// nameToken takes one character: one within a range, or, negated, in none.
type nameToken struct {
	ranges  [][2]rune
	negated bool
}

// nameStates is a set of numbers of tokens, and one behind the last.
type nameStates [MaxPattern/64 + 1]uint64

// ParsePattern reads a pattern of at most MaxPattern bytes.
func ParsePattern(text string) (*Pattern, error) {
	switch {
	case len(text) > MaxPattern:
		return nil, fmt.Errorf("pattern of %d bytes: at most %d are taken", len(text), MaxPattern)
	case strings.IndexByte(text, 0) >= 0:
		return nil, fmt.Errorf("pattern %q has a NUL byte", text)
	}
	p := &Pattern{text: text}
	for rest := text; rest != ""; {
		rest = p.read(rest)
	}
	for c := range p.ascii {
		if s := p.taking(rune(c)); s != (nameStates{}) {
			p.ascii[c] = &s
		}
	}
	return p, nil
}

// read takes one token off s.
func (p *Pattern) read(s string) (rest string) {
	switch s[0] {
	case '*':
		p.loops.add(len(p.tokens))
		return s[1:]
	case '?':
		p.tokens = append(p.tokens, nameToken{negated: true})
		return s[1:]
	case '[':
		if t, n := readNameClass(s); n > 0 {
			p.tokens = append(p.tokens, t)
			return s[n:]
		}
	}
	r, n := nameRune(s)
	p.tokens = append(p.tokens, nameToken{ranges: [][2]rune{{r, r}}})
	return s[n:]
}

// readNameClass reads "[a-z]" and gives how many bytes it took; 0 when there is
// no "]". A "]" at the beginning stands for itself.
func readNameClass(s string) (t nameToken, n int) {
	n = 1
	if n < len(s) && (s[n] == '!' || s[n] == '^') {
		t.negated = true
		n++
	}
	for first := true; n < len(s); first = false {
		if s[n] == ']' && !first {
			return t, n + 1
		}
		from, k := nameRune(s[n:])
		n += k
		to := from
		if n+1 < len(s) && s[n] == '-' && s[n+1] != ']' {
			to, k = nameRune(s[n+1:])
			n += 1 + k
		}
		t.ranges = append(t.ranges, [2]rune{from, to})
	}
	return t, 0
}

// nameRune decodes a character; a byte that is no UTF-8 is minus itself.
func nameRune(s string) (r rune, n int) {
	if s[0] < utf8.RuneSelf {
		return rune(s[0]), 1
	}
	r, n = utf8.DecodeRuneInString(s)
	if r == utf8.RuneError && n == 1 {
		return -rune(s[0]), 1
	}
	return r, n
}

// String is the pattern as it was given.
func (p *Pattern) String() string { return p.text }

// Match reports whether a whole name matches. The time it takes grows with the
// length of the name alone: all ways to match are followed at once, as a set.
func (p *Pattern) Match(name string) bool {
	if !p.anyDot && strings.HasPrefix(name, ".") && !strings.HasPrefix(p.text, ".") {
		return false
	}
	words := len(p.tokens)/64 + 1 // of the sets that are in use
	at := nameStates{1}
	for name != "" {
		r, n := nameRune(name)
		name = name[n:]
		var taking *nameStates
		if r >= 0 && r < utf8.RuneSelf {
			taking = p.ascii[r]
		} else {
			s := p.taking(r)
			taking = &s
		}
		if !at.step(taking, &p.loops, words) {
			return false
		}
	}
	return at.has(len(p.tokens))
}

// taking gives the tokens that take a character.
func (p *Pattern) taking(r rune) (s nameStates) {
	for i, t := range p.tokens {
		in := t.negated
		for _, span := range t.ranges {
			if span[0] <= r && r <= span[1] {
				in = !t.negated
				break
			}
		}
		if in {
			s.add(i)
		}
	}
	return s
}

// step goes on by one character, and reports whether there is still a way to match.
func (s *nameStates) step(taking, loops *nameStates, words int) bool {
	var carry, left uint64
	for i := range words {
		var moved uint64
		if taking != nil {
			moved = s[i] & taking[i]
		}
		s[i] = moved<<1 | carry | s[i]&loops[i]
		carry = moved >> 63
		left |= s[i]
	}
	return left != 0
}

func (s *nameStates) add(i int) { s[i/64] |= 1 << (i % 64) }

func (s *nameStates) has(i int) bool { return s[i/64]>>(i%64)&1 != 0 }
