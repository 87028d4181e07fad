// Package holding says how much of the tree each mirror has, and how old its
// copy is. Everything comes of bitmaps of file ids: what the mirrors hold, which
// a node has in memory, and what is below the folders that they stand for, which
// the last index run left in the database. No file is looked at but those that
// mirrors lack first, and those that markers name.
//
// # Age
//
// Ids are given out in the order in which the index sees versions for the first
// time. Let h be the newest of the current files that a mirror has, by that order.
// The current files after h, of the folder that the mirror stands for, are those
// that came to the origin since; it has none of them. The copy is behind since
// the index saw the first of them. A mirror that has the newest file is behind in
// nothing, though it may lack older files: that is what coverage tells. One that
// has none of the current files is behind since the oldest of them.
//
// So a mirror that syncs at noon, and has all there was, is behind since the
// first file after noon, and is not while nothing new came. What a mirror leaves
// out on purpose (mirror.ScanRules.Exclude and Top) counts as lacking.
package holding

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/catalog"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// Report is how much each mirror of a World has.
type Report struct {
	Files   uint64        // of the whole tree, as of the last index run
	Markers []string      // their names, in the order of their columns
	Copies  []mirror.Copy // parallel to World.Mirrors
}

// Reader makes reports on the mirrors of a database. It remembers what markers
// stand for as long as the tree stays as it is. Its methods are safe for
// concurrent use.
type Reader struct {
	db *store.Store

	mu      sync.Mutex
	list    []store.Marker // that markers are of
	tree    *roaring.Bitmap
	markers []*Marker
}

// New makes a Reader; nothing is read yet.
func New(db *store.Store) *Reader { return &Reader{db: db} }

// Read reports on the mirrors of w: a node has one in its catalog, others get one
// from World. w is only read. The tree is that of the last index run, whatever
// the revision of w.
func (r *Reader) Read(ctx context.Context, w *catalog.World) (*Report, error) {
	folders := []string{""}
	for _, m := range w.Mirrors {
		if !slices.Contains(folders, m.Subtree) {
			folders = append(folders, m.Subtree)
		}
	}
	trees, err := r.db.Trees(ctx, folders)
	if err != nil {
		return nil, err
	}
	markers, err := r.marked(ctx, trees[""])
	if err != nil {
		return nil, err
	}
	out := &Report{Files: trees[""].GetCardinality(), Markers: []string{}, Copies: make([]mirror.Copy, len(w.Mirrors))}
	for _, m := range markers {
		out.Markers = append(out.Markers, m.Name)
	}
	lacks, first := make([]uint32, len(w.Mirrors)), roaring.New()
	for i, m := range w.Mirrors {
		out.Copies[i] = measure(trees[m.Subtree], w.Held[i], markers)
		if id, behind := Lacks(trees[m.Subtree], w.Held[i]); behind {
			lacks[i] = id
			first.Add(id)
		}
	}
	seen, err := r.db.Seen(ctx, first)
	if err != nil {
		return nil, err
	}
	for i, id := range lacks {
		if id != 0 {
			out.Copies[i].BehindSince = seen[mirror.FileID(id)]
		}
	}
	return out, nil
}

// measure says how much of a tree is held, and of what markers name.
func measure(tree, held *roaring.Bitmap, markers []*Marker) mirror.Copy {
	c := mirror.Copy{Held: tree.AndCardinality(held), Files: tree.GetCardinality(), Markers: make([]mirror.MarkerCopy, len(markers))}
	for i, m := range markers {
		c.Markers[i] = m.Of(held)
	}
	return c
}

// Lacks gives the first file of a tree that is newer than all of it that is held;
// false: the newest file is held, or there are no files.
func Lacks(tree, held *roaring.Bitmap) (id uint32, behind bool) {
	newest, ok := highest(tree, held)
	if !ok {
		if tree.IsEmpty() {
			return 0, false
		}
		return tree.Minimum(), true
	}
	next := tree.NextValue(newest + 1)
	if newest == tree.Maximum() || next < 0 {
		return 0, false
	}
	return uint32(next), true
}

// highest gives the highest id that is in both. Mirrors mostly have the newest
// files, so it goes down from there, and puts no set together.
func highest(tree, held *roaring.Bitmap) (uint32, bool) {
	it := tree.ReverseIterator()
	for range 64 {
		if !it.HasNext() {
			return 0, false
		}
		if id := it.Next(); held.Contains(id) {
			return id, true
		}
	}
	both := roaring.And(tree, held)
	if both.IsEmpty() {
		return 0, false
	}
	return both.Maximum(), true
}

// World reads what mirrors there are and what they hold, for tools that have no
// catalog. The mirrors are sorted by ID.
func World(ctx context.Context, db *store.Store) (*catalog.World, error) {
	w := &catalog.World{}
	err := db.Read(ctx, func(n *store.Snapshot) error {
		err := n.Mirrors(0, func(m mirror.Mirror, _ bool) error {
			w.Mirrors, w.Held = append(w.Mirrors, &m), append(w.Held, roaring.New())
			return nil
		})
		if err != nil {
			return fmt.Errorf("reading the mirrors: %w", err)
		}
		return n.Holdings(0, func(h store.Holdings) error {
			if i := w.Index(h.Mirror); i >= 0 {
				w.Held[i] = h.Held
			}
			return nil
		})
	})
	return w, err
}
