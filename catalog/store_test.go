package catalog_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/catalog"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/pgtest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// These tests follow real databases.

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, url string) *store.Store {
	t.Helper()
	s, err := store.Open(url, store.Options{})
	ok(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// databases makes a fresh database of each kind.
var databases = map[string]func(t *testing.T) (url string){
	"sqlite":   func(t *testing.T) string { t.Helper(); return "sqlite://" + filepath.Join(t.TempDir(), "test.db") },
	"postgres": func(t *testing.T) string { t.Helper(); return pgtest.New(t) },
}

// index adds and removes files, as mbctl index does.
func index(t *testing.T, s *store.Store, b store.IndexBatch) catalog.Head {
	t.Helper()
	l, err := s.Acquire(t.Context(), "index", "test", time.Minute)
	ok(t, err)
	h, err := s.ApplyIndex(t.Context(), l, b)
	ok(t, err)
	ok(t, s.Release(t.Context(), l))
	return h
}

func newFile(path string, size int64) store.NewFile {
	return store.NewFile{Path: path, Size: size, MTime: size * 1e9, Precision: time.Nanosecond}
}

// follow follows until the test ends, or stop is called.
func follow(t *testing.T, c *catalog.Catalog, s *store.Store, o catalog.FollowOptions) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { catalog.Follow(ctx, c, catalog.FromStore(s), o) })
	stop = func() {
		cancel()
		wg.Wait()
	}
	t.Cleanup(stop)
	return stop
}

