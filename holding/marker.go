package holding

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/origin"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// Marker is a marker, and what of the index its paths stand for.
type Marker struct {
	Name string

	paths []markerPath
	files *roaring.Bitmap // of all paths that must be there
}

// markerPath is one path of a marker.
type markerPath struct {
	text  string
	not   bool            // must not be there
	globs *origin.Globs   // nil: the path is plain
	ids   *roaring.Bitmap // current versions of all that it stands for
}

// NewMarker checks a marker's patterns. It stands for nothing yet.
func NewMarker(m *store.Marker) (*Marker, error) {
	out := &Marker{Name: m.Name, files: roaring.New()}
	for _, text := range m.Paths {
		plain, not := strings.CutPrefix(text, "!")
		p := markerPath{text: strings.Trim(plain, "/"), not: not, ids: roaring.New()}
		if strings.ContainsAny(plain, meta) {
			var err error
			if p.globs, err = origin.NewGlobs([]string{"/" + strings.TrimLeft(plain, "/")}); err != nil {
				return nil, fmt.Errorf("marker %q: %w", m.Name, err)
			}
		} else if err := mirror.ValidPath(p.text); err != nil || p.text == "" {
			return nil, fmt.Errorf("marker %q: %q is no path", m.Name, text)
		}
		out.paths = append(out.paths, p)
	}
	if len(out.paths) == 0 {
		return nil, fmt.Errorf("marker %q: has no paths", m.Name)
	}
	return out, nil
}

// meta are the bytes that make a path a pattern.
const meta = `*?[\`

// Has reports whether who holds these versions has the marker.
func (m *Marker) Has(held *roaring.Bitmap) bool {
	for i := range m.paths {
		if held.Intersects(m.paths[i].ids) == m.paths[i].not {
			return false
		}
	}
	return true
}

// Of says how much of the marker who holds these versions has. Paths that must
// not be there count for Has alone.
func (m *Marker) Of(held *roaring.Bitmap) mirror.MarkerCopy {
	return mirror.MarkerCopy{Held: m.files.AndCardinality(held), Files: m.files.GetCardinality(), Has: m.Has(held)}
}

// FindMarkers looks the paths of markers up in the index. Plain paths are asked
// for; of patterns the folder that they are all in is read.
func FindMarkers(ctx context.Context, db *store.Store, list []store.Marker) ([]*Marker, error) {
	found := make([]*Marker, len(list))
	folders := map[string][]*markerPath{} // patterns by where they are
	for i := range list {
		m, err := NewMarker(&list[i])
		if err != nil {
			return nil, err
		}
		for j := range m.paths {
			p := &m.paths[j]
			if p.globs == nil {
				err = p.find(ctx, db)
			} else {
				at := p.folder()
				folders[at] = append(folders[at], p)
			}
			if err != nil {
				return nil, err
			}
		}
		found[i] = m
	}
	for folder, globs := range folders {
		if err := match(ctx, db, folder, globs); err != nil {
			return nil, err
		}
	}
	for _, m := range found {
		for _, p := range m.paths {
			if !p.not {
				m.files.Or(p.ids)
			}
		}
	}
	return found, nil
}

// folder is the folder that everything a pattern matches is in.
func (p *markerPath) folder() string {
	plain := p.text[:strings.IndexAny(p.text+meta, meta)]
	folder := plain[:max(0, strings.LastIndexByte(plain, '/'))]
	if mirror.ValidPath(folder) != nil {
		return ""
	}
	return folder
}

// match reads a folder once for all patterns that are in it.
func match(ctx context.Context, db *store.Store, folder string, globs []*markerPath) error {
	return db.Read(ctx, func(n *store.Snapshot) error {
		return n.LiveIn(folder, true, func(r store.FileRow) error {
			path := string(r.Path)
			for _, p := range globs {
				if p.globs.MatchBelow(path, false) {
					p.ids.Add(uint32(r.ID))
				}
			}
			return nil
		})
	})
}

// find looks up a plain path: a file, or a folder with all below it.
func (p *markerPath) find(ctx context.Context, db *store.Store) error {
	versions, err := db.VersionsOf(ctx, p.text)
	if err != nil {
		return err
	}
	for _, v := range versions {
		if v.Gone == 0 {
			p.ids.Add(uint32(v.ID))
		}
	}
	trees, err := db.Trees(ctx, []string{p.text})
	if err == nil {
		p.ids.Or(trees[p.text])
	}
	return err
}

// marked gives the markers of a tree. They are looked up again when the tree or
// the markers have changed.
func (r *Reader) marked(ctx context.Context, tree *roaring.Bitmap) ([]*Marker, error) {
	list, err := r.db.Markers(ctx)
	if err != nil {
		return nil, err
	}
	r.mu.Lock() // those who need it, too, wait for it
	defer r.mu.Unlock()
	same := func(a, b store.Marker) bool { return a.Name == b.Name && slices.Equal(a.Paths, b.Paths) }
	if r.tree != nil && slices.EqualFunc(list, r.list, same) && tree.Equals(r.tree) {
		return r.markers, nil
	}
	markers, err := FindMarkers(ctx, r.db, list)
	if err != nil {
		return nil, err
	}
	r.list, r.tree, r.markers = list, tree, markers
	return markers, nil
}
