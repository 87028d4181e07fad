package traffic

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// TestShare offers every request to a limited mirror first: it gets its share
// to the request, evenly.
func TestShare(t *testing.T) {
	t.Parallel()
	for _, share := range []int{1, 100, 333, 2000, 9999} {
		for _, bytes := range []bool{false, true} {
			t.Run(fmt.Sprint(share, bytes), func(t *testing.T) {
				t.Parallel()
				l := NewLedger()
				load := l.For(limited(share, 0), bytes)
				const n = 40_000
				got, most := 0, 0.0
				for i := range n {
					if load.Full(0) {
						l.Credit(2, 1000, noon)
						continue
					}
					l.Credit(1, 1000, noon)
					got++
					most = max(most, float64(got)-float64(i+1)*float64(share)/wholeShare)
				}
				want := float64(n) * float64(share) / wholeShare
				if math.Abs(float64(got)-want) > burst+2 {
					t.Errorf("%d requests, want %.0f", got, want)
				}
				if most > burst+2 {
					t.Errorf("up to %.1f ahead of its share", most)
				}
			})
		}
	}
}

// A mirror that was away comes back to a full bucket, not to all it missed.
func TestShareAfterPause(t *testing.T) {
	t.Parallel()
	for _, bytes := range []bool{false, true} {
		l := NewLedger()
		load := l.For(limited(1000, 0), bytes)
		for range 100_000 {
			l.Credit(2, 1000, noon)
		}
		got := 0
		for range 1000 {
			if load.Full(0) {
				l.Credit(2, 1000, noon)
			} else {
				l.Credit(1, 1000, noon)
				got++
			}
		}
		if got > 100+burst+2 || got < 100 {
			t.Errorf("bytes %v: %d of the first 1000 requests", bytes, got)
		}
	}
}

// A file far larger than the bucket is owed, and paid back.
func TestShareOfLargeFiles(t *testing.T) {
	t.Parallel()
	l := NewLedger()
	load := l.For(limited(500, 0), true)
	rnd := rand.New(rand.NewPCG(1, 2))
	var own, all, largest int64
	for range 100_000 {
		size := heavy(rnd)
		largest = max(largest, size)
		all += size
		if load.Full(0) {
			l.Credit(2, size, noon)
		} else {
			l.Credit(1, size, noon)
			own += size
		}
	}
	if over := own - all*500/wholeShare; over > largest+burst*(all/100_000) || over < -largest {
		t.Errorf("%d of %d bytes, %d more than the share", own, all, over)
	}
}

// A share that is changed, or set anew, holds from then on.
func TestShareChanged(t *testing.T) {
	t.Parallel()
	l := NewLedger()
	count := func(load *Load) (got int) {
		for range 10_000 {
			if load != nil && load.Full(0) {
				l.Credit(2, 1, noon)
			} else {
				l.Credit(1, 1, noon)
				got++
			}
		}
		return got
	}
	for _, step := range []struct{ share, want int }{{1000, 1000}, {0, 10_000}, {100, 100}, {2000, 2000}} {
		if got := count(l.For(limited(step.share, 0), false)); got < step.want-burst-2 || got > step.want+burst+2 {
			t.Errorf("share %d: %d requests, want %d", step.share, got, step.want)
		}
	}
}

// heavy draws sizes from 4 KiB to 9 GB, of which the largest make up most of the
// bytes.
func heavy(rnd *rand.Rand) int64 {
	const least, most, shape = 4 << 10, 9e9, 0.35
	ratio := math.Pow(least/most, shape)
	return int64(least * math.Pow(1-rnd.Float64()*(1-ratio), -1/shape))
}
