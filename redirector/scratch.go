package redirector

// scratch is the working memory of a decision.
type scratch struct {
	// seen[i] == turn: mirror i has been looked at in this decision.
	seen []uint32
	turn uint32

	placed   []runner // eligible mirrors of the group at hand with a distance
	unplaced []runner // and those without
	tried    []runner // mirrors of all groups that the client came back from
	lots     lottery
	racers   []runner // by arrival; the index is that of the group raced in
	leaders  [front]runner
	name     []byte // of the file, to be hashed
}

// reset begins a new decision among n mirrors.
func (w *scratch) reset(n int) {
	if len(w.seen) < n {
		w.seen = make([]uint32, n)
		w.turn = 0
	}
	w.tried = w.tried[:0]
	w.turn++
	if w.turn == 0 { // after four thousand million decisions
		clear(w.seen)
		w.turn = 1
	}
}

// runner is a mirror in the running. More than four fields would keep the
// compiler from holding it in registers, which doubles the cost of a choice.
type runner struct {
	chord  float64 // squared chord to the client; -1 unknown
	mirror int32
	step   uint16
	held   bool // it is known to hold the file
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
