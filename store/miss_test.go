package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
)

func TestMiss(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		one := func() Miss {
			t.Helper()
			list := must[[]Miss](t)(s.Misses(ctx))
			if len(list) != 1 {
				t.Fatalf("%d misses: %+v", len(list), list)
			}
			return list[0]
		}
		old := time.Now().Add(-time.Hour)
		must[int64](t)(s.Wish(ctx, Wish{Kind: WishScan, Subtree: "a"})) // something else
		ok(t, s.Missed(ctx, "a/\xff", old, time.Minute, "node 1"))
		m := one()
		if m.Folder != "a/\xff" || m.Due.Sub(m.At) != time.Minute || !m.Wanted() || m.Scans != 0 || m.Who != "node 1" {
			t.Fatalf("%+v", m)
		}
		ok(t, s.Missed(ctx, "a/\xff", old, time.Hour, "node 2"))
		if again := one(); again.ID != m.ID || again.Due != m.Due || again.Who != "node 2" {
			t.Fatalf("asked for again: %+v", again)
		}
		began := one().At
		ok(t, s.MissScanned(ctx, m, began))
		ok(t, s.MissScanned(ctx, m, began.Add(time.Hour))) // by a host that thinks it is first, too
		if m = one(); m.Scans != 1 || m.Due != began.Add(firstMissPause) || m.Wanted() {
			t.Fatalf("scanned: %+v, wanted %v", m, m.Wanted())
		}
		time.Sleep(5 * time.Millisecond)
		ok(t, s.Missed(ctx, "a/\xff", old, time.Minute, "node 1"))
		if m = one(); m.Scans != 1 || m.Due != began.Add(firstMissPause) || !m.Wanted() {
			t.Fatalf("asked for after the scan: %+v, wanted %v", m, m.Wanted())
		}
		ok(t, s.MissScanned(ctx, m, began))
		if m = one(); m.Scans != 2 || m.Due != began.Add(2*firstMissPause) {
			t.Fatalf("scanned twice: %+v", m)
		}
		// Newer files begin anew, but not at once after a scan.
		ok(t, s.Missed(ctx, "a/\xff", began.Add(time.Second), time.Minute, "node 1"))
		if m = one(); m.Scans != 0 || m.Due != began.Add(firstMissPause) || !m.Wanted() {
			t.Fatalf("new files: %+v, wanted %v", m, m.Wanted())
		}
		if n := len(must[[]Wish](t)(s.Wishes(ctx))); n != 1 {
			t.Errorf("%d wishes", n)
		}
	})
}

func TestMissPause(t *testing.T) {
	t.Parallel()
	for scans, want := range map[int64]time.Duration{
		0: 10 * time.Minute, 1: 10 * time.Minute, 2: 20 * time.Minute, 3: 40 * time.Minute, 6: 320 * time.Minute, 7: 6 * time.Hour, 1 << 40: 6 * time.Hour,
	} {
		if got := missPause(scans); got != want {
			t.Errorf("after %d scans %v, want %v", scans, got, want)
		}
	}
}

func TestMissesAreBounded(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		for i := range maxMisses + 5 {
			ok(t, s.Missed(t.Context(), fmt.Sprint("d", i), time.Now(), 0, ""))
		}
		all := must[[]Miss](t)(s.Misses(t.Context()))
		if len(all) != maxMisses {
			t.Errorf("%d misses", len(all))
		}
		// What was scanned makes room for what was not.
		ok(t, s.MissScanned(t.Context(), all[7], time.Now()))
		ok(t, s.Missed(t.Context(), "new", time.Now(), 0, ""))
		folders := map[string]bool{}
		for _, m := range must[[]Miss](t)(s.Misses(t.Context())) {
			folders[m.Folder] = true
		}
		if len(folders) != maxMisses || !folders["new"] || folders[all[7].Folder] {
			t.Errorf("%d misses, new %v, %s %v", len(folders), folders["new"], all[7].Folder, folders[all[7].Folder])
		}
	})
}

func TestRecentIDs(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		l := lease(t, s, "index")
		before := time.Now().Add(-time.Minute)
		add(t, s, l, "a", "b", "c")
		files := live(t, s)
		ids := must[*roaring.Bitmap](t)(s.RecentIDs(t.Context(), before, 2))
		if ids.GetCardinality() != 2 || ids.Contains(uint32(files["a"].ID)) {
			t.Errorf("the newest two are %v", ids)
		}
		if ids = must[*roaring.Bitmap](t)(s.RecentIDs(t.Context(), time.Now().Add(time.Minute), 10)); !ids.IsEmpty() {
			t.Errorf("of the future: %v", ids)
		}
	})
}
