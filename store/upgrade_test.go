package store

import (
	"math"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/golang-migrate/migrate/v4"
	"github.com/golang-migrate/migrate/v4/source/iofs"
	"github.com/google/go-cmp/cmp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	schema "github.com/caddy-mirrorbrain/caddy-mirrorbrain/sql"
)

// openAt sets a database up as an earlier release did.
func openAt(t *testing.T, url string, version uint) *Store {
	t.Helper()
	s := openRaw(t, url, Options{})
	if s.file != "" {
		unlock := must[func()](t)(s.makeFile(t.Context(), s.file))
		defer unlock()
	}
	src, err := iofs.New(schema.Migrations, s.d.name)
	ok(t, err)
	defer src.Close()
	r := &runner{ctx: t.Context(), s: s}
	m, err := migrate.NewWithInstance("embedded", src, s.d.name, r)
	ok(t, err)
	m.LockTimeout = math.MaxInt64
	ok(t, m.Migrate(version))
	r.abandon()
	return s
}

// former are statements of the release that knew 4 steps, about what has changed
// since.
func former(t *testing.T, s *Store, statements ...string) {
	t.Helper()
	for _, q := range statements {
		_, err := s.db.ExecContext(t.Context(), q)
		ok(t, err)
	}
}

// A database of the release before is upgraded, keeps what it has, and serves
// both releases.
func TestUpgradeFromChoice(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, url string) {
		ctx := t.Context()
		old := openAt(t, url, 4)
		l := lease(t, old, "index")
		add(t, old, l, "a", "b")
		ok(t, old.FinishIndex(ctx, l, Origin{URL: "file:///x"}, IndexStats{}))
		m := newMirror(t, old, "m")
		ok(t, old.SetHeld(ctx, m.ID, roaring.BitmapOf(1), nil, "me"))
		must[[]mirror.Sums](t)(old.AddTraffic(ctx, []mirror.Traffic{{Mirror: m.ID, Day: mirror.DayOf(time.Now()), Requests: 1, Bytes: 2}}))
		if err := old.RecordStates(ctx, time.Time{}, 0); err == nil {
			t.Error("states were recorded nowhere")
		}

		s := openRaw(t, url, Options{})
		if diff := cmp.Diff([]string{"0005_pages"}, must[[]string](t)(s.Migrate(ctx, false))); diff != "" {
			t.Error(diff)
		}
		ok(t, s.Prepare(ctx))
		if again := must[[]string](t)(s.Migrate(ctx, false)); len(again) > 0 {
			t.Errorf("again: %v", again)
		}
		ok(t, s.RecordStates(ctx, time.Time{}, 0))
		list, _, err := s.Status(ctx, 0)
		ok(t, err)
		if len(list) != 1 || list[0].Share.Bytes != 2 || list[0].State.Since.IsZero() || list[0].LastRun != (mirror.Run{}) {
			t.Errorf("%+v", list)
		}
		// The release before asks for nothing newer, and marks, adds up and deletes
		// as it did.
		have, oldest, err := s.schema(ctx)
		if ok(t, err); have < 5 || oldest > 4 {
			t.Errorf("schema %d, fit for %d", have, oldest)
		}
		must[[]mirror.Sums](t)(old.AddTraffic(ctx, []mirror.Traffic{{Mirror: m.ID, Day: mirror.DayOf(time.Now()), Requests: 1, Bytes: 2}}))
		former(t, old, "UPDATE mirror SET gone = 1 WHERE id = 1", "DELETE FROM holdings WHERE mirror = 1")
		ok(t, s.RecordStates(ctx, time.Time{}, 0))
		former(t, old, "DELETE FROM mirror WHERE gone <> 0") // a week later
		if h := history(t, s, m.ID); len(h.Changes) > 0 {
			t.Errorf("the history outlives its mirror: %+v", h)
		}
		if found := must[[]Finding](t)(s.Check(ctx)); len(found) > 0 {
			t.Errorf("afterwards: %+v", found)
		}
	})
}
