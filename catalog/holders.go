package catalog

import (
	"github.com/RoaringBitmap/roaring/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// Holders counts for each of some files how many of the mirrors at these
// positions hold it. It goes through what is the smaller: what a mirror has of
// the files, or what it lacks.
func (w *World) Holders(files []mirror.FileID, mirrors []int) []int {
	ids := roaring.New()
	for _, id := range files {
		ids.Add(uint32(id))
	}
	order, total := ids.ToArray(), ids.GetCardinality()
	all := 0                         // mirrors that have most of them
	delta := make([]int, len(order)) // against all
	note := func(some *roaring.Bitmap, by int) {
		at := 0
		for it := some.Iterator(); it.HasNext(); at++ {
			id := it.Next()
			for order[at] != id { // both are sorted
				at++
			}
			delta[at] += by
		}
	}
	for _, i := range mirrors {
		held := w.Held[i]
		if n := held.AndCardinality(ids); n > total/2 {
			all++
			if n < total {
				note(roaring.AndNot(ids, held), -1)
			}
		} else if n > 0 {
			note(roaring.And(ids, held), 1)
		}
	}
	place := make(map[uint32]int32, len(order))
	for i, id := range order {
		place[id] = int32(i)
	}
	counts := make([]int, len(files))
	for i, id := range files {
		counts[i] = all + delta[place[uint32(id)]]
	}
	return counts
}
