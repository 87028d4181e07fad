package store

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/pgtest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// checkable makes a store with something of everything.
func checkable(t *testing.T, s *Store) {
	t.Helper()
	ctx := t.Context()
	l := lease(t, s, "index")
	add(t, s, l, "a", "d/b", "d/e/c", "d/e/f/g")
	ids := live(t, s)
	must[Head](t)(s.ApplyIndex(ctx, l, IndexBatch{
		Remove:     []mirror.FileID{ids["a"].ID},
		AddAliases: []Alias{{Path: "link", Target: "d/b"}},
		Touch:      []Touch{{ID: ids["d/b"].ID, MTime: 5e17, Precision: 1}},
	}))
	ok(t, s.FinishIndex(ctx, l, Origin{URL: "file:///srv"}, IndexStats{}))
	m := newMirror(t, s, "one")
	newMirror(t, s, "two")
	ok(t, s.SetHeld(ctx, m.ID, roaring.BitmapOf(uint32(ids["d/b"].ID), uint32(ids["d/e/c"].ID)), nil, "me"))
	ok(t, s.PutMarker(ctx, Marker{"M", []string{"a"}}, "me"))
}

// damage runs statements with the database's own checks switched off.
func damage(t *testing.T, s *Store, script ...string) {
	t.Helper()
	conn, err := s.db.Conn(t.Context())
	ok(t, err)
	defer conn.Close()
	run := func(q interface {
		ExecContext(context.Context, string, ...any) (sql.Result, error)
	}, list ...string,
	) {
		for _, stmt := range list {
			if _, err := q.ExecContext(t.Context(), stmt); err != nil {
				t.Fatalf("%s: %v", stmt, err)
			}
		}
	}
	if s.file != "" {
		run(conn, "PRAGMA foreign_keys = 0", "PRAGMA ignore_check_constraints = 1")
		run(conn, script...)
		run(conn, "PRAGMA foreign_keys = 1", "PRAGMA ignore_check_constraints = 0")
		return
	}
	tx, err := conn.BeginTx(t.Context(), nil)
	ok(t, err)
	defer tx.Rollback()
	run(tx, "SET LOCAL session_replication_role = replica")
	run(tx, script...)
	ok(t, tx.Commit())
}

func TestCheck(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		if found := must[[]Finding](t)(s.Check(t.Context())); len(found) > 0 {
			t.Errorf("an empty database: %+v", found)
		}
		checkable(t, s)
		if found := must[[]Finding](t)(s.Check(t.Context())); len(found) > 0 {
			t.Errorf("a sound database: %+v", found)
		}
		// What an index run has not counted yet is no fault.
		add(t, s, lease(t, s, "another"), "d/new")
		if found := must[[]Finding](t)(s.Check(t.Context())); len(found) > 0 {
			t.Errorf("during an index run: %+v", found)
		}
	})
}

