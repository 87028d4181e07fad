package scanner

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/origin"
)

// filter says what of a mirror is not looked at, by its rules and by those for
// all mirrors. The nil filter leaves out nothing.
type filter struct {
	key     string // the same for mirrors with the same filter
	m       *mirror.Mirror
	exclude *origin.Globs // paths of the tree
	top     []string      // top folders of the tree; empty: all
}

// newFilter makes the filter for m, nil when nothing is left out. o's patterns
// were checked.
func newFilter(m *mirror.Mirror, o *Options) (*filter, error) {
	patterns := slices.Concat(o.Exclude, m.Rules.Exclude)
	if len(patterns) == 0 && len(o.Top) == 0 && len(m.Rules.Top) == 0 {
		return nil, nil
	}
	globs, err := origin.NewGlobs(patterns)
	if err != nil {
		return nil, fmt.Errorf("excludes of mirror %s: %w (mend them with mbctl edit)", m.Name, err)
	}
	return &filter{key: filterKey(m, o), m: m, exclude: globs, top: o.Top}, nil
}

// filterKey is the same for mirrors with the same filter.
func filterKey(m *mirror.Mirror, o *Options) string {
	var key []any
	for _, list := range [][]string{o.Exclude, o.Top, m.Rules.Exclude, m.Rules.Top} {
		key = append(key, append([]string{}, list...)) // none is an empty list, however it was stored
	}
	if len(m.Rules.Top) > 0 { // these are where the mirror has them
		key = append(key, m.Subtree, m.Renames)
	}
	b, err := json.Marshal(key)
	if err != nil { // lists of strings always can be
		return m.Name
	}
	return string(b)
}

// filters gives the filters of all mirrors by their keys. One that cannot be
// made is left out: the mirror's own scan will say so.
func filters(mirrors []mirror.Mirror, o *Options) map[string]*filter {
	all := map[string]*filter{}
	for i := range mirrors {
		if f, err := newFilter(&mirrors[i], o); err == nil && f != nil {
			all[f.key] = f
		}
	}
	return all
}

// leavesOut reports whether a file of the tree is not looked at.
func (f *filter) leavesOut(path string) bool {
	if f.outsideTree(path) || f.exclude.MatchBelow(path, false) {
		return true
	}
	if len(f.m.Rules.Top) == 0 {
		return false
	}
	there, ok := f.m.There(path)
	return ok && f.outsideHere(there)
}

// skips reports whether an entry of the listing, at a path below the base URLs,
// is not looked at. What is in a skipped folder is skipped, too.
func (f *filter) skips(there string, folder bool) bool {
	if there == "" || folder && f.leadsToRename(there) {
		return false
	}
	if f.outsideHere(there) {
		return true
	}
	path, ok := f.m.InTree(there)
	return ok && (f.outsideTree(path) || f.exclude.MatchBelow(path, folder))
}

// outsideHere reports whether a path below the base URLs lies outside the
// mirror's top folders that are looked at.
func (f *filter) outsideHere(there string) bool {
	return len(f.m.Rules.Top) > 0 && !slices.Contains(f.m.Rules.Top, firstName(there))
}

// outsideTree reports whether a path lies outside the tree's top folders that
// are looked at.
func (f *filter) outsideTree(path string) bool {
	return len(f.top) > 0 && !slices.Contains(f.top, firstName(path))
}

// leadsToRename reports whether a folder of the tree is kept below there: it is
// not what there is called that decides about it.
func (f *filter) leadsToRename(there string) bool {
	return slices.ContainsFunc(f.m.Renames, func(r mirror.Rename) bool { return r.There != there && mirror.Below(r.There, there) })
}

func firstName(path string) string {
	first, _, _ := strings.Cut(path, "/")
	return first
}
