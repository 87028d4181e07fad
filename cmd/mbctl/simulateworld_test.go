package main

import (
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/replay"
)

// Simulated mirrors keep to their largest share, as they do at a node; without
// limits nothing is kept account of.
func TestCarry(t *testing.T) {
	t.Parallel()
	free := replay.World{Mirrors: []*mirror.Mirror{{ID: 1, Score: 100}}}
	if carry(&free, false); free.Load != nil || free.Sent != nil {
		t.Error("an account is kept of mirrors without limits")
	}
	w := replay.World{Mirrors: []*mirror.Mirror{{ID: 1, Score: 100, MaxShare: 1000}, {ID: 2, Score: 100}}}
	carry(&w, false)
	at, limited := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC), 0
	for range 10_000 {
		at = at.Add(100 * time.Millisecond)
		to := 1
		if !w.Load.Full(0) {
			to = 0
			limited++
		}
		w.Sent(to, 1000, at)
	}
	if limited < 970 || limited > 1030 {
		t.Errorf("a mirror limited to 10 %% got %d of 10,000 requests", limited)
	}
}
