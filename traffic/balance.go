package traffic

import (
	"math"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

const (
	// halfLife is for how long what was sent counts for the weights.
	halfLife = time.Hour
	// calm is with how many requests of the average size an account begins, so
	// that the first large file does not turn everything over.
	calm = 50
	// pull bounds how much more, or less, a mirror gets for having had less, or
	// more, than its share: a mirror that was away must not be flooded.
	pull = 2
)

// Balance begins new days, and works the weights out anew; call it about once a
// second.
//
// A mirror's weight is its score divided by the average size of what it is sent,
// since then each draw gives bytes by score. This looks at each mirror alone, so
// it does not matter how unequally the parts of the world are used. What is left
// to chance, above all by the few largest files, is made up for by comparing the
// bytes with the score: whoever is behind gets up to twice as much.
func (l *Ledger) Balance(now time.Time) {
	if int64(mirror.DayOf(now)) != l.day.Load() {
		l.turn(now)
	}
	if !l.byBytes.Load() {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	all := *l.accounts.Load()
	mean, load := l.observe(all, now)
	if mean <= 0 {
		return
	}
	for _, a := range all {
		requests, bytes := a.recent.requests+calm, a.recent.bytes+calm*mean
		even := mean * requests / bytes
		if a.score > 0 && load > 0 {
			behind := load * float64(a.score) / bytes
			even *= min(max(behind, 1.0/pull), pull)
		}
		a.even.Store(math.Float64bits(min(max(even, 1.0/maxEven), maxEven)))
	}
	l.epoch.Add(1)
}

// observe lets the past fade and adds what is new. It gives the average size of
// a request, and the bytes for each point of score among mirrors in use.
func (l *Ledger) observe(all map[mirror.ID]*account, now time.Time) (mean, load float64) {
	fade := 0.0
	if !l.balanced.IsZero() {
		fade = math.Exp2(-max(now.Sub(l.balanced), 0).Seconds() / halfLife.Seconds())
	}
	l.balanced = now
	var requests, bytes, carried, scores float64
	for _, a := range all {
		seen := count{a.requests.Load(), a.bytes.Load()}
		a.recent.requests = a.recent.requests*fade + float64(seen.requests-a.seen.requests)
		a.recent.bytes = a.recent.bytes*fade + float64(seen.bytes-a.seen.bytes)
		a.seen = seen
		requests += a.recent.requests
		bytes += a.recent.bytes
		if a.score > 0 && a.recent.requests > 0.5 {
			carried += a.recent.bytes
			scores += float64(a.score)
		}
	}
	if requests < 0.5 || scores == 0 {
		return 0, 0
	}
	mean = bytes / requests
	return mean, carried / scores
}
