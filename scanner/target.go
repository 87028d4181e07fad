package scanner

import (
	"context"
	"errors"
	"slices"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// target is what of a mirror a scan is about.
type target struct {
	folder string   // of the tree
	below  []string // the folders below the mirror's URLs that hold it
	whole  bool     // it is all that the mirror carries
}

// targetOf gives what a scan of subtree is about on m. It reports false when m
// carries nothing of subtree.
func targetOf(m *mirror.Mirror, subtree string) (target, bool) {
	if mirror.Below(m.Subtree, subtree) {
		return target{folder: m.Subtree, below: []string{""}, whole: true}, true
	}
	there, ok := m.There(subtree)
	if !ok {
		return target{}, false
	}
	list := []string{there}
	for _, r := range m.Renames {
		if r.Tree != subtree && mirror.Below(r.Tree, subtree) {
			list = append(list, r.There)
		}
	}
	t := target{folder: subtree}
	for i, p := range list {
		covered := func(o string) bool { return o != p && mirror.Below(p, o) }
		if !slices.ContainsFunc(list, covered) && !slices.Contains(list[:i], p) {
			t.below = append(t.below, p)
		}
	}
	return t, true
}

// targets are the folders that the scans are about.
func targets(mirrors []mirror.Mirror, subtree string) []string {
	var all []string
	for i := range mirrors {
		if t, ok := targetOf(&mirrors[i], subtree); ok && !slices.Contains(all, t.folder) {
			all = append(all, t.folder)
		}
	}
	return all
}

// severalFolders lists some folders, one after the other, as if they were one.
type severalFolders struct {
	listing.Lister

	below []string
}

// List implements listing.Lister. A folder that is not there is empty; when
// none is, there is nothing.
func (l severalFolders) List(ctx context.Context, _ string, yield func(listing.Entry) error) (listing.Summary, error) {
	var all listing.Summary
	var missing error
	found := false
	for _, sub := range l.below {
		sum, err := l.Lister.List(ctx, sub, yield)
		all.Entries += sum.Entries
		all.Refused += sum.Refused
		for _, why := range sum.Incomplete {
			all.AddIncomplete(why)
		}
		switch {
		case err == nil:
			found = true
		case !errors.Is(err, listing.ErrNoFolder):
			return all, err
		case missing == nil:
			missing = err
		}
	}
	if found {
		missing = nil
	}
	return all, missing
}
