package origin

import (
	"fmt"
	"path"
	"strings"
)

// Globs is a list of patterns for paths in the tree. A pattern without a slash
// matches a name in any folder; one with a slash matches whole paths from the
// root, where "**" stands for any number of folders. A trailing slash limits it
// to folders. What matches a folder leaves out everything below it. The nil
// list matches nothing.
type Globs struct{ list []glob }

type glob struct {
	segments []string
	anywhere bool // matches the last segment alone
	folder   bool
}

// NewGlobs checks and compiles patterns in the syntax of path.Match.
func NewGlobs(patterns []string) (*Globs, error) {
	g := &Globs{}
	for _, p := range patterns {
		rest := strings.TrimPrefix(p, "/")
		one := glob{folder: strings.HasSuffix(rest, "/")}
		rest = strings.TrimSuffix(rest, "/")
		one.anywhere = !strings.Contains(rest, "/") && !strings.HasPrefix(p, "/")
		one.segments = strings.Split(rest, "/")
		if last := len(one.segments) - 1; one.segments[last] == "**" { // not the folder itself
			one.segments = append(one.segments, "*")
		}
		for _, s := range one.segments {
			if _, err := path.Match(s, ""); err != nil || s == "" {
				return nil, fmt.Errorf("pattern %q is not valid", p)
			}
		}
		g.list = append(g.list, one)
	}
	return g, nil
}

// Match reports whether a pattern matches the path itself; folder says what it
// is.
func (g *Globs) Match(p string, folder bool) bool {
	if g == nil {
		return false
	}
	for i := range g.list {
		one := &g.list[i]
		switch {
		case one.folder && !folder:
		case one.anywhere:
			if ok, _ := path.Match(one.segments[0], p[strings.LastIndexByte(p, '/')+1:]); ok {
				return true
			}
		case matchSegments(one.segments, p):
			return true
		}
	}
	return false
}

// MatchBelow is Match for the path and every folder above it.
func (g *Globs) MatchBelow(p string, folder bool) bool {
	if g == nil || len(g.list) == 0 {
		return false
	}
	for i := range len(p) {
		if p[i] == '/' && g.Match(p[:i], true) {
			return true
		}
	}
	return g.Match(p, folder)
}

// matchSegments goes back to the last "**" alone, so that no pattern takes more
// than its length times the path's.
func matchSegments(pattern []string, p string) bool {
	names := strings.Split(p, "/")
	pi, si, star, mark := 0, 0, -1, 0
	for si < len(names) {
		if pi < len(pattern) {
			if pattern[pi] == "**" {
				star, mark = pi, si
				pi++
				continue
			}
			if ok, _ := path.Match(pattern[pi], names[si]); ok {
				pi, si = pi+1, si+1
				continue
			}
		}
		if star < 0 {
			return false
		}
		mark++
		pi, si = star+1, mark
	}
	return pi == len(pattern)
}
