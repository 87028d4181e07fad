package scanner

import (
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

func TestNextScan(t *testing.T) {
	t.Parallel()
	at := time.Unix(1_800_000_000, 0)
	const day = 24 * time.Hour
	tests := []struct {
		name          string
		interval, own time.Duration
		failures      int
		want          time.Duration // the longest pause
	}{
		{"after a good scan", 6 * time.Hour, 0, 0, 6 * time.Hour},
		{"own interval", 6 * time.Hour, time.Hour, 0, time.Hour},
		{"one failure", 6 * time.Hour, 0, 1, 10 * time.Minute},
		{"three", 6 * time.Hour, 0, 3, 40 * time.Minute},
		{"many", 6 * time.Hour, 0, 1000, day},
		{"short interval", 2 * time.Minute, 0, 1, 2 * time.Minute},
		{"short interval, many", 2 * time.Minute, 0, 1000, day},
		{"long interval, many", 6 * time.Hour, 3 * day, 1000, 3 * day},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			seen := map[time.Time]bool{}
			for id := range mirror.ID(100) {
				m := mirror.Mirror{ID: id, Scan: mirror.ScanState{Attempted: at, Failures: tt.failures}, Rules: mirror.ScanRules{Interval: tt.own}}
				next := NextScan(&m, tt.interval)
				if pause := next.Sub(at); pause > tt.want || pause < tt.want*4/5 {
					t.Fatalf("mirror %d: a pause of %v, want at most %v, less a fifth", id, pause, tt.want)
				}
				if next != NextScan(&m, tt.interval) {
					t.Fatal("the time differs from host to host")
				}
				seen[next] = true
			}
			if len(seen) < 90 {
				t.Errorf("100 mirrors are due at %d times", len(seen))
			}
		})
	}
	if next := NextScan(&mirror.Mirror{}, time.Hour); !next.IsZero() {
		t.Errorf("a mirror never scanned is due at %v", next)
	}
}
