package scanner

import (
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

func TestNextScan(t *testing.T) {
	t.Parallel()
	const quarter = 15 * time.Minute
	own := mirror.ScanRules{Interval: time.Hour}
	failing := func(n int) mirror.ScanState {
		return mirror.ScanState{Succeeded: base.Add(-24 * time.Hour), Attempted: base, FailingSince: base, Failures: n, Error: "away"}
	}
	for name, c := range map[string]struct {
		state    mirror.ScanState
		rules    mirror.ScanRules
		interval time.Duration
		pause    time.Duration // at most; 0: at once
	}{
		"never scanned":             {},
		"never scanned, own":        {rules: own},
		"scanned":                   {mirror.ScanState{Succeeded: base, Attempted: base}, mirror.ScanRules{}, 2 * time.Hour, 2 * time.Hour},
		"scanned, own interval":     {mirror.ScanState{Succeeded: base, Attempted: base}, own, 2 * time.Hour, time.Hour},
		"scanned, default":          {mirror.ScanState{Succeeded: base, Attempted: base}, mirror.ScanRules{}, 0, DefaultInterval},
		"failed once":               {failing(1), mirror.ScanRules{}, 0, quarter},
		"failed twice":              {failing(2), mirror.ScanRules{}, 0, 2 * quarter},
		"failed three times":        {failing(3), mirror.ScanRules{}, 0, 4 * quarter},
		"failed often":              {failing(1000), mirror.ScanRules{}, 0, DefaultInterval},
		"failed often, own":         {failing(1000), own, 0, time.Hour},
		"failed, short interval":    {failing(1), mirror.ScanRules{Interval: time.Minute}, 0, time.Minute},
		"failed before counts were": {failing(0), mirror.ScanRules{}, 0, quarter},
		"failed, never good":        {mirror.ScanState{Attempted: base, FailingSince: base, Failures: 1, Error: "away"}, mirror.ScanRules{}, 0, quarter},
	} {
		m := mirror.Mirror{ID: 7, Scan: c.state, Rules: c.rules}
		got := NextScan(&m, c.interval)
		if c.pause == 0 {
			if !got.IsZero() {
				t.Errorf("%s: due at %v, want at once", name, got)
			}
			continue
		}
		if pause := got.Sub(base); pause > c.pause || pause < c.pause*4/5 {
			t.Errorf("%s: due after %v, want %v less a fifth at most", name, pause, c.pause)
		}
	}
}

// Mirrors that failed together do not come together again.
func TestNextScanSpreads(t *testing.T) {
	t.Parallel()
	seen := map[time.Time]bool{}
	for id := range mirror.ID(50) {
		m := mirror.Mirror{ID: id, Scan: mirror.ScanState{Attempted: base, FailingSince: base, Failures: 4, Error: "away"}}
		at := NextScan(&m, 0)
		seen[at] = true
		if !NextScan(&m, 0).Equal(at) {
			t.Error("it is not always the same")
		}
	}
	if len(seen) < 40 {
		t.Errorf("50 mirrors at %d times", len(seen))
	}
}