// damages are what Check is to find.
var damages = []damageCase{
	{0, "position lost", []string{"DELETE FROM change"}, "is not among the changes", true},
	{1, "position put back", []string{"UPDATE head SET revision = revision - 2"}, "the position was put back", true},
	{2, "file counter", []string{"UPDATE counter SET value = 1 WHERE name = 'file'"}, "counter of file ids is at 1", true},
	{0, "mirror counter gone", []string{"DELETE FROM counter WHERE name = 'mirror'"}, "counter of mirror ids", true},
	{3, "file from the future", []string{"UPDATE file SET revision = 1000 WHERE id = 2"}, "rows of file are later", true},
	{3, "mirror from the future", []string{"UPDATE mirror SET revision = 1000"}, "2 rows of mirror are later", true},
	{0, "digest of nothing", []string{"INSERT INTO digest (file, sha256, revision) SELECT 77, head.hash_key, 1 FROM head"}, "rows of digest belong to no file", true},
	{1, "mtime of nothing", []string{"INSERT INTO alt_mtime (file, mtime, mtime_precision) VALUES (77, 1, 1)"}, "rows of alt_mtime", true},
	{2, "sums of nothing", []string{"INSERT INTO zsync_part (file, part, sums) SELECT 77, 0, hash_key FROM head"}, "rows of zsync_part", true},
	{2, "holdings of nobody", []string{"UPDATE holdings SET mirror = 99"}, "rows of holdings belong to no mirror", true},
	{1, "holdings of a deleted mirror", []string{"UPDATE mirror SET gone = 5 WHERE name = 'one'"}, "deleted mirrors still hold files", true},
	{6, "file without folder", []string{"UPDATE file SET folder = 99 WHERE id = 2"}, "rows of file are in no folder", false},
	{8, "folder without parent", []string{"UPDATE folder SET parent = 99 WHERE id = 3"}, "no way up to the root", false},
	{7, "folders in a circle", []string{"UPDATE folder SET parent = (SELECT max(id) FROM folder) WHERE parent = 1 AND id <> 1"}, "no way up to the root", false},
	{6, "two current versions", []string{"DROP INDEX file_live", "UPDATE file SET name = (SELECT name FROM file WHERE id = 2), folder = (SELECT folder FROM file WHERE id = 2) WHERE id = 3"}, "several current versions", false},
	{7, "file and link", []string{"INSERT INTO alias (folder, name, target, is_folder, gone, revision) SELECT folder, name, name, FALSE, 0, 1 FROM file WHERE id = 2"}, "a file and a symbolic link", false},
	{5, "short digest", []string{"INSERT INTO digest (file, sha256, revision) SELECT 2, hash_key, 1 FROM head"}, "SHA-256 sums have a wrong length", false},
	{2, "folder counted wrong", []string{"UPDATE folder_stat SET files = files + 1"}, "is not what is stored of it", true},
	{0, "bytes counted wrong", []string{"UPDATE folder_stat SET bytes = 1 WHERE folder = 1"}, "is not what is stored of it", true},
	{1, "folder not counted", []string{"DELETE FROM folder_stat WHERE folder = 1"}, "is not what is stored of it", true},
	{4, "size changed", []string{"UPDATE file SET size = size + 1 WHERE id = 4"}, "is not what is stored of it", true},
	{4, "version lost", []string{"DELETE FROM file WHERE id = (SELECT max(id) FROM file WHERE id IN (2, 3))"}, "not in the index", true},
	{3, "exact is not held", []string{"UPDATE holdings SET exact = held", "UPDATE holdings SET held = (SELECT ids FROM folder_stat WHERE folder = (SELECT max(folder) FROM folder_stat))"}, "exact size of", true},
	{5, "holdings unreadable", []string{"UPDATE holdings SET held = (SELECT hash_key FROM head)"}, "cannot be read", true},
	{0, "purged unreadable", []string{"INSERT INTO purged (at, ids) SELECT 1, hash_key FROM head"}, "rows of purged cannot be read", true},
	{5, "mirror without URL", []string{"UPDATE mirror SET http = '[]' WHERE name = 'one'"}, "mirror one (1): has no URL", false},
	{7, "mirror with a bad name", []string{"UPDATE mirror SET name = '../x' WHERE name = 'one'"}, "../x", false},
	{8, "list that is none", []string{"UPDATE mirror SET asns = '{' WHERE name = 'one'"}, "in the database", false},
	{6, "negative score", []string{"UPDATE mirror SET score = -1 WHERE name = 'one'"}, "negative number", false},
	{5, "marker that is none", []string{"UPDATE marker SET paths = '{'"}, "markers: marker M", false},
	{6, "marker without paths", []string{"UPDATE marker SET paths = '[]'"}, "has no paths", false},
}

type damageCase struct {
	with   int // those of one number can be found in one database
	name   string
	damage []string
	want   string // part of a finding
	repair bool   // Repair leaves nothing of it to find
}

func TestCheckFindsAndRepairs(t *testing.T) {
	t.Parallel()
	for _, d := range damages {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			findAndRepair(t, open(t, sqliteURL(filepath.Join(t.TempDir(), "test.db"))), d)
		})
	}
	// Making a database takes PostgreSQL a while, so several have to share one.
	together := map[int][]damageCase{}
	for _, d := range damages {
		together[d.with] = append(together[d.with], d)
	}
	for i, some := range together {
		t.Run(fmt.Sprintf("postgres %d", i), func(t *testing.T) {
			t.Parallel()
			findAndRepair(t, open(t, pgtest.New(t)), some...)
		})
	}
}

func findAndRepair(t *testing.T, s *Store, some ...damageCase) {
	t.Helper()
	checkable(t, s)
	whole := true
	for _, d := range some {
		damage(t, s, d.damage...)
		whole = whole && d.repair
	}
	found := must[[]Finding](t)(s.Check(t.Context()))
	for _, d := range some {
		i := slices.IndexFunc(found, func(f Finding) bool { return strings.Contains(f.What, d.want) })
		if i < 0 {
			t.Fatalf("%s: found %+v", d.name, found)
		}
		if found[i].Mend == "" || found[i].Repairable() != d.repair {
			t.Errorf("%s: repairable %v, mend %q", found[i].What, found[i].Repairable(), found[i].Mend)
		}
	}
	must[int](t)(s.Repair(t.Context(), found))
	if !whole {
		return
	}
	ok(t, s.FinishIndex(t.Context(), lease(t, s, "afterwards"), Origin{URL: "file:///srv"}, IndexStats{}))
	if left := must[[]Finding](t)(s.Check(t.Context())); len(left) > 0 {
		t.Errorf("after the repair: %+v", left)
	}
}

// A repair takes back nothing that was stored after the check.
func TestRepairTooLate(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		checkable(t, s)
		m := must[mirror.Mirror](t)(s.Mirror(t.Context(), "one"))
		ok(t, s.SetHeld(t.Context(), m.ID, roaring.BitmapOf(1000), nil, "me"))
		found := must[[]Finding](t)(s.Check(t.Context()))
		ok(t, s.SetHeld(t.Context(), m.ID, roaring.BitmapOf(4), nil, "me"))
		if _, err := s.Repair(t.Context(), found); err == nil {
			t.Error("repaired what had changed")
		}
		if h := must[Holdings](t)(s.HoldingsOf(t.Context(), m.ID)); !h.Held.Contains(4) {
			t.Error("what was stored meanwhile is lost")
		}
	})
}
