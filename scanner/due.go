package scanner

import (
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

const (
	firstRetry = 10 * time.Minute // after a failure; doubled with each further one
	lastRetry  = 24 * time.Hour   // unless the interval is longer
)

// NextScan says when the mirror's next full scan is due: an interval (the
// mirror's own, if it has one) after the last one, after a failure earlier at
// first and later when it goes on failing; zero: it was never tried. Up to a
// fifth of the pause is taken off, always the same for one scan of one mirror,
// so that mirrors that were scanned together do not fall due together for ever.
func NextScan(m *mirror.Mirror, interval time.Duration) time.Time {
	if m.Scan.Attempted.IsZero() {
		return time.Time{}
	}
	if m.Rules.Interval > 0 {
		interval = m.Rules.Interval
	}
	pause := interval
	if n := m.Scan.Failures; n > 0 {
		pause = min(min(firstRetry, interval)<<min(n-1, 20), max(lastRetry, interval))
	}
	return m.Scan.Attempted.Add(pause - jitter(m, pause/5))
}

// jitter gives a part of most that differs from mirror to mirror and from scan
// to scan.
func jitter(m *mirror.Mirror, most time.Duration) time.Duration {
	h := (uint64(m.ID) + uint64(m.Scan.Attempted.UnixNano())) * 0x9e3779b97f4a7c15 // Fibonacci hashing
	return time.Duration(float64(most) * float64(h>>40) / (1 << 24))
}
