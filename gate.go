package mirrorbrain

import (
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// gate counts the requests inside. The count is spread over several places in
// memory, so that processors do not fight for one.
type gate struct {
	closed atomic.Bool
	inside [8]struct {
		n atomic.Int64
		_ [56]byte // to the end of the cache line
	}
}

// enter lets a request in; it must call leave with the same slot. False: the
// gate is closed.
func (g *gate) enter() (slot uint32, ok bool) {
	slot = rand.Uint32() % uint32(len(g.inside))
	g.inside[slot].n.Add(1)
	// Either this sees that the gate is closed, or close sees the request.
	if g.closed.Load() {
		g.inside[slot].n.Add(-1)
		return 0, false
	}
	return slot, true
}

func (g *gate) leave(slot uint32) { g.inside[slot].n.Add(-1) }

// close lets nobody in any more, and returns when everybody has left or after
// timeout.
func (g *gate) close(timeout time.Duration) {
	g.closed.Store(true)
	for end := time.Now().Add(timeout); g.busy() && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
}

// busy reports whether anybody is inside a closed gate.
func (g *gate) busy() bool {
	for i := range g.inside {
		if g.inside[i].n.Load() != 0 {
			return true
		}
	}
	return false
}
