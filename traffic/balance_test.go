package traffic

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// draw picks one of those that take a file of that size, by weight.
func draw(rnd *rand.Rand, list []*mirror.Mirror, weights []uint32, load *Load, size int64) int {
	takes := func(i int) bool {
		return (list[i].MaxSize == 0 || size <= list[i].MaxSize) && (load == nil || !load.Full(i))
	}
	weight := func(i int) uint64 {
		if weights == nil {
			return uint64(list[i].Score)
		}
		return uint64(weights[i])
	}
	total := uint64(0)
	for i := range list {
		if takes(i) {
			total += weight(i)
		}
	}
	lot := rnd.Uint64N(total)
	for i := range list {
		if !takes(i) {
			continue
		}
		if lot < weight(i) {
			return i
		}
		lot -= weight(i)
	}
	panic("nobody takes it")
}

// simulate sends n requests, 50 each second, and gives each mirror's share of
// the bytes.
func simulate(list []*mirror.Mirror, bytes bool, seed uint64, n int) []float64 {
	l := NewLedger()
	load := l.For(list, bytes)
	rnd := rand.New(rand.NewPCG(seed, 7))
	got, all, now := make([]float64, len(list)), 0.0, noon
	for i := range n {
		if i%50 == 0 {
			now = now.Add(time.Second)
			l.Balance(now)
		}
		var weights []uint32
		if load != nil {
			weights = load.Weights()
		}
		size := heavy(rnd)
		at := draw(rnd, list, weights, load, size)
		l.Credit(list[at].ID, size, now)
		got[at] += float64(size)
		all += float64(size)
	}
	for i := range got {
		got[i] /= all
	}
	return got
}

func TestBytesFollowScores(t *testing.T) {
	t.Parallel()
	for _, small := range []int{0, 1} { // which has a largest size
		list := limited(0, 0, 0)
		list[0].Score, list[1].Score, list[2].Score = 100, 200, 700
		list[small].MaxSize = 2e9
		want := []float64{0.1, 0.2, 0.7}
		for seed := range uint64(4) {
			even, odd := simulate(list, true, seed, 300_000), simulate(list, false, seed, 300_000)
			t.Logf("by bytes %.3f, by requests %.3f", even, odd)
			for i := range want {
				if math.Abs(even[i]-want[i]) > 0.02 {
					t.Errorf("seed %d: mirror %d has %.3f of the bytes, want %.3f", seed, i+1, even[i], want[i])
				}
			}
			if odd[small] > 0.6*want[small] {
				t.Errorf("seed %d: by requests %.3f: nothing is shown", seed, odd)
			}
		}
	}
}

// A mirror that comes back is not made to catch up with what it missed, and the
// mirrors of a busy continent do not lose what tells them apart.
func TestBalanceIsCalm(t *testing.T) {
	t.Parallel()
	l := NewLedger()
	list := limited(0, 0, 0, 0)
	list[1].Score = 300
	load := l.For(list, true)
	rnd := rand.New(rand.NewPCG(1, 2))
	now := noon
	run := func(seconds int, ids ...int) {
		among := make([]*mirror.Mirror, len(ids))
		for range seconds {
			now = now.Add(time.Second)
			l.Balance(now)
			weights := make([]uint32, len(ids))
			for i, id := range ids {
				among[i], weights[i] = list[id], load.Weights()[id]
			}
			for range 20 {
				l.Credit(among[draw(rnd, among, weights, nil, 1000)].ID, 1000, now)
			}
		}
	}
	run(4000, 0, 1) // busy; 2 is away, 3 elsewhere in the world and hardly used
	l.Credit(list[3].ID, 1000, now)
	l.Balance(now)
	w := load.Weights()
	if ratio := float64(w[1]) / float64(w[0]); math.Abs(ratio-3) > 0.2 {
		t.Errorf("weights %v of scores 100 and 300", w)
	}
	if w[2] > 2*pull*w[0] {
		t.Errorf("weights %v: the mirror that was away is flooded", w)
	}
	run(1, 0, 1, 2, 3)
	for i, w := range load.Weights() {
		if score := uint32(list[i].Score); w < score*evenScale/(2*pull) || w > score*evenScale*2*pull {
			t.Errorf("mirror %d has weight %d", i+1, w)
		}
	}
}

// Whatever is counted, weights are in range.
func TestWeightsInRange(t *testing.T) {
	t.Parallel()
	l := NewLedger()
	list := limited(0, 0, 0, 0)
	list[0].Score, list[1].Score, list[2].Score, list[3].Score = math.MaxInt, maxScore, 1, -5
	load := l.For(list, true)
	for i := range 1000 {
		l.Credit(1, 0, noon)
		l.Credit(2, math.MaxInt64, noon)
		l.Credit(3, math.MaxInt64, noon)
		l.Balance(noon.Add(time.Duration(i%3) * time.Second)) // the clock goes back, too
		for at, w := range load.Weights() {
			if (w == 0) != (at == 3) || w > maxScore*evenScale*maxEven {
				t.Fatalf("weights %v", load.Weights())
			}
		}
	}
}
