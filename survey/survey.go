// Package survey gathers what the pages about mirrors show (package
// mirrorstatus): from the database, and from what a node has in memory or a tool
// has read.
package survey

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/catalog"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/holding"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirrorstatus"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// Options say what is gathered.
type Options struct {
	// Markers are the names of those that are shown; nil: all.
	Markers []string
	// Folders are paths of folders whose coverage is shown beside each mirror;
	// nil: those at the top of the tree, on the mirrors' own pages.
	Folders []string
	// MaxScanAge is as of mirror.Mirror.State.
	MaxScanAge time.Duration
}

const (
	// mostFolders is how many folders are chosen at the top of a tree.
	mostFolders = 20
	// recent is how much of the past mirmon shows.
	recent = 14 * 24 * time.Hour
)

// Reader gathers from one database. Its methods are safe for concurrent use.
type Reader struct {
	db     *store.Store
	copies *holding.Reader
}

// New makes a Reader; nothing is read yet.
func New(db *store.Store) *Reader { return &Reader{db, holding.New(db)} }

// Site gathers all that is shown of the mirrors. w says what they hold; mirrors
// that it does not have yet have no coverage.
func (r *Reader) Site(ctx context.Context, w *catalog.World, o Options) (*mirrorstatus.Site, error) {
	list, at, err := r.db.Status(ctx, o.MaxScanAge)
	if err != nil {
		return nil, err
	}
	report, err := r.copies.Read(ctx, w)
	if err != nil {
		return nil, err
	}
	runs, err := r.db.RecentRuns(ctx, at.Add(-recent))
	if err != nil {
		return nil, err
	}
	s := &mirrorstatus.Site{AsOf: at, Files: report.Files, ShowFolders: o.Folders != nil}
	shown := chosen(report.Markers, o.Markers)
	for _, i := range shown {
		s.Markers = append(s.Markers, report.Markers[i])
	}
	var held []*roaring.Bitmap // parallel to s.Mirrors; nil: not known
	for i := range list {
		st := &list[i]
		m, ok := mirrorstatus.Public(&st.Mirror, at, o.MaxScanAge)
		if !ok {
			continue
		}
		m.Since, m.Share, m.Shared, m.Recent = st.State.Since, st.Share, true, runs[m.ID]
		at := w.Index(m.ID)
		if at >= 0 {
			m.Copy = report.Copies[at]
			all := m.Copy.Markers
			m.Copy.Markers = make([]mirror.MarkerCopy, len(shown))
			for j, k := range shown {
				m.Copy.Markers[j] = all[k]
			}
			held = append(held, w.Held[at])
		} else {
			held = append(held, nil)
		}
		s.Mirrors = append(s.Mirrors, m)
	}
	if err := r.folders(ctx, s, held, o.Folders); err != nil {
		return nil, err
	}
	s.Sort()
	return s, nil
}

// chosen gives the indexes of those names that are wanted; nil wants all.
func chosen(names, wanted []string) (list []int) {
	for i, n := range names {
		if wanted == nil || slices.Contains(wanted, n) {
			list = append(list, i)
		}
	}
	return list
}

// folders says how much of some folders the mirrors have, and how much of the
// tree those that are up have together.
func (r *Reader) folders(ctx context.Context, s *mirrorstatus.Site, held []*roaring.Bitmap, wanted []string) error {
	paths := make([]string, 0, len(wanted))
	for _, p := range wanted {
		paths = append(paths, strings.Trim(p, "/"))
	}
	if wanted == nil {
		var err error
		if paths, err = r.top(ctx); err != nil {
			return err
		}
	}
	ask := append([]string{""}, paths...)
	for i := range s.Mirrors {
		ask = append(ask, s.Mirrors[i].Subtree)
	}
	trees, err := r.db.Trees(ctx, ask)
	if err != nil {
		return err
	}
	s.Folders = paths
	var up []*roaring.Bitmap
	for i := range s.Mirrors {
		m := &s.Mirrors[i]
		if held[i] == nil {
			continue
		}
		if m.State == mirror.StateUp {
			up = append(up, held[i])
		}
		for _, p := range paths {
			part := trees[p]
			if m.Subtree != "" {
				part = roaring.And(part, trees[m.Subtree])
			}
			n := part.GetCardinality()
			m.Folders = append(m.Folders, mirror.MarkerCopy{Held: part.AndCardinality(held[i]), Files: n, Has: n > 0})
		}
	}
	s.Covered = roaring.FastOr(up...).AndCardinality(trees[""])
	return nil
}

// top are the largest folders at the top of the tree, by name.
func (r *Reader) top(ctx context.Context) ([]string, error) {
	var list []store.FolderTotal
	err := r.db.FolderTotals(ctx, "", 1, func(t store.FolderTotal) error {
		if t.Path != "" && t.Files > 0 {
			t.IDs = nil
			list = append(list, t)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("the folders at the top: %w", err)
	}
	slices.SortFunc(list, func(a, b store.FolderTotal) int { return int(min(1, max(-1, b.Files-a.Files))) })
	var paths []string
	for _, t := range list[:min(mostFolders, len(list))] {
		paths = append(paths, t.Path)
	}
	slices.Sort(paths)
	return paths, nil
}

// History reads the past of a mirror.
func (r *Reader) History(ctx context.Context, id mirror.ID, now time.Time) (*mirrorstatus.History, error) {
	h, err := r.db.MirrorHistory(ctx, id, now.Add(-mirrorstatus.MaxRange))
	if err != nil {
		return nil, err
	}
	return &mirrorstatus.History{Changes: h.Changes, Runs: h.Runs}, nil
}

// Partial is what is known of the mirrors without a database.
func Partial(w *catalog.World, now time.Time, maxScanAge time.Duration) *mirrorstatus.Site {
	s := &mirrorstatus.Site{AsOf: now, Partial: true}
	for _, m := range w.Mirrors {
		if p, ok := mirrorstatus.Public(m, now, maxScanAge); ok {
			s.Mirrors = append(s.Mirrors, p)
		}
	}
	s.Sort()
	return s
}
