package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/origin"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// markerMatch is a marker, and what of the index its paths stand for.
type markerMatch struct {
	name  string
	paths []markerPath
}

// markerPath is one path of a marker.
type markerPath struct {
	text  string
	not   bool            // must not be there
	globs *origin.Globs   // nil: the path is plain
	ids   *roaring.Bitmap // current versions of all that it stands for
}

// newMarkerMatch checks a marker's patterns.
func newMarkerMatch(m *store.Marker) (*markerMatch, error) {
	out := &markerMatch{name: m.Name}
	for _, text := range m.Paths {
		plain, not := strings.CutPrefix(text, "!")
		p := markerPath{text: strings.Trim(plain, "/"), not: not, ids: roaring.New()}
		if strings.ContainsAny(plain, `*?[\`) {
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

// holds reports whether who holds these versions has the marker.
func (m *markerMatch) holds(held *roaring.Bitmap) bool {
	for i := range m.paths {
		if held.Intersects(m.paths[i].ids) == m.paths[i].not {
			return false
		}
	}
	return true
}

// findMarkers looks the paths of all markers up in the index. Plain paths are
// asked for; for patterns the index is read once.
func findMarkers(ctx context.Context, db *store.Store, list []store.Marker) (found []*markerMatch, err error) {
	var globs []*markerPath
	for i := range list {
		m, err := newMarkerMatch(&list[i])
		if err != nil {
			return nil, err
		}
		for j := range m.paths {
			p := &m.paths[j]
			if p.globs != nil {
				globs = append(globs, p)
			} else if err := p.find(ctx, db); err != nil {
				return nil, err
			}
		}
		found = append(found, m)
	}
	if len(globs) == 0 {
		return found, nil
	}
	err = db.Read(ctx, func(n *store.Snapshot) error {
		return n.Files(0, func(r store.FileRow) error {
			path := string(r.Path)
			for _, p := range globs {
				if p.globs.MatchBelow(path, false) {
					p.ids.Add(uint32(r.ID))
				}
			}
			return nil
		})
	})
	return found, err
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
	below, _, _, err := db.FolderIDs(ctx, p.text)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	p.ids.Or(below)
	return nil
}
