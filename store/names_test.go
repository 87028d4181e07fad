package store

import (
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

func TestNames(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		l := lease(t, s, "index")
		add(t, s, l, "one", "only", "two", "dir/a", "dir/\xff\xff", "dir/\xff", "dir/dir/x", "done/x")
		must[Head](t)(s.ApplyIndex(t.Context(), l, IndexBatch{Remove: []mirror.FileID{live(t, s)["two"].ID}}))
		for _, test := range []struct {
			folder, prefix string
			limit          int
			files, folders []string
		}{
			{"", "", 9, []string{"one", "only"}, []string{"dir", "done"}},
			{"", "on", 9, []string{"one", "only"}, nil},
			{"", "o", 1, []string{"one"}, nil},
			{"", "d", 9, nil, []string{"dir", "done"}},
			{"dir", "\xff", 9, []string{"\xff", "\xff\xff"}, nil},
			{"none", "", 9, nil, nil},
		} {
			files, folders, err := s.Names(t.Context(), test.folder, test.prefix, test.limit)
			ok(t, err)
			if d := cmp.Diff([][]string{test.files, test.folders}, [][]string{files, folders}); d != "" {
				t.Errorf("%q, %q (-want +got):\n%s", test.folder, test.prefix, d)
			}
		}
	})
}

func TestAltMTimesOf(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		l := lease(t, s, "index")
		add(t, s, l, "one", "two")
		one, two := live(t, s)["one"].ID, live(t, s)["two"].ID
		must[Head](t)(s.ApplyIndex(t.Context(), l, IndexBatch{Touch: []Touch{{ID: one, MTime: 5, Precision: time.Second}}}))
		got := must[map[mirror.FileID][]AltMTime](t)(s.AltMTimesOf(t.Context(), []mirror.FileID{one, two}))
		if d := cmp.Diff(map[mirror.FileID][]AltMTime{one: {{1e18, time.Nanosecond}}}, got); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	})
}

// What was done by hand is in the log with its reason.
func TestEditHeld(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		m := newMirror(t, s, "m")
		ok(t, s.EditHeld(t.Context(), m.ID, roaring.BitmapOf(1, 2), nil, "me", "file add x"))
		ok(t, s.EditHeld(t.Context(), m.ID, nil, roaring.BitmapOf(2, 3), "me", "file rm y"))
		h := must[Holdings](t)(s.HoldingsOf(t.Context(), m.ID))
		e := must[[]Event](t)(s.EventsOf(t.Context(), EventWish{Name: "m", After: time.Unix(1, 0), Limit: 1}))
		if !h.Held.Equals(roaring.BitmapOf(1)) || len(e) != 1 || e[0].What != "file rm y" || e[0].Detail != "0 added, 1 taken away" {
			t.Errorf("held %v, events %+v", h.Held, e)
		}
	})
}
