package catalog

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"sync/atomic"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// World is the mirrors and what they hold, at one revision. It never changes.
type World struct {
	// Mirrors are sorted by ID. A mirror that did not change keeps its pointer
	// from one World to the next.
	Mirrors []*mirror.Mirror
	// Held is parallel to Mirrors; none is nil. The bitmaps are shared and must
	// only be read.
	Held []*roaring.Bitmap
	// Version is raised whenever Mirrors changed, and stays when only Held did:
	// what is computed from the mirrors is good as long as Version is the same.
	Version uint64
	// heldAs is parallel to Held: a number that no other bitmap of this process
	// has, so that what is computed from one need not keep it in memory. A World
	// that was made by hand has none.
	heldAs []uint64
}

// heldSerial is the last number of heldAs.
var heldSerial atomic.Uint64

// Holds reports whether Mirrors[i] has the file.
func (w *World) Holds(i int, id mirror.FileID) bool {
	return w.Held[i].Contains(uint32(id))
}

// Index gives the position of a mirror, or -1.
func (w *World) Index(id mirror.ID) int {
	i, ok := slices.BinarySearchFunc(w.Mirrors, id, func(m *mirror.Mirror, id mirror.ID) int { return cmp.Compare(m.ID, id) })
	if !ok {
		return -1
	}
	return i
}

// worldDelta is what changed about the mirrors.
type worldDelta struct {
	mirrors map[mirror.ID]*mirror.Mirror // nil: deleted
	held    map[mirror.ID]*roaring.Bitmap
}

func newWorldDelta() worldDelta {
	return worldDelta{mirrors: map[mirror.ID]*mirror.Mirror{}, held: map[mirror.ID]*roaring.Bitmap{}}
}

// hold notes a mirror's holdings; the bitmap stays the caller's.
func (d *worldDelta) hold(id mirror.ID, b *roaring.Bitmap) {
	if b == nil {
		b = roaring.New()
	} else {
		b = b.Clone()
	}
	b.RunOptimize()
	d.held[id] = b
}

// with gives the world after d. With whole, d is all there is, and what it
// does not name is gone.
func (w *World) with(d worldDelta, whole bool) *World {
	next := &World{Version: w.Version}
	for i, m := range w.Mirrors {
		n, changed := d.mirrors[m.ID]
		switch {
		case whole && n == nil, changed && n == nil:
			continue // deleted
		case changed && !sameMirror(m, n):
			m = n
		}
		next.add(m, d.held[m.ID], w.Held[i], whole)
		if i < len(w.heldAs) && next.Held[len(next.Held)-1] == w.Held[i] {
			next.heldAs[len(next.Held)-1] = w.heldAs[i]
		}
	}
	for id, m := range d.mirrors {
		if m != nil && w.Index(id) < 0 {
			next.add(m, d.held[id], nil, whole)
		}
	}
	next.sort()
	if !slices.Equal(w.Mirrors, next.Mirrors) {
		next.Version++
	}
	return next
}

// add appends a mirror with the holdings that are now, else those before.
func (w *World) add(m *mirror.Mirror, now, before *roaring.Bitmap, whole bool) {
	held := now
	if held == nil && !whole {
		held = before
	}
	if held == nil {
		held = roaring.New()
	}
	w.Mirrors = append(w.Mirrors, m)
	w.Held = append(w.Held, held)
	w.heldAs = append(w.heldAs, heldSerial.Add(1))
}

func (w *World) sort() {
	order := make([]int, len(w.Mirrors))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(w.Mirrors[a].ID, w.Mirrors[b].ID) })
	sorted := World{Mirrors: make([]*mirror.Mirror, len(order)), Held: make([]*roaring.Bitmap, len(order)), heldAs: make([]uint64, len(order))}
	for i, o := range order {
		sorted.Mirrors[i], sorted.Held[i], sorted.heldAs[i] = w.Mirrors[o], w.Held[o], w.heldAs[o]
	}
	w.Mirrors, w.Held, w.heldAs = sorted.Mirrors, sorted.Held, sorted.heldAs
}

// sameMirror compares by content: a row may be written without a change.
func sameMirror(a, b *mirror.Mirror) bool {
	x, err1 := json.Marshal(a)
	y, err2 := json.Marshal(b)
	return err1 == nil && err2 == nil && bytes.Equal(x, y)
}
