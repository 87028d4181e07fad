package replay

import (
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/redirector"
)

// World is a state of things: mirrors, what they hold, and how they are chosen.
type World struct {
	Name    string // "now", "changed"
	Mirrors []*mirror.Mirror
	Held    Held // parallel to Mirrors
	Policy  redirector.Policy

	// Load is what the mirrors carry; nil: nothing that matters. Sent, when it is
	// not nil, is told of every request that was sent to a mirror, so that Load can
	// follow; the time is the log's.
	Load redirector.Load
	Sent func(mirror int, bytes float64, at time.Time)
}

// Held is what mirrors hold; nil bitmaps are those of mirrors that hold everything.
type Held []*roaring.Bitmap

// Holds implements redirector.Holder.
func (h Held) Holds(i int, id mirror.FileID) bool {
	return h[i] == nil || h[i].Contains(uint32(id))
}

// Settled gives copies of mirrors that stay in the state that they are in at now,
// whatever the times of a log are: those that take requests go on doing so, and the
// others are out. Hours without traffic remain, and apply at the log's times.
func Settled(mirrors []*mirror.Mirror, now time.Time, maxScanAge time.Duration) []*mirror.Mirror {
	out := make([]*mirror.Mirror, len(mirrors))
	for i, m := range mirrors {
		n := *m
		n.NoTraffic = nil
		state, _ := n.State(now, maxScanAge)
		n.NoTraffic = m.NoTraffic
		n.Enabled, n.DisabledUntil = state == mirror.StateUp, time.Time{}
		out[i] = &n
	}
	return out
}

// AllUp gives copies of mirrors that take requests, whatever keeps them from it at
// present.
func AllUp(mirrors []*mirror.Mirror, now time.Time) []*mirror.Mirror {
	out := make([]*mirror.Mirror, len(mirrors))
	for i, m := range mirrors {
		n := *m
		n.Enabled, n.DisabledUntil = true, time.Time{}
		n.Probe, n.Quota.Spent = mirror.ProbeState{}, false
		n.Scan.Succeeded = now
		out[i] = &n
	}
	return out
}

// world is a World that is ready to choose.
type world struct {
	*World

	set  *redirector.Set
	rows []int // of the report, by mirror
	d    redirector.Decision
}

func newWorld(w *World, r *report) *world {
	p := w.Policy
	p.MaxScanAge = 0 // the mirrors are settled
	out := &world{World: w, set: redirector.Compile(w.Mirrors, p)}
	r.columns = append(r.columns, newColumn(w.Name, r))
	for _, m := range w.Mirrors {
		out.rows = append(out.rows, r.row(m.Name, &m.Place))
	}
	return out
}

// choose calls to with the mirror that is chosen, or with all that may be and their
// shares; false if there is none.
func (w *world) choose(q *redirector.Query, rnd redirector.Rand, exact bool, to func(m int, share float64)) bool {
	q.Load = w.Load
	if exact {
		shares := w.set.Shares(q, w.Held)
		for _, c := range shares {
			if c.Share > 0 {
				w.send(q, c.Mirror, c.Share)
				to(c.Mirror, c.Share)
			}
		}
		return len(shares) > 0
	}
	w.set.Choose(q, w.Held, rnd, &w.d)
	if !w.d.Found() {
		return false
	}
	m := w.d.Picks[0].Mirror
	w.send(q, m, 1)
	to(m, 1)
	return true
}

func (w *world) send(q *redirector.Query, m int, share float64) {
	if w.Sent != nil {
		w.Sent(m, share*float64(q.Size), time.Unix(0, q.Now))
	}
}
