package catalog

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// naiveHolders asks each mirror for each file.
func naiveHolders(w *World, files []mirror.FileID, mirrors []int) []int {
	counts := make([]int, len(files))
	for at, id := range files {
		for _, i := range mirrors {
			if w.Holds(i, id) {
				counts[at]++
			}
		}
	}
	return counts
}

func TestHolders(t *testing.T) {
	t.Parallel()
	w := &World{Held: []*roaring.Bitmap{
		roaring.New(),
		roaring.BitmapOf(1, 2, 3, 4),
		roaring.BitmapOf(2),
		roaring.BitmapOf(1, 3, 4, 1<<32-1),
	}}
	all := []int{0, 1, 2, 3}
	for _, test := range []struct {
		name    string
		files   []mirror.FileID
		mirrors []int
		want    []int
	}{
		{"no files", nil, all, []int{}},
		{"no mirrors", []mirror.FileID{1, 2}, nil, []int{0, 0}},
		{"one that has nothing", []mirror.FileID{1, 2}, []int{0}, []int{0, 0}},
		{"all of them", []mirror.FileID{1, 2, 3, 4}, all, []int{2, 2, 2, 2}},
		{"in another order", []mirror.FileID{9, 2, 1}, all, []int{0, 2, 2}},
		{"a file twice, as where a link leads to it", []mirror.FileID{2, 1, 2}, all, []int{2, 2, 2}},
		{"the last id", []mirror.FileID{1<<32 - 1, 1}, all, []int{1, 2}},
		{"some mirrors", []mirror.FileID{2, 4}, []int{3, 2}, []int{1, 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, w.Holders(test.files, test.mirrors)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Holders is what asking for each would give, whatever the sets: folders that a
// mirror has, lacks, or has a part of, in bitmaps of all kinds.
func TestHoldersAtRandom(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for round := range 300 {
		span := 1 + r.IntN(3000)
		w := &World{}
		var mirrors []int
		for i := range r.IntN(20) {
			held := roaring.New()
			switch r.IntN(4) {
			case 0:
				held.AddRange(0, uint64(r.IntN(2*span)))
			case 1:
				held.AddRange(0, uint64(span+1))
				for range r.IntN(10) {
					held.Remove(r.Uint32N(uint32(span)))
				}
			case 2:
				for range r.IntN(span) {
					held.Add(r.Uint32N(uint32(span)))
				}
			}
			held.RunOptimize()
			w.Held = append(w.Held, held)
			if r.IntN(4) > 0 {
				mirrors = append(mirrors, i)
			}
		}
		before := make([]*roaring.Bitmap, len(w.Held))
		for i, b := range w.Held {
			before[i] = b.Clone()
		}
		files := make([]mirror.FileID, r.IntN(200))
		for i := range files {
			files[i] = mirror.FileID(r.IntN(span))
		}
		if diff := cmp.Diff(naiveHolders(w, files, mirrors), w.Holders(files, mirrors)); diff != "" {
			t.Fatalf("round %d: %s", round, diff)
		}
		if !slices.EqualFunc(before, w.Held, func(a, b *roaring.Bitmap) bool { return a.Equals(b) }) {
			t.Fatalf("round %d: what the mirrors hold was changed", round)
		}
	}
}
