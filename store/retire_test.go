package store

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

func TestRetire(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		const year = 365 * 24 * time.Hour
		checkable(t, s)
		before := len(must[[]Event](t)(s.Events(ctx, 0, 0)))
		ok(t, s.AddEvent(ctx, Event{At: time.Now().Add(-2 * year), Who: "me", What: "old"}))
		ok(t, s.AddEvent(ctx, Event{At: time.Now().Add(-year / 2), Who: "me", What: "new"}))
		damage(t, s,
			"INSERT INTO zsync_part (file, part, sums) SELECT 2, 0, hash_key FROM head",
			"INSERT INTO zsync_part (file, part, sums) SELECT 3, 0, hash_key FROM head",
			"INSERT INTO hash_claim (file, token) VALUES (3, 1)", // a run is about to store the rest
			"INSERT INTO asn_prefix (generation, prefix, asn) VALUES (1, '192.0.2.0/24', 1), (2, '192.0.2.0/24', 1), (3, '192.0.2.0/24', 1)",
			"INSERT INTO asn_name (generation, asn, name, country) VALUES (1, 1, 'A', ''), (1, 2, 'B', ''), (2, 1, 'A', ''), (3, 1, 'A', '')",
			"UPDATE head SET prefix_generation = 2",
			"INSERT INTO mirror_traffic (mirror, day, requests, bytes) VALUES (1, 1000, 1, 1), (1, 1000000, 1, 1)",
		)
		removed := must[mirror.Mirror](t)(s.Mirror(ctx, "two"))
		ok(t, s.DeleteMirror(ctx, removed.ID, "me"))
		damage(t, s, "UPDATE mirror SET gone = 1 WHERE gone <> 0", "UPDATE change SET at = 1 WHERE revision = 1")

		want := Retired{Versions: 1, Changes: 1, Mirrors: 1, Events: 1, Parts: 1, Prefixes: 1, Names: 2, Traffic: 1}
		if diff := cmp.Diff(want, must[Retired](t)(s.CountRetired(ctx, 0, year))); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(Retired{Events: 1, Parts: 1, Prefixes: 1, Names: 2, Traffic: 1}, must[Retired](t)(s.Retire(ctx, year))); diff != "" {
			t.Error(diff)
		}
		must[PurgeStats](t)(s.Purge(ctx, 0))
		if left := must[Retired](t)(s.CountRetired(ctx, 0, year)); left != (Retired{}) {
			t.Errorf("left: %+v", left)
		}
		if n := len(must[[]Event](t)(s.Events(ctx, 0, 0))); n != before+2 { // the new one, and the deletion
			t.Errorf("%d events, %d before", n, before)
		}
		ok(t, s.Compact(ctx))
		if found := must[[]Finding](t)(s.Check(ctx)); len(found) > 0 {
			t.Errorf("afterwards: %+v", found)
		}
	})
}

func TestSizes(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		checkable(t, s)
		list, total, err := s.Sizes(t.Context())
		ok(t, err)
		rows := map[string]int64{}
		for _, size := range list {
			rows[size.Name] = size.Rows
			if size.Bytes <= 0 {
				t.Errorf("%s: %d bytes", size.Name, size.Bytes)
			}
		}
		if rows["file"] != 4 || rows["mirror"] != 2 || rows["alias"] != 1 || total <= 0 {
			t.Errorf("%v, %d in all", rows, total)
		}
		// The list of tables is the schema's.
		q := "SELECT count(*) FROM information_schema.tables WHERE table_schema = current_schema()"
		if s.file != "" {
			q = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
		}
		var n int
		ok(t, s.db.QueryRowContext(t.Context(), q).Scan(&n))
		if n != len(tables) {
			t.Errorf("the schema has %d tables, %d are known", n, len(tables))
		}
	})
}

// A file that was full and is empty now becomes smaller.
func TestCompactSQLite(t *testing.T) {
	t.Parallel()
	s := open(t, sqliteURL(t.TempDir()+"/test.db"))
	m := newMirror(t, s, "m")
	_, err := s.UpdateMirror(t.Context(), m.ID, "me", "", func(m *mirror.Mirror) error {
		m.Comment = string(make([]byte, 4<<20))
		return nil
	})
	ok(t, err)
	_, before, err := s.Sizes(t.Context())
	ok(t, err)
	_, err = s.UpdateMirror(t.Context(), m.ID, "me", "", func(m *mirror.Mirror) error { m.Comment = ""; return nil })
	ok(t, err)
	ok(t, s.Compact(t.Context()))
	if _, after, err := s.Sizes(t.Context()); err != nil || after > before/2 {
		t.Errorf("%d bytes before, %d after, %v", before, after, err)
	}
}
