package origin

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/pgtest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// eachStore runs a test on both databases.
func eachStore(t *testing.T, test func(*testing.T, *store.Store)) {
	t.Helper()
	for name, url := range map[string]func(*testing.T) string{
		"sqlite":   sqlite,
		"postgres": func(t *testing.T) string { t.Helper(); return pgtest.New(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := store.Open(url(t), store.Options{})
			must(t, err)
			t.Cleanup(func() { s.Close() })
			must(t, s.Prepare(t.Context()))
			test(t, s)
		})
	}
}

func index(t *testing.T, db *store.Store, o Options) Report {
	t.Helper()
	r, err := Index(t.Context(), db, o)
	must(t, err)
	return r
}

// rows gives the live files by path, and all known versions by id.
func rows(t *testing.T, db *store.Store) (map[string]store.FileRow, map[mirror.FileID]store.FileRow) {
	t.Helper()
	live, all := map[string]store.FileRow{}, map[mirror.FileID]store.FileRow{}
	must(t, db.Read(t.Context(), func(s *store.Snapshot) error {
		return s.Versions(func(f store.FileRow, _ []store.AltMTime) error {
			f.Path = []byte(string(f.Path))
			all[f.ID] = f
			if f.Current() {
				live[string(f.Path)] = f
			}
			return nil
		})
	}))
	return live, all
}

func aliases(t *testing.T, db *store.Store) map[string]string {
	t.Helper()
	got := map[string]string{}
	must(t, db.Read(t.Context(), func(s *store.Snapshot) error {
		return s.Aliases(0, func(a store.Alias) error {
			got[a.Path] = fmt.Sprintf("%s folder=%v", a.Target, a.Folder)
			return nil
		})
	}))
	return got
}

func head(t *testing.T, db *store.Store) store.Head {
	t.Helper()
	h, err := db.Head(t.Context())
	must(t, err)
	return h
}

func TestIndex(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		root := t.TempDir()
		grow(t, root, "a", "sub/b", "sub/deep/c", "odd/\xff\xfe", "latest -> sub/b", "dir -> sub", "out -> /etc", "closed 0600")
		r := index(t, db, Options{Root: root})
		if r.Added != 4 || r.AliasesAdded != 2 || r.Listed.Skips.Count(Closed) != 1 || r.Listed.Skips.Count(Outside) != 1 {
			t.Errorf("first run: %s", r)
		}
		live, _ := rows(t, db)
		if len(live) != 4 || live["odd/\xff\xfe"].ID == 0 || live["a"].Precision != 1 || live["a"].CTime == 0 {
			t.Errorf("rows: %+v", live)
		}
		if d := cmp.Diff(map[string]string{"latest": "sub/b folder=false", "dir": "sub folder=true"}, aliases(t, db)); d != "" {
			t.Errorf("aliases (-want +got):\n%s", d)
		}
		org, err := db.Origin(t.Context())
		must(t, err)
		if org.URL != "file://"+root || org.IndexedAt.IsZero() || org.Stats.Files != 4 {
			t.Errorf("origin: %+v", org)
		}

		// A second run writes nothing but when it was.
		before := head(t, db)
		r = index(t, db, Options{Root: root})
		if r.Any() || head(t, db) != before {
			t.Errorf("a second run changed something: %s; head %v, then %v", r, before, head(t, db))
		}
		again, err := db.Origin(t.Context())
		must(t, err)
		if !again.IndexedAt.After(org.IndexedAt) {
			t.Errorf("indexed at %v, then %v", org.IndexedAt, again.IndexedAt)
		}

		// Changes of every kind, and what a dry run says about them.
		must(t, os.WriteFile(filepath.Join(root, "a"), []byte("longer"), 0o644))
		must(t, os.Chtimes(filepath.Join(root, "sub/b"), time.Time{}, time.Now().Add(-time.Hour)))
		must(t, os.Remove(filepath.Join(root, "sub/deep/c")))
		must(t, os.Remove(filepath.Join(root, "latest")))
		must(t, os.Remove(filepath.Join(root, "dir")))
		must(t, os.Chmod(filepath.Join(root, "closed"), 0o644))
		grow(t, root, "dir -> odd", "sub/new")
		want := Counts{Added: 2, Changed: 2, Touched: 1, Removed: 1, AliasesAdded: 1, AliasesRemoved: 2}
		before = head(t, db)
		r = index(t, db, Options{Root: root, DryRun: true})
		if d := cmp.Diff(want, r.Counts); d != "" || head(t, db) != before {
			t.Errorf("dry run (-want +got):\n%s", d)
		}
		r = index(t, db, Options{Root: root})
		if d := cmp.Diff(want, r.Counts); d != "" {
			t.Errorf("changes (-want +got):\n%s", d)
		}
		now, all := rows(t, db)
		if now["a"].ID == live["a"].ID || now["a"].Size != 6 || now["sub/b"].ID == live["sub/b"].ID || now["odd/\xff\xfe"].ID != live["odd/\xff\xfe"].ID {
			t.Errorf("rows: %+v", now)
		}
		if c, ok := all[live["sub/deep/c"].ID]; !ok || c.Gone == 0 {
			t.Errorf("the removed file is not kept: %+v", c)
		}
		if d := cmp.Diff(map[string]string{"dir": "odd folder=true"}, aliases(t, db)); d != "" {
			t.Errorf("aliases (-want +got):\n%s", d)
		}

		// Kept versions go when their time is up.
		index(t, db, Options{Root: root, KeepVersions: 1})
		if _, all := rows(t, db); len(all) != len(now) {
			t.Errorf("%d versions are known of %d files", len(all), len(now))
		}
	})
}

