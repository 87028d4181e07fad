package store

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

func TestCommitScan(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		m := newMirror(t, s, "m")
		l := lease(t, s, "scan/m")
		ok(t, s.SetHeld(ctx, m.ID, roaring.BitmapOf(1, 2, 3, 100), nil, "who"))
		ok(t, s.ScanFailed(ctx, l, ScanFailure{Mirror: m.ID, At: time.Unix(50, 0), Reason: "no answer"}))
		ok(t, s.ScanFailed(ctx, l, ScanFailure{Mirror: m.ID, At: time.Unix(60, 0), Reason: "still none"}))
		got := must[mirror.Mirror](t)(s.Mirror(ctx, "m")).Scan
		if !got.FailingSince.Equal(time.Unix(50, 0)) || !got.Attempted.Equal(time.Unix(60, 0)) || got.Error != "still none" || !got.Succeeded.IsZero() {
			t.Errorf("after failures: %+v", got)
		}
		ok(t, s.ForgetFailures(ctx, m.ID, time.Unix(50, 0)))
		if now := must[mirror.Mirror](t)(s.Mirror(ctx, "m")).Scan; now.Failures != 2 || now.Error == "" {
			t.Errorf("failures from before were forgotten: %+v", now)
		}
		ok(t, s.ForgetFailures(ctx, m.ID, time.Unix(49, 0)))
		if now := must[mirror.Mirror](t)(s.Mirror(ctx, "m")).Scan; now.Failures != 0 || now.Error != "" || !now.FailingSince.IsZero() || !now.Attempted.Equal(time.Unix(60, 0)) {
			t.Errorf("failures were not forgotten: %+v", now)
		}
		before := must[Head](t)(s.Head(ctx))
		// 100 was added by hand, or indexed, while the scan ran: it stays.
		out := must[ScanOutcome](t)(s.CommitScan(ctx, l, ScanResult{
			Mirror: m.ID, Knew: roaring.BitmapOf(1, 2, 3, 4, 5), Found: roaring.BitmapOf(2, 4), Exact: roaring.BitmapOf(4), Protocol: "rsync", FilesPerSec: 9,
		}))
		if out.Added != 1 || out.Removed != 2 || out.Held != 3 || out.Head.Revision != before.Revision+1 {
			t.Errorf("outcome %+v", out)
		}
		h := must[Holdings](t)(s.HoldingsOf(ctx, m.ID))
		if !h.Held.Equals(roaring.BitmapOf(2, 4, 100)) || !h.Exact.Equals(roaring.BitmapOf(4)) {
			t.Errorf("held %v, exact %v", h.Held, h.Exact)
		}
		got = must[mirror.Mirror](t)(s.Mirror(ctx, "m")).Scan
		if got.Succeeded.IsZero() || !got.FailingSince.IsZero() || got.Error != "" || got.Protocol != "rsync" || got.Held != 3 {
			t.Errorf("after success: %+v", got)
		}
		// The delta has the holdings, and once more only after the next change.
		since := func(rev int64) (n int) {
			ok(t, s.Read(ctx, func(snap *Snapshot) error {
				return snap.Holdings(rev, func(Holdings) error { n++; return nil })
			}))
			return n
		}
		if since(before.Revision) != 1 || since(out.Head.Revision) != 0 || since(0) != 1 {
			t.Error("the delta is wrong")
		}
	})
}

// What others changed while the scan ran stays as they left it; but nothing is
// credited that the scan saw to be something else.
func TestScanAmongOthers(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		m := newMirror(t, s, "m")
		l := lease(t, s, "scan/m")
		before := roaring.BitmapOf(1, 2, 3, 4)
		ok(t, s.SetHeld(ctx, m.ID, before, nil, "who"))
		// Meanwhile: 2 and 3 were taken away, 5, 6 and 7 credited.
		ok(t, s.SetHeld(ctx, m.ID, roaring.BitmapOf(5, 6, 7), roaring.BitmapOf(2, 3), "who"))
		out := must[ScanOutcome](t)(s.CommitScan(ctx, l, ScanResult{
			Mirror: m.ID, Before: before, Knew: roaring.BitmapOf(1, 2, 3, 4, 5, 6, 8),
			Found: roaring.BitmapOf(1, 2, 6, 8), Exact: roaring.BitmapOf(2, 8), Lost: roaring.BitmapOf(4, 5),
		}))
		h := must[Holdings](t)(s.HoldingsOf(ctx, m.ID))
		if !h.Held.Equals(roaring.BitmapOf(1, 6, 7, 8)) || !h.Exact.Equals(roaring.BitmapOf(8)) || out.Held != 4 {
			t.Errorf("held %v, exact %v, %+v", h.Held, h.Exact, out)
		}
		// A mirror that became another one takes nothing.
		other := errors.New("it has another URL now")
		_, err := s.CommitScan(ctx, l, ScanResult{Mirror: m.ID, Knew: h.Held, Still: func(now *mirror.Mirror) error {
			if now.Name != "m" {
				t.Errorf("asked about %q", now.Name)
			}
			return other
		}})
		if !errors.Is(err, other) {
			t.Errorf("got %v", err)
		}
		if h := must[Holdings](t)(s.HoldingsOf(ctx, m.ID)); h.Held.GetCardinality() != 4 {
			t.Errorf("held %v", h.Held)
		}
	})
}

