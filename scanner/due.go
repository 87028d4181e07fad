package scanner

import (
	"hash/fnv"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// DefaultInterval is how long after a mirror's scan the next one is due.
const DefaultInterval = 6 * time.Hour

const firstBackOff = 15 * time.Minute // after the first failure

// NextScan gives the time at which m's next full scan is due; the zero time, at
// once, when it was never scanned. interval is for mirrors without one of their
// own; 0 is DefaultInterval. A mirror that fails is tried again after 15 minutes,
// and then after twice as long each time, until the interval is reached; up to
// an eighth of that is added, so that mirrors that failed together do not come
// together again. Quiet times are not considered.
func NextScan(m *mirror.Mirror, interval time.Duration) time.Time {
	if m.Rules.Interval > 0 {
		interval = m.Rules.Interval
	}
	if interval <= 0 {
		interval = DefaultInterval
	}
	s := &m.Scan
	if s.FailingSince.IsZero() && s.Error == "" {
		if s.Succeeded.IsZero() {
			return time.Time{}
		}
		return s.Succeeded.Add(interval)
	}
	if s.Attempted.IsZero() {
		return time.Time{}
	}
	wait := backOff(s.Failures, interval)
	return s.Attempted.Add(wait + spread(m, wait/8))
}

// backOff is how long to wait after so many failures, interval at most.
func backOff(failures int, interval time.Duration) time.Duration {
	wait := min(firstBackOff, interval)
	for n := 1; n < failures && wait < interval; n++ {
		wait = min(2*wait, interval)
	}
	return wait
}

// spread gives something below most that differs from mirror to mirror, and
// from failure to failure.
func spread(m *mirror.Mirror, most time.Duration) time.Duration {
	if most <= 0 {
		return 0
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte{byte(m.ID), byte(m.ID >> 8), byte(m.ID >> 16), byte(m.ID >> 24), byte(m.Scan.Failures)})
	return time.Duration(h.Sum64() % uint64(most))
}