// eventually gives how long it took.
func eventually(t *testing.T, what string, yes func() bool) time.Duration {
	t.Helper()
	start := time.Now()
	for !yes() {
		if time.Since(start) > 30*time.Second {
			t.Fatalf("still not: %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
	return time.Since(start)
}

func has(c *catalog.Catalog, path string, size int64) func() bool {
	return func() bool {
		e, res := c.Lookup(path)
		return res == catalog.Found && e.Size == size
	}
}

type counter struct {
	slog.Handler
	lost, back, afresh, behind, caught atomic.Int32
}

func (h *counter) Enabled(context.Context, slog.Level) bool { return true }
func (h *counter) Handle(_ context.Context, r slog.Record) error {
	for text, n := range map[string]*atomic.Int32{
		"database does not answer": &h.lost, "database is back": &h.back, "another history": &h.afresh,
		"replica is behind": &h.behind, "replica has caught up": &h.caught,
	} {
		if strings.Contains(r.Message, text) {
			n.Add(1)
		}
	}
	return nil
}

func TestStoreFollow(t *testing.T) {
	t.Parallel()
	for kind, database := range databases {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			url := database(t)
			w, r := open(t, url), open(t, url)
			file := filepath.Join(t.TempDir(), "catalog")
			var prefixes atomic.Int32
			o := catalog.FollowOptions{File: file, Prepare: r.Prepare, OnPrefixes: func(each func(func(catalog.Prefix) error) error) error {
				n := int32(0)
				err := each(func(catalog.Prefix) error { n++; return nil })
				if err == nil {
					prefixes.Store(n)
				}
				return err
			}}
			c := catalog.New(catalog.Options{})
			stop := follow(t, c, r, o)
			eventually(t, "an empty catalog", c.Ready)

			index(t, w, store.IndexBatch{
				Add:        []store.NewFile{newFile("a/\xff.iso", 1), newFile("b", 2)},
				AddAliases: []store.Alias{{Path: "l", Target: "a", Folder: true}},
			})
			t.Logf("a file was followed after %v", eventually(t, "b", has(c, "b", 2)))
			if p, alias := c.Resolve("l/\xff.iso"); !alias || !has(c, p, 1)() {
				t.Errorf("the alias leads to %q", p)
			}
			e, _ := c.Lookup("b")
			m := mirror.Mirror{Name: "one", HTTP: []string{"http://one.example/"}, Score: 100}
			ok(t, w.CreateMirror(t.Context(), &m, "test"))
			ok(t, w.SetHeld(t.Context(), m.ID, roaring.BitmapOf(uint32(e.ID)), nil, "test"))
			ok(t, w.PutDigest(t.Context(), e.ID, [32]byte{7}))
			ok(t, w.SetSetting(t.Context(), "max_scan_age", "1h"))
			eventually(t, "the setting", func() bool { return c.View().Setting("max_scan_age") == "1h" })
			world := c.Holdings()
			if i := world.Index(m.ID); i < 0 || !world.Holds(i, e.ID) || world.Holds(i, e.ID+1) {
				t.Errorf("holdings: %+v", world)
			}
			if sum, found := c.SHA256(e.ID); !found || sum[0] != 7 {
				t.Errorf("digest %v, %v", sum, found)
			}
			_, err := w.UpdateMirror(t.Context(), m.ID, "test", "score", func(m *mirror.Mirror) error { m.Score = 5; return nil })
			ok(t, err)
			t.Logf("a score was followed after %v", eventually(t, "the score", func() bool { return c.Holdings().Mirrors[0].Score == 5 }))
			if now := c.Holdings(); now.Version <= world.Version || !now.Holds(0, e.ID) {
				t.Error("after an edit the version is the same, or the holdings are not")
			}

			// A replaced file in one batch with an alias that points elsewhere.
			index(t, w, store.IndexBatch{
				Remove: []mirror.FileID{e.ID}, Add: []store.NewFile{newFile("b", 3)},
				RemoveAliases: []store.Alias{{Path: "l"}}, AddAliases: []store.Alias{{Path: "l", Target: "c", Folder: true}},
			})
			eventually(t, "the new b", has(c, "b", 3))
			if p, _ := c.Resolve("l/x"); p != "c/x" {
				t.Errorf("the alias leads to %q", p)
			}
			_, err = w.ReplacePrefixes(t.Context(), "test", func(yield func(store.Prefix) error) error {
				return yield(store.Prefix{Prefix: netip.MustParsePrefix("10.0.0.0/8"), ASN: 1})
			})
			ok(t, err)
			eventually(t, "the prefixes", func() bool { return prefixes.Load() == 1 })
			head, err := w.Head(t.Context())
			ok(t, err)
			eventually(t, "the head", func() bool { h, _ := c.Position(); return h == head })
			stop()

			// A start with the database gone.
			prefixes.Store(0)
			ok(t, r.Close())
			again := catalog.New(catalog.Options{})
			follow(t, again, r, o)
			eventually(t, "a catalog from the file", again.Ready)
			if h, _ := again.Position(); h != head || !has(again, "b", 3)() || len(again.Holdings().Mirrors) != 1 || prefixes.Load() != 1 {
				t.Errorf("the file has %v, want %v, and %d prefixes", h, head, prefixes.Load())
			}
			follow(t, catalog.New(catalog.Options{}), w, catalog.FollowOptions{}) // two followers of one store

			// Deleted mirrors go.
			ok(t, w.DeleteMirror(t.Context(), m.ID, "test"))
			third := catalog.New(catalog.Options{})
			ok(t, third.Load(file))
			follow(t, third, w, catalog.FollowOptions{})
			eventually(t, "the mirror is gone", func() bool { return len(third.Holdings().Mirrors) == 0 })
		})
	}
}

func TestStoreVersions(t *testing.T) {
	t.Parallel()
	for kind, database := range databases {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			url := database(t)
			s := open(t, url)
			ok(t, s.Prepare(t.Context()))
			index(t, s, store.IndexBatch{Add: []store.NewFile{newFile("a", 1), newFile("b", 2)}})
			old, err := s.VersionsOf(t.Context(), "a")
			ok(t, err)
			b, err := s.VersionsOf(t.Context(), "b")
			ok(t, err)
			index(t, s, store.IndexBatch{
				Remove: []mirror.FileID{old[0].ID}, Add: []store.NewFile{newFile("a", 5)},
				Touch: []store.Touch{{ID: b[0].ID, MTime: 77e9, Precision: time.Nanosecond}},
			})
			var v *catalog.Versions
			ok(t, s.Read(t.Context(), func(n *store.Snapshot) (err error) {
				v, err = catalog.LoadVersions(t.Context(), n)
				return err
			}))
			got := v.Lookup("a", nil)
			if len(got) != 2 || got[0].Current() == got[1].Current() || got[0].Seen == 0 || got[0].Precision != 1 {
				t.Errorf("a: %+v", got)
			}
			got = v.Lookup("b", nil)
			if len(got) != 2 || got[0].ID != got[1].ID || got[0].MTime+got[1].MTime != 79e9 || v.Len() != 4 {
				t.Errorf("b: %+v, %d entries", got, v.Len())
			}
		})
	}
}

// TestStoreRestored follows a database that is then replaced by an older copy.
func TestStoreRestored(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	s := open(t, "sqlite://"+path("a.db"))
	ok(t, s.Prepare(t.Context()))
	index(t, s, store.IndexBatch{Add: []store.NewFile{newFile("old", 1)}})
	db, err := sql.Open("sqlite", path("a.db"))
	ok(t, err)
	_, err = db.ExecContext(t.Context(), "VACUUM INTO '"+path("b.db")+"'")
	ok(t, err)
	ok(t, db.Close())
	index(t, s, store.IndexBatch{Add: []store.NewFile{newFile("new", 1)}})

	log := &counter{}
	c := catalog.New(catalog.Options{Logger: slog.New(log)})
	stop := follow(t, c, s, catalog.FollowOptions{})
	eventually(t, "new", has(c, "new", 1))
	stop()
	restored := open(t, "sqlite://"+path("b.db"))
	for i := range 3 {
		index(t, restored, store.IndexBatch{Add: []store.NewFile{newFile(fmt.Sprint("other", i), 1)}})
	}
	follow(t, c, restored, catalog.FollowOptions{})
	eventually(t, "the restored state", has(c, "other2", 1))
	if has(c, "new", 1)() || !has(c, "old", 1)() || log.afresh.Load() != 1 {
		t.Errorf("a restored database was not read afresh (%d)", log.afresh.Load())
	}
}

