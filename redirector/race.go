package redirector

import "math"

// The order of those who share the requests for a file is that of an exponential
// race: mirror i arrives at -ln(u)/w, where w is its weight and u is uniform in
// (0, 1) by a hash of the file and of mirror i alone. Then the first is mirror i
// with probability w/W, W being the sum of all weights, the second in the same
// way among the rest, and so on: the order is distributed as a weighted draw
// without replacement (Efraimidis and Spirakis, "Weighted random sampling with a
// reservoir", 2006). Since u knows nothing of the other mirrors, one that comes
// or goes takes or leaves its own share, and no two others change places:
// weighted rendezvous hashing (Thaler and Ravishankar 1998; Schindelhauer and
// Schomaker 2005).

// golden is 2^64 divided by the golden ratio: multiples of it are spread evenly.
const golden = 0x9e3779b97f4a7c15

// mix spreads every bit of x over all bits: the finalizer of SplitMix64
// (Stafford's variant 13 of MurmurHash3's).
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// uniform is a mirror's u in the race with a seed, after two rounds of mixing, and
// 1-u. Equal ones are as good as impossible: 52 bits count.
func uniform(seed, mirror uint64) (u, rest float64) {
	const unit = 1.0 / (1 << 52)
	n := int64(mix(mix(seed^mirror)+golden) >> 12) // signed, as the processor turns into floats
	return (float64(n) + 0.5) * unit, (float64(1<<52-1-n) + 0.5) * unit
}

// arrival is when a mirror arrives.
func arrival(seed, mirror, weight uint64) float64 {
	u, _ := uniform(seed, mirror)
	return -math.Log(u) / float64(int64(weight))
}

// front is how many of those who arrive first are looked for at once.
const front = 8

// race takes mirrors out of group in the order of their arrival until there are
// picks enough, leaving aside those that do not hold the file.
func (t *table) race(group []runner) {
	w := &t.d.scratch
	var last runner
	if t.limit-len(t.d.Picks) <= front {
		first := t.leaders(group, w.leaders[:0])
		for i := range first {
			if r := &group[first[i].mirror]; !t.full() && t.holds(r) {
				t.take(r)
			}
		}
		if t.full() || len(first) == len(group) {
			return
		}
		last = first[len(first)-1]
	} else {
		last.chord = -1
	}
	w.racers = w.racers[:0]
	for i := range group {
		if r := t.racer(group, i); last.before(r) {
			w.racers = append(w.racers, r)
		}
	}
	left := w.racers
	heapify(left)
	for len(left) > 0 && !t.full() {
		var next runner
		next, left = pop(left)
		if r := &group[next.mirror]; t.holds(r) {
			t.take(r)
		}
	}
}

// racer is the runner at an index of group, whose distance is its arrival.
func (t *table) racer(group []runner, i int) runner {
	m := group[i].mirror
	return runner{chord: arrival(t.seed, t.s.seeds[m], t.r.weight(m)), mirror: int32(i)}
}

// leaders gives the first of those in group in their order, in memory that is
// enough for them. Since -ln(u) = r + r²/2 + r³/3 + ... with r = 1-u, its first
// two terms are never above it, and close to it for those who are early: the
// logarithm is worked out for few.
func (t *table) leaders(group, first []runner) []runner {
	const slightlyLess = 1 - 1e-9 // more than all rounding
	last := math.Inf(1)
	for i := range group {
		m := group[i].mirror
		u, rest := uniform(t.seed, t.s.seeds[m])
		weight := float64(int64(t.r.weight(m)))
		if rest*(1+rest/2)*slightlyLess > last*weight {
			continue
		}
		r := runner{chord: -math.Log(u) / weight, mirror: int32(i)}
		switch n := len(first); {
		case n < front:
			first = append(first, r)
		case r.before(first[n-1]):
			first[n-1] = r
		default:
			continue
		}
		at := len(first) - 1
		for ; at > 0 && r.before(first[at-1]); at-- {
			first[at] = first[at-1]
		}
		first[at] = r
		if len(first) == front {
			last = first[front-1].chord
		}
	}
	return first
}