func TestScanOfSubtree(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		m := newMirror(t, s, "m")
		must[mirror.Mirror](t)(s.UpdateMirror(ctx, m.ID, "", "", func(m *mirror.Mirror) error { m.EnableAfterScan = true; return nil }))
		l := lease(t, s, "scan/m")
		must[ScanOutcome](t)(s.CommitScan(ctx, l, ScanResult{Mirror: m.ID, Subtree: "sub", Found: roaring.BitmapOf(1), Knew: roaring.BitmapOf(1)}))
		if got := must[mirror.Mirror](t)(s.Mirror(ctx, "m")); !got.Scan.Succeeded.IsZero() || got.Enabled {
			t.Errorf("a part of the tree counted as all: %+v", got.Scan)
		}
		must[ScanOutcome](t)(s.CommitScan(ctx, l, ScanResult{Mirror: m.ID, Knew: roaring.New(), Found: roaring.New(), Who: "scanner"}))
		if got := must[mirror.Mirror](t)(s.Mirror(ctx, "m")); !got.Enabled || got.EnableAfterScan {
			t.Errorf("not switched on: %+v", got)
		}
		if e := must[[]Event](t)(s.Events(ctx, m.ID, 1))[0]; e.What != "enabled" || e.Who != "scanner" {
			t.Errorf("event %+v", e)
		}
	})
}

// Random scans, edits and purges against a plain model of the rule
// holdings = (holdings - knew) + found, never what was purged.
func TestScanModel(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		r := rand.New(rand.NewPCG(1, 2))
		m := newMirror(t, s, "m")
		l, index := lease(t, s, "scan"), lease(t, s, "index")
		names := make([]string, 60)
		for i := range names {
			names[i] = string(rune('A' + i))
		}
		add(t, s, index, names...)
		ok(t, s.FinishIndex(ctx, index, Origin{}, IndexStats{}))
		model, dead := map[uint32]bool{}, map[uint32]bool{}
		pick := func() *roaring.Bitmap {
			b := roaring.New()
			for id := uint32(1); id <= 60; id++ {
				if r.IntN(3) == 0 {
					b.Add(id)
				}
			}
			return b
		}
		for range 40 {
			switch r.IntN(4) {
			case 0:
				a, d := pick(), pick()
				a.AndNot(bitmapOf(dead)) // by hand only what is there
				ok(t, s.SetHeld(ctx, m.ID, a, d, "who"))
				d.Iterate(func(id uint32) bool { delete(model, id); return true })
				a.Iterate(func(id uint32) bool { model[id] = true; return true })
			case 1:
				id := 1 + r.Uint32N(60)
				must[Head](t)(s.ApplyIndex(ctx, index, IndexBatch{Remove: []mirror.FileID{mirror.FileID(id)}}))
				ok(t, s.FinishIndex(ctx, index, Origin{}, IndexStats{}))
				must[PurgeStats](t)(s.Purge(ctx, -time.Hour))
				delete(model, id)
				dead[id] = true
			default:
				knew := pick()
				found := pick()
				found.And(knew)
				must[ScanOutcome](t)(s.CommitScan(ctx, l, ScanResult{Mirror: m.ID, Knew: knew, Found: found}))
				knew.Iterate(func(id uint32) bool { delete(model, id); return true })
				found.Iterate(func(id uint32) bool { model[id] = !dead[id]; return true })
			}
			for id, has := range model {
				if !has {
					delete(model, id)
				}
			}
			if h := must[Holdings](t)(s.HoldingsOf(ctx, m.ID)); !h.Held.Equals(bitmapOf(model)) {
				t.Fatalf("held %v, model %v", h.Held, bitmapOf(model))
			}
		}
	})
}

func bitmapOf(set map[uint32]bool) *roaring.Bitmap {
	b := roaring.New()
	for id := range set {
		b.Add(id)
	}
	return b
}
