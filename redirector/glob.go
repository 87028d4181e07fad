package redirector

import (
	"errors"
	"fmt"
	"strings"
)

// glob is a compiled pattern for a string of bytes: '*' is any bytes, also
// none; '?' is one byte; [abc], [a-z] and [!a-z] are one byte of a set or not
// of it; a backslash takes away the next character's meaning. Matching costs at
// most the product of both lengths.
type glob []atom

// atom is one element of a glob.
type atom struct {
	star bool
	set  *[256]bool // nil for literals and stars
	lit  byte
}

var errGlob = errors.New("unfinished pattern")

// compileGlob compiles a pattern; fold makes it match without regard to the
// case of ASCII letters (the subject must then be matched with fold too).
func compileGlob(pattern string, fold bool) (glob, error) {
	var g glob
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; c {
		case '*':
			if n := len(g); n == 0 || !g[n-1].star {
				g = append(g, atom{star: true})
			}
		case '?':
			var all [256]bool
			for b := range all {
				all[b] = true
			}
			g = append(g, atom{set: &all})
		case '[':
			set, n, err := compileSet(pattern[i:], fold)
			if err != nil {
				return nil, fmt.Errorf("pattern %q: %w", pattern, err)
			}
			g = append(g, atom{set: set})
			i += n - 1
		case '\\':
			i++
			if i == len(pattern) {
				return nil, fmt.Errorf("pattern %q: %w", pattern, errGlob)
			}
			g = append(g, atom{lit: pattern[i]})
		default:
			g = append(g, atom{lit: c})
		}
	}
	for i := range g {
		if fold {
			g[i].lit = lower(g[i].lit)
		}
	}
	return g, nil
}

// compileSet compiles the [...] that s begins with, and says how long it is.
// A ']' right after the bracket is one of the set.
func compileSet(s string, fold bool) (*[256]bool, int, error) {
	i, not := 1, false
	if i < len(s) && (s[i] == '!' || s[i] == '^') {
		not = true
		i++
	}
	var set [256]bool
	for first := true; ; first = false {
		if i >= len(s) {
			return nil, 0, errGlob
		}
		if s[i] == ']' && !first {
			break
		}
		lo, n, err := setByte(s[i:])
		if err != nil {
			return nil, 0, err
		}
		i += n
		hi := lo
		if i+1 < len(s) && s[i] == '-' && s[i+1] != ']' {
			hi, n, err = setByte(s[i+1:])
			if err != nil {
				return nil, 0, err
			}
			i += 1 + n
		}
		if hi < lo {
			return nil, 0, fmt.Errorf("range %q-%q is the wrong way round", lo, hi)
		}
		for b := int(lo); b <= int(hi); b++ {
			set[b] = true
		}
	}
	for c := byte('A'); fold && c <= 'Z'; c++ {
		set[lower(c)] = set[lower(c)] || set[c]
	}
	if not {
		for b := range set {
			set[b] = !set[b]
		}
	}
	return &set, i + 1, nil
}

// setByte reads one byte of a set, and says how long it stands in the pattern.
func setByte(s string) (byte, int, error) {
	switch {
	case s == "" || s == `\`:
		return 0, 0, errGlob
	case s[0] == '\\':
		return s[1], 2, nil
	}
	return s[0], 1, nil
}

// lower gives the lower case of an ASCII letter, and any other byte as it is.
func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// match reports whether all of s is as g says. fold compares s as if its ASCII
// letters were lower case.
//
// Where the pattern does not fit, only the last star is tried with one byte
// more: what stood before it need not be looked at again.
func (g glob) match(s string, fold bool) bool {
	// What follows the last star decides most often, as in "*.iso".
	for len(g) > 0 && !g[len(g)-1].star {
		n := len(s) - 1
		if n < 0 {
			return false
		}
		c := s[n]
		if fold {
			c = lower(c)
		}
		if !g[len(g)-1].is(c) {
			return false
		}
		g, s = g[:len(g)-1], s[:n]
	}
	at, i := 0, 0
	star, from := -1, 0
	for i < len(s) {
		if at < len(g) && g[at].star {
			star, from = at, i
			at++
			continue
		}
		c := s[i]
		if fold {
			c = lower(c)
		}
		switch {
		case at < len(g) && g[at].is(c):
			at++
			i++
		case star >= 0:
			from++
			at, i = star+1, from
		default:
			return false
		}
	}
	for at < len(g) && g[at].star {
		at++
	}
	return at == len(g)
}

func (a *atom) is(c byte) bool {
	if a.set != nil {
		return a.set[c]
	}
	return a.lit == c
}

// pathGlob is a compiled pattern for paths in the tree. A pattern without a
// slash is for the base name; one with a slash, be it the first byte, is for
// the whole path from the root. Wildcards stay within one segment, but a
// segment that is "**" stands for any number of segments, also none. A pattern
// that ends in a slash stands for everything below. Case counts.
type pathGlob struct {
	base     bool
	segments []glob // nil: "**"
}

func compilePathGlob(pattern string) (pathGlob, error) {
	if strings.Trim(pattern, "/") == "" {
		return pathGlob{}, fmt.Errorf("pattern %q: names nothing", pattern)
	}
	p := pathGlob{base: !strings.Contains(pattern, "/")}
	rest := strings.TrimPrefix(pattern, "/")
	if strings.HasSuffix(rest, "/") {
		rest += "**/*"
	}
	// A slash within brackets separates too: no segment can hold one.
	for seg := range strings.SplitSeq(rest, "/") {
		if seg == "**" && !p.base {
			p.segments = append(p.segments, nil)
			continue
		}
		g, err := compileGlob(seg, false)
		switch {
		case err != nil:
			return pathGlob{}, fmt.Errorf("pattern %q: %w", pattern, err)
		case len(g) == 0:
			return pathGlob{}, fmt.Errorf("pattern %q: has an empty segment", pattern)
		}
		p.segments = append(p.segments, g)
	}
	return p, nil
}

// match reports whether path, whose last segment is base, is as p says.
func (p *pathGlob) match(path, base string) bool {
	if p.base {
		return p.segments[0].match(base, false)
	}
	// As glob.match, with segments for bytes. rest == "" with more false: the
	// path is used up.
	at, rest, more := 0, path, true
	star, from := -1, ""
	for more {
		if at < len(p.segments) && p.segments[at] == nil {
			star, from = at, rest
			at++
			continue
		}
		seg, tail, next := strings.Cut(rest, "/")
		switch {
		case at < len(p.segments) && p.segments[at].match(seg, false):
			at++
			rest, more = tail, next
		case star >= 0:
			_, tail, next = strings.Cut(from, "/")
			from, rest, more = tail, tail, next
			at = star + 1
		default:
			return false
		}
	}
	for at < len(p.segments) && p.segments[at] == nil {
		at++
	}
	return at == len(p.segments)
}