func TestStoreFrozen(t *testing.T) {
	t.Parallel()
	cluster := pgtest.Start(t)
	url := cluster.Database(t)
	w, r := open(t, url), open(t, url)
	ok(t, w.Prepare(t.Context()))
	index(t, w, store.IndexBatch{Add: []store.NewFile{newFile("a", 1)}})
	log := &counter{}
	c := catalog.New(catalog.Options{Logger: slog.New(log)})
	stop := follow(t, c, r, catalog.FollowOptions{Timeout: time.Second})
	eventually(t, "a", has(c, "a", 1))

	cluster.Freeze(t)
	eventually(t, "the loss is noticed", func() bool { return log.lost.Load() == 1 })
	if !has(c, "a", 1)() {
		t.Error("the catalog went with the database")
	}
	cluster.Thaw(t)
	eventually(t, "it is back", func() bool { return log.back.Load() == 1 })
	index(t, w, store.IndexBatch{Add: []store.NewFile{newFile("b", 1)}})
	eventually(t, "b", has(c, "b", 1))

	cluster.Stop(t)
	eventually(t, "the stop is noticed", func() bool { return log.lost.Load() == 2 })
	cluster.Start(t)
	eventually(t, "it is back again", func() bool { return log.back.Load() == 2 })
	eventually(t, "c", func() bool {
		l, err := w.Acquire(t.Context(), "index", "test", time.Minute)
		if err != nil {
			return false
		}
		_, err = w.ApplyIndex(t.Context(), l, store.IndexBatch{Add: []store.NewFile{newFile("c", 1)}})
		return err == nil
	})
	t.Logf("a change was followed %v after a restart", eventually(t, "c is followed", has(c, "c", 1)))

	cluster.Freeze(t)
	defer cluster.Thaw(t)
	start := time.Now()
	stop()
	if d := time.Since(start); d > 10*time.Second {
		t.Errorf("stopping took %v with a frozen database", d)
	}
	if log.lost.Load() > 3 || log.afresh.Load() != 0 {
		t.Errorf("lost %d times, read afresh %d times", log.lost.Load(), log.afresh.Load())
	}
}

// TestStoreStandby follows the primary, then a replica that lags, which then
// catches up.
func TestStoreStandby(t *testing.T) {
	t.Parallel()
	cluster := pgtest.Start(t)
	url := cluster.Database(t)
	primary := open(t, url)
	ok(t, primary.Prepare(t.Context()))
	index(t, primary, store.IndexBatch{Add: []store.NewFile{newFile("a", 1)}})
	standby := cluster.Standby(t)
	standbyURL := strings.Replace(url, cluster.Addr(), standby.Addr(), 1)
	replica, err := store.Open(standbyURL, store.Options{ReadOnly: true})
	ok(t, err)
	t.Cleanup(func() { _ = replica.Close() })

	log := &counter{}
	c := catalog.New(catalog.Options{Logger: slog.New(log)})
	stop := follow(t, c, replica, catalog.FollowOptions{})
	eventually(t, "a, by the replica", has(c, "a", 1))
	stop()

	admin, err := sql.Open("pgx", standbyURL)
	ok(t, err)
	t.Cleanup(func() { _ = admin.Close() })
	_, err = admin.ExecContext(t.Context(), "SELECT pg_wal_replay_pause()")
	ok(t, err)
	eventually(t, "the replica stands still", func() bool {
		var state string
		ok(t, admin.QueryRowContext(t.Context(), "SELECT pg_get_wal_replay_pause_state()").Scan(&state))
		return state == "paused"
	})
	index(t, primary, store.IndexBatch{Add: []store.NewFile{newFile("b", 1)}})
	stop = follow(t, c, primary, catalog.FollowOptions{})
	eventually(t, "b, by the primary", has(c, "b", 1))
	stop()

	follow(t, c, replica, catalog.FollowOptions{})
	eventually(t, "the lag is noticed", func() bool { return log.behind.Load() == 1 })
	if !has(c, "b", 1)() {
		t.Error("a lagging replica took the catalog back")
	}
	_, err = admin.ExecContext(t.Context(), "SELECT pg_wal_replay_resume()")
	ok(t, err)
	eventually(t, "it has caught up", func() bool { return log.caught.Load() == 1 })
	index(t, primary, store.IndexBatch{Add: []store.NewFile{newFile("c", 1)}})
	eventually(t, "c, by the replica", has(c, "c", 1))
	if log.afresh.Load() != 0 || log.lost.Load() != 0 {
		t.Errorf("read afresh %d times, lost %d times", log.afresh.Load(), log.lost.Load())
	}
}
