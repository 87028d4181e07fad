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

// arrival is when a mirror arrives in the race with a seed. Two rounds of mixing
// make u. Equal ones are as good as impossible: 52 bits count.
func arrival(seed, mirror, weight uint64) float64 {
	u := (float64(mix(mix(seed^mirror)+golden)>>12) + 0.5) * (1.0 / (1 << 52))
	return -math.Log(u) / float64(weight)
}

// race takes mirrors out of group in the order of their arrival until there are
// picks enough, leaving aside those that do not hold the file.
func (t *table) race(group []runner) {
	w := &t.d.scratch
	w.racers = w.racers[:0]
	for i := range group {
		m := group[i].mirror
		at := arrival(t.seed, t.s.seeds[m], t.r.weight(m))
		w.racers = append(w.racers, runner{chord: at, mirror: int32(i)})
	}
	left := w.racers
	heapify(left)
	for len(left) > 0 && !t.full() {
		var first runner
		first, left = pop(left)
		if r := &group[first.mirror]; t.holds(r) {
			t.take(r)
		}
	}
}
