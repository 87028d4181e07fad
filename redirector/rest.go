package redirector

import (
	"sync/atomic"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// rest knows when a mirror wants no traffic. Windows begin and end on whole
// minutes, so the answer of a minute is kept for the rest of it: to ask a zone
// for its clock is far dearer than all else that is asked of a mirror.
type rest struct {
	m    *mirror.Mirror
	memo atomic.Int64 // the minute since the epoch, doubled, plus 1 if resting
}

// newRest is nil for a mirror that takes traffic at all times.
func newRest(m *mirror.Mirror) *rest {
	if len(m.NoTraffic) == 0 {
		return nil
	}
	r := &rest{m: m}
	r.memo.Store(-1) // a minute before the epoch, which is not asked for again
	r.resting(0)
	return r
}

// resting reports whether the mirror rests at now, in nanoseconds since the
// epoch.
func (r *rest) resting(now int64) bool {
	if r == nil {
		return false
	}
	const minute = int64(time.Minute)
	at := now / minute
	if now%minute < 0 {
		at--
	}
	if memo := r.memo.Load(); memo>>1 == at {
		return memo&1 == 1
	}
	resting := r.m.Resting(time.Unix(0, now))
	memo := at << 1
	if resting {
		memo |= 1
	}
	r.memo.Store(memo)
	return resting
}