func TestIndexCTime(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		root := t.TempDir()
		grow(t, root, "a")
		at := time.Now().Add(-time.Hour)
		must(t, os.Chtimes(filepath.Join(root, "a"), at, at))
		index(t, db, Options{Root: root})
		before, was := head(t, db), firstRow(t, db)
		// Other contents, with the size and time put back.
		must(t, os.WriteFile(filepath.Join(root, "a"), []byte("b"), 0o644))
		must(t, os.Chtimes(filepath.Join(root, "a"), at, at))
		if r := index(t, db, Options{Root: root}); r.Restated != 1 || head(t, db) != before {
			t.Errorf("%s; head %v, then %v", r, before, head(t, db))
		}
		if now := firstRow(t, db); now.ID != was.ID || now.CTime <= was.CTime {
			t.Errorf("row %+v, then %+v", was, now)
		}
	})
}

func firstRow(t *testing.T, db *store.Store) store.FileRow {
	t.Helper()
	live, _ := rows(t, db)
	for _, f := range live {
		return f
	}
	t.Fatal("no rows")
	return store.FileRow{}
}

func TestIndexRefuses(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		root := t.TempDir()
		refused := func(what string, o Options) {
			t.Helper()
			before := head(t, db)
			if _, err := Index(t.Context(), db, o); !errors.Is(err, ErrRefused) {
				t.Errorf("%s: %v", what, err)
			}
			if head(t, db) != before {
				t.Errorf("%s: wrote something", what)
			}
		}
		refused("an empty root", Options{Root: root})
		refused("no root", Options{Root: filepath.Join(root, "no")})
		for i := range 150 {
			grow(t, root, fmt.Sprintf("d%d/f%d", i%5, i))
		}
		index(t, db, Options{Root: root})

		// Everything touched.
		touch := func(at time.Time) {
			must(t, filepath.WalkDir(root, func(p string, d os.DirEntry, err error) error {
				if err == nil && !d.IsDir() {
					err = os.Chtimes(p, at, at)
				}
				return err
			}))
		}
		was, _ := rows(t, db)
		at := time.Now().Add(time.Hour).Truncate(time.Second)
		touch(at)
		refused("everything touched", Options{Root: root})
		if r := index(t, db, Options{Root: root, Same: true}); r.Touched != 150 {
			t.Errorf("same: %s", r)
		}
		now, all := rows(t, db)
		for p, f := range now {
			if f.ID != was[p].ID || f.MTime != at.UnixNano() {
				t.Fatalf("%s: %+v, before %+v", p, f, was[p])
			}
		}
		touch(at.Add(time.Hour))
		if r := index(t, db, Options{Root: root, Force: true}); r.Changed != 150 {
			t.Errorf("force: %s", r)
		}
		if _, now := rows(t, db); len(now) != 2*len(all) {
			t.Errorf("%d versions after --force, %d before", len(now), len(all))
		}

		// Most of it gone: three folders of five.
		for i := range 3 {
			must(t, os.RemoveAll(filepath.Join(root, fmt.Sprintf("d%d", i))))
		}
		refused("three fifths removed", Options{Root: root})
		if r := index(t, db, Options{Root: root, Force: true}); r.Removed != 90 {
			t.Errorf("force: %s", r)
		}
		must(t, os.RemoveAll(root))
		refused("root gone", Options{Root: root})
		must(t, os.Mkdir(root, 0o755))
		refused("disk unmounted", Options{Root: root})
		refused("folder gone", Options{Root: root, Subtree: "d3"})
		if r := index(t, db, Options{Root: root, Subtree: "d3", Force: true}); r.Removed != 30 {
			t.Errorf("subtree: %s", r)
		}
		if live, _ := rows(t, db); len(live) != 30 {
			t.Errorf("%d rows are left", len(live))
		}
	})
}

