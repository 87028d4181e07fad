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

// matchBelow is Match for the path and every folder above it.
func (g *Globs) matchBelow(p string, folder bool) bool {
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

func matchSegments(pattern []string, p string) bool {
	for len(pattern) > 0 {
		if pattern[0] == "**" {
			if len(pattern) == 1 {
				return true
			}
			for {
				if matchSegments(pattern[1:], p) {
					return true
				}
				_, rest, more := strings.Cut(p, "/")
				if !more {
					return false
				}
				p = rest
			}
		}
		seg, rest, more := strings.Cut(p, "/")
		if ok, _ := path.Match(pattern[0], seg); !ok {
			return false
		}
		if pattern = pattern[1:]; len(pattern) == 0 {
			return !more
		}
		if !more {
			return false
		}
		p = rest
	}
	return false
}
