package redirector

import "math/bits"

// scratch is the working memory of a decision.
type scratch struct {
	// seen[i] == turn: mirror i has been looked at in this decision.
	seen []uint32
	turn uint32

	placed   []runner // eligible mirrors of the tier at hand with a distance
	unplaced []runner // and those without
	lots     lottery
}

// reset begins a new decision among n mirrors.
func (w *scratch) reset(n int) {
	if len(w.seen) < n {
		w.seen = make([]uint32, n)
		w.turn = 0
	}
	w.turn++
	if w.turn == 0 { // after four thousand million decisions
		clear(w.seen)
		w.turn = 1
	}
}

// runner is a mirror in the running.
type runner struct {
	chord  float64 // squared chord to the client; -1 unknown
	mirror int32
}

// before orders runners by distance; equal ones by index, so that the order
// does not depend on how it was reached.
func (r runner) before(o runner) bool {
	return r.chord < o.chord || r.chord == o.chord && r.mirror < o.mirror
}

// heapify makes h a heap with the nearest runner at h[0].
func heapify(h []runner) {
	for i := len(h)/2 - 1; i >= 0; i-- {
		sink(h, i)
	}
}

// pop takes the nearest runner off a heap. It comes to lie right behind the
// remaining ones.
func pop(h []runner) (runner, []runner) {
	n := len(h) - 1
	h[0], h[n] = h[n], h[0]
	sink(h[:n], 0)
	return h[n], h[:n]
}

func sink(h []runner, i int) {
	for {
		c := 2*i + 1
		if c >= len(h) {
			return
		}
		if c+1 < len(h) && h[c+1].before(h[c]) {
			c++
		}
		if !h[c].before(h[i]) {
			return
		}
		h[i], h[c] = h[c], h[i]
		i = c
	}
}

// partition moves the runners within reach behind the others, and says how
// many others there are.
func partition(rs []runner, reach float64) int {
	far := 0
	for i := range rs {
		if rs[i].chord > reach {
			rs[far], rs[i] = rs[i], rs[far]
			far++
		}
	}
	return far
}

// lottery draws runners without putting them back, each in exact proportion to
// its weight among those left. It is a Fenwick tree: filling costs n steps, a
// draw log n.
type lottery struct {
	tree  []uint64 // 1-based
	total uint64
	group []runner
	hot   []candidate
}

// fill puts a group into the drum. Every weight is above 0.
func (l *lottery) fill(group []runner, hot []candidate) {
	n := len(group)
	if cap(l.tree) <= n {
		l.tree = make([]uint64, n+1, 2*n+8)
	}
	l.tree = l.tree[:n+1]
	clear(l.tree)
	l.total, l.group, l.hot = 0, group, hot
	for i := 1; i <= n; i++ {
		w := uint64(hot[group[i-1].mirror].weight)
		l.total += w
		l.tree[i] += w
		if up := i + i&-i; up <= n {
			l.tree[up] += l.tree[i]
		}
	}
}

// draw takes one out. At least one must be left.
func (l *lottery) draw(rnd Rand) runner {
	lot := rnd.Uint64N(l.total)
	n, at := len(l.group), 0
	for step := 1 << (bits.Len(uint(n)) - 1); step > 0; step >>= 1 {
		if next := at + step; next <= n && l.tree[next] <= lot {
			at = next
			lot -= l.tree[next]
		}
	}
	r := l.group[at]
	w := uint64(l.hot[r.mirror].weight)
	l.total -= w
	for i := at + 1; i <= n; i += i & -i {
		l.tree[i] -= w
	}
	return r
}
