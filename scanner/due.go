package scanner

import (
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// DefaultInterval is how long after a mirror's scan the next one is due.
const DefaultInterval = 6 * time.Hour

const firstBackOff = 15 * time.Minute // after the first failure

// NextScan gives the time at which m's next full scan is due; the zero time, at
// once, when it was never scanned. interval is for mirrors without one of their
// own; 0 is DefaultInterval. A mirror that fails is tried again after 15 minutes,
// and then after twice as long each time, until the interval is reached. Up to a
// fifth of the pause is taken off, always the same for one scan of one mirror, so
// that mirrors that were scanned together do not fall due together for ever.
// Quiet times are not considered.
func NextScan(m *mirror.Mirror, interval time.Duration) time.Time {
	if m.Rules.Interval > 0 {
		interval = m.Rules.Interval
	}
	if interval <= 0 {
		interval = DefaultInterval
	}
	s := &m.Scan
	last, pause := s.Attempted, interval
	if s.Succeeded.After(last) {
		last = s.Succeeded
	}
	if last.IsZero() {
		return time.Time{}
	}
	if n := s.Failures; n > 0 || s.Error != "" {
		pause = backOff(n, interval)
	}
	return last.Add(pause - jitter(m, last, pause/5))
}

// backOff is how long to wait after so many failures, interval at most.
func backOff(failures int, interval time.Duration) time.Duration {
	wait := min(firstBackOff, interval)
	for n := 1; n < failures && wait < interval; n++ {
		wait = min(2*wait, interval)
	}
	return wait
}

// jitter gives a part of most that differs from mirror to mirror and from scan
// to scan.
func jitter(m *mirror.Mirror, last time.Time, most time.Duration) time.Duration {
	h := (uint64(m.ID) + uint64(last.UnixNano())) * 0x9e3779b97f4a7c15 // Fibonacci hashing
	return time.Duration(float64(most) * float64(h>>40) / (1 << 24))
}
