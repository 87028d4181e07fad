package store

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

func TestRecentRuns(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		recent := func(since time.Duration) map[mirror.ID][]mirror.Run {
			t.Helper()
			return must[map[mirror.ID][]mirror.Run](t)(s.RecentRuns(ctx, time.Now().Add(-since)))
		}
		if got := recent(time.Hour); got == nil || len(got) > 0 {
			t.Errorf("without mirrors: %v", got)
		}
		a, b, gone, quiet := newMirror(t, s, "a").ID, newMirror(t, s, "b").ID, newMirror(t, s, "gone").ID, newMirror(t, s, "quiet").ID
		putRuns(t, s, a, true, 10*time.Minute, 50*time.Minute, 3*time.Hour)
		putRuns(t, s, a, false, 30*time.Minute)
		putRuns(t, s, b, false, 5*time.Minute)
		putRuns(t, s, gone, true, 5*time.Minute)
		putRuns(t, s, quiet, true, 2*time.Hour)
		ok(t, s.DeleteMirror(ctx, gone, "me"))
		got := recent(time.Hour)
		type run struct {
			ago time.Duration
			ok  bool
		}
		short := map[mirror.ID][]run{}
		for id, runs := range got {
			for _, r := range runs {
				short[id] = append(short[id], run{time.Since(r.At).Round(5 * time.Minute), r.OK})
				if r.Protocol != "http" || r.Held != 1 || r.Files != 2 || r.Error != "" {
					t.Errorf("run %+v", r)
				}
			}
		}
		want := map[mirror.ID][]run{
			a: {{50 * time.Minute, true}, {30 * time.Minute, false}, {10 * time.Minute, true}},
			b: {{5 * time.Minute, false}},
		}
		if diff := cmp.Diff(want, short, cmp.AllowUnexported(run{})); diff != "" {
			t.Error(diff)
		}
		if got := recent(24 * time.Hour); len(got) != 3 || len(got[a]) != 4 || len(got[quiet]) != 1 {
			t.Errorf("of a day: %v", got)
		}
	})
}
