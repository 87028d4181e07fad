package origin

import (
	"context"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// absent gives the ids of what the tree no longer has. Files below a folder
// that could not be read are not known to be gone, and after an incomplete
// listing none is.
func (r *run) absent(ctx context.Context, l Listed) ([]mirror.FileID, error) {
	if len(l.Incomplete) > 0 {
		r.report.Kept = r.d.live - r.d.seen
		return nil, nil
	}
	var ids []mirror.FileID
	r.d.unseen(func(id mirror.FileID) { ids = append(ids, id) })
	if len(l.Unknown) > 0 && len(ids) > 0 {
		keep, err := r.below(ctx, ids, l.Unknown)
		if err != nil {
			return nil, err
		}
		r.report.Kept = int64(keep.GetCardinality())
		ids = slices.DeleteFunc(ids, func(id mirror.FileID) bool { return keep.Contains(uint32(id)) })
	}
	slices.Sort(ids)
	r.d.counts.Removed = int64(len(ids))
	return ids, nil
}

// below gives those of ids whose paths lie below one of folders.
func (r *run) below(ctx context.Context, ids []mirror.FileID, folders []string) (*roaring.Bitmap, error) {
	set, keep := roaring.New(), roaring.New()
	for _, id := range ids {
		set.Add(uint32(id))
	}
	in := newPrefixes(folders)
	err := r.db.Paths(ctx, set, func(id mirror.FileID, path []byte, _ mirror.Version) error {
		if in.cover(string(path)) {
			keep.Add(uint32(id))
		}
		return nil
	})
	return keep, err
}

// prefixes is a set of folders.
type prefixes map[string]bool

func newPrefixes(folders []string) prefixes {
	p := make(prefixes, len(folders))
	for _, f := range folders {
		p[f] = true
	}
	return p
}

// cover reports whether path is one of the folders or lies below one.
func (p prefixes) cover(path string) bool {
	if len(p) == 0 {
		return false
	}
	if p[""] || p[path] {
		return true
	}
	for i := range len(path) {
		if path[i] == '/' && p[path[:i]] {
			return true
		}
	}
	return false
}

// linkChange replaces an alias; either side may be missing.
type linkChange struct{ remove, add *store.Alias }

type linkDiff []linkChange

// links compares the tree's links with the index's.
func (r *run) links(l Listed) linkDiff {
	var diff linkDiff
	now := make(map[string]bool, len(l.Links))
	for _, k := range l.Links {
		now[k.Path] = true
		a := store.Alias{Path: k.Path, Target: k.Target, Folder: k.Folder}
		old, there := r.alias[k.Path]
		switch {
		case !there:
			diff = append(diff, linkChange{add: &a})
			r.d.counts.AliasesAdded++
		case old.Target != a.Target || old.Folder != a.Folder:
			diff = append(diff, linkChange{remove: &old, add: &a})
			r.d.counts.AliasesAdded++
			r.d.counts.AliasesRemoved++
		}
	}
	if len(l.Incomplete) > 0 {
		return diff
	}
	unknown := newPrefixes(l.Unknown)
	for p, a := range r.alias {
		if !now[p] && !unknown.cover(p) {
			diff = append(diff, linkChange{remove: &a})
			r.d.counts.AliasesRemoved++
		}
	}
	return diff
}
