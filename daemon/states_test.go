package daemon

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// States are recorded each minute, one time after the other, and when something
// ended.
func TestStatesTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int32
		takes := time.Second
		s := newStates()
		s.record = func(ctx context.Context, maxScanAge time.Duration) {
			if _, bounded := ctx.Deadline(); !bounded || maxScanAge != time.Hour {
				t.Errorf("max age %v, bounded %v", maxScanAge, bounded)
			}
			n.Add(1)
			time.Sleep(takes)
		}
		turns := func(d time.Duration) int32 {
			n.Store(0)
			for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(5 * time.Second) {
				s.turn(t.Context(), time.Now(), time.Hour)
				synctest.Wait()
			}
			return n.Load()
		}
		if got := turns(10 * time.Minute); got != 10 {
			t.Errorf("%d times in ten minutes", got)
		}
		s.soon()
		if got := turns(30 * time.Second); got != 1 {
			t.Errorf("%d times after the end of something", got)
		}
		takes = 3 * time.Minute // the database hangs
		if got := turns(9 * time.Minute); got < 2 || got > 3 {
			t.Errorf("%d times while each takes three minutes", got)
		}
		time.Sleep(5 * time.Minute)
	})
}

// A daemon records what its scans come to, before it ends, too; a database that
// only reads spoils nothing.
func TestStatesOfDaemon(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, db *store.Store) {
		m := mirror.Mirror{Name: "m", HTTP: []string{"https://m.example/"}, Enabled: true}
		ok(t, db.CreateMirror(t.Context(), &m, "me"))
		for range 2 {
			ok(t, Run(t.Context(), db, Options{Once: true}))
		}
		h, err := db.MirrorHistory(t.Context(), m.ID, time.Time{})
		ok(t, err)
		if len(h.Changes) != 1 || h.Changes[0].State != mirror.StateNeverScanned {
			t.Errorf("%+v", h.Changes)
		}
	})
}
