package main

import (
	"container/heap"
	"math"
)

// point is a point of the map, in its units.
type point struct{ x, y float64 }

// simplify takes out of a ring the points that matter least to its shape, as
// M. Visvalingam and J. D. Whyatt proposed (Line generalisation by repeated
// elimination of points, The Cartographic Journal 30, 1993): again and again the
// one whose triangle with its neighbours weighs the least, until all weigh at least
// so many square units, or atLeast points remain.
func simplify(ring []point, least float64, atLeast int) []point {
	n := len(ring)
	q := make(corners, n)
	at := make([]*corner, n)
	for i := range ring {
		c := &corner{i: i, before: (i + n - 1) % n, after: (i + 1) % n}
		c.area = weight(ring[c.before], ring[i], ring[c.after])
		c.pos, q[i], at[i] = i, c, c
	}
	heap.Init(&q)
	for len(q) > atLeast && q[0].area < least {
		c := heap.Pop(&q).(*corner)
		at[c.i] = nil
		at[c.before].after, at[c.after].before = c.after, c.before
		for _, i := range []int{c.before, c.after} {
			o := at[i]
			// Not smaller than what was taken out: else a whole arc would go point by
			// point once its first has gone.
			o.area = max(c.area, weight(ring[o.before], ring[i], ring[o.after]))
			heap.Fix(&q, o.pos)
		}
	}
	kept := make([]point, 0, len(q))
	for i, c := range at {
		if c != nil {
			kept = append(kept, ring[i])
		}
	}
	return kept
}

// weight is how much the point b matters between a and c: the area of the
// triangle, less where it is a spike, and as its region needs it.
func weight(a, b, c point) float64 {
	ux, uy, vx, vy := a.x-b.x, a.y-b.y, c.x-b.x, c.y-b.y
	w := math.Abs(ux*vy-vx*uy) / 2
	if lengths := math.Hypot(ux, uy) * math.Hypot(vx, vy); lengths > 0 {
		w *= 1 - 0.7*(ux*vx+uy*vy)/lengths // the cosine of the angle at b
	}
	return w * emphasis(b)
}

// area is that of a ring, whichever way it goes.
func area(ring []point) float64 {
	sum := 0.
	for i, p := range ring {
		q := ring[(i+1)%len(ring)]
		sum += p.x*q.y - q.x*p.y
	}
	return math.Abs(sum) / 2
}

// corner is a point that is still there.
type corner struct {
	i, before, after int // in the ring
	area             float64
	pos              int // in the heap
}

// corners is a heap with the corner of the smallest triangle on top.
type corners []*corner

func (q corners) Len() int { return len(q) }

// Less breaks ties by position, so that the outcome is always the same.
func (q corners) Less(i, j int) bool {
	if q[i].area != q[j].area {
		return q[i].area < q[j].area
	}
	return q[i].i < q[j].i
}

func (q corners) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].pos, q[j].pos = i, j
}

func (q *corners) Push(c any) {
	c.(*corner).pos = len(*q)
	*q = append(*q, c.(*corner))
}

func (q *corners) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}