// fixed is a source that says what it is told to.
type fixed struct {
	files  []File
	listed Listed
}

func (f fixed) list(_ context.Context, yield func([]File) error) (Listed, error) {
	return f.listed, yield(f.files)
}

func TestIndexKeepsWhatItCannotSee(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		root := t.TempDir()
		for i := range 40 {
			grow(t, root, fmt.Sprintf("d%d/f%d", i%4, i))
		}
		grow(t, root, "d1/link -> f1", "d2/link -> f2")
		index(t, db, Options{Root: root})
		run1 := func(listed Listed, files ...File) Report {
			t.Helper()
			l, err := db.Acquire(t.Context(), LeaseName, "test", time.Minute)
			must(t, err)
			r := &run{db: db, lease: l, o: Options{Root: root, URL: "file://" + root, KeepVersions: time.Hour}}
			must(t, r.load(t.Context()))
			must(t, r.compare(t.Context(), fixed{files, listed}))
			must(t, db.Release(t.Context(), l))
			return r.report
		}
		// d1 could not be read, d2 and its link are gone, the rest is as it was.
		live, _ := rows(t, db)
		var files []File
		for p, f := range live {
			if !strings.HasPrefix(p, "d1/") && !strings.HasPrefix(p, "d2/") {
				files = append(files, File{p, f.Size, f.MTime, f.CTime, 1})
			}
		}
		r := run1(Listed{Files: 20, Unknown: []string{"d1"}}, files...)
		if r.Removed != 10 || r.Kept != 10 || r.AliasesRemoved != 1 {
			t.Errorf("unreadable folder: %s", r)
		}
		r = run1(Listed{Files: 1, Incomplete: []string{"cut off"}}, files[0])
		if r.Removed != 0 || r.Kept != 29 || r.AliasesRemoved != 0 {
			t.Errorf("incomplete: %s", r)
		}
	})
}

// TestIndexInterrupted stops a run in the middle: the next one finishes it.
func TestIndexInterrupted(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		root := t.TempDir()
		for i := range 300 {
			grow(t, root, fmt.Sprintf("d%d/f%d", i%7, i))
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(3*time.Millisecond, cancel)
		if _, err := Index(ctx, db, Options{Root: root}); err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		index(t, db, Options{Root: root})
		if live, _ := rows(t, db); len(live) != 300 {
			t.Errorf("%d rows", len(live))
		}
		held, err := db.Acquire(t.Context(), LeaseName, "another", time.Minute)
		must(t, err)
		if _, err := Index(t.Context(), db, Options{Root: root}); !errors.Is(err, store.ErrLeased) {
			t.Errorf("while another indexes: %v", err)
		}
		must(t, db.Release(t.Context(), held))
	})
}

func sqlite(t *testing.T) string {
	t.Helper()
	return "sqlite://" + filepath.Join(t.TempDir(), "test.db")
}
