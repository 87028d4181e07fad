package traffic

import (
	"math"
	"slices"
	"sync/atomic"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// Load is what a list of mirrors carries, for the choice among them: a
// redirector.Load. Its indices are those of the list.
type Load struct {
	ledger  *Ledger
	basis   int
	limits  []limit
	weights atomic.Pointer[weighing]
}

// limit is what bounds a mirror.
type limit struct {
	account *account // nil: not a mirror of the database
	share   int64    // 0: no limit
	quota   int64    // bytes; 0: none
	period  int
	score   int64
}

// weighing is what takes the place of the scores.
type weighing struct {
	epoch   uint64
	weights []uint32
}

// For gives the load of a list of mirrors, in which whatever has no number is no
// mirror of the database and has no limits. bytes: shares are of bytes, and the
// draw is to make bytes follow the scores. nil: nothing limits any of the
// mirrors, and the draw goes by the scores.
func (l *Ledger) For(mirrors []*mirror.Mirror, bytes bool) *Load {
	l.mu.Lock()
	defer l.mu.Unlock()
	ld := &Load{ledger: l, limits: make([]limit, len(mirrors))}
	if bytes {
		ld.basis = byBytes
		l.byBytes.Store(true)
	}
	for i, m := range mirrors {
		ld.limits[i] = l.limit(m)
	}
	if !bytes && !slices.ContainsFunc(ld.limits, func(b limit) bool { return b.share > 0 || b.quota > 0 }) {
		return nil
	}
	return ld
}

// limit opens a mirror's account, and notes what the ledger must know of it.
func (l *Ledger) limit(m *mirror.Mirror) limit {
	b := limit{score: int64(min(max(m.Score, 0), maxScore)), period: ofMonth}
	if m.ID <= 0 {
		return b
	}
	b.account = l.openLocked(m.ID)
	b.account.score = b.score
	if m.MaxShare > 0 && m.MaxShare < wholeShare {
		b.share = int64(m.MaxShare)
	}
	b.account.share.Store(b.share)
	b.quota = max(m.Quota.Bytes, 0)
	if m.Quota.Period == mirror.QuotaDay {
		b.period = ofDay
	}
	return b
}

// Full reports whether mirror i has its largest share, or its quota, for now.
func (ld *Load) Full(i int) bool {
	b := &ld.limits[i]
	if b.account == nil {
		return false
	}
	return b.quota > 0 && b.account.used(b.period) >= b.quota ||
		b.share > 0 && ld.ledger.empty(b.account, ld.basis, b.share)
}

const (
	maxScore  = 1_000_000
	maxEven   = 64 // how far weights may be from the scores
	evenScale = 16 // so that small scores can be weighed at all
)

// Weights gives what takes the place of the scores; nil: the scores. They are
// worked out once for each [Ledger.Balance], by whoever asks first.
func (ld *Load) Weights() []uint32 {
	if ld.basis != byBytes {
		return nil
	}
	epoch := ld.ledger.epoch.Load()
	if w := ld.weights.Load(); w != nil && w.epoch == epoch {
		return w.weights
	}
	w := &weighing{epoch, make([]uint32, len(ld.limits))}
	for i := range ld.limits {
		w.weights[i] = ld.limits[i].weight()
	}
	ld.weights.Store(w)
	return w.weights
}

// weight is at least 1 where the score is.
func (b *limit) weight() uint32 {
	if b.score == 0 {
		return 0
	}
	even := 1.0
	if b.account != nil {
		even = math.Float64frombits(b.account.even.Load())
	}
	return uint32(max(1, math.Round(float64(b.score*evenScale)*even)))
}
