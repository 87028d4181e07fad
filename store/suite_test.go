package store

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/pgtest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// each runs a test on both databases, with a fresh, empty one each: SQLite,
// PostgreSQL, and PostgreSQL through pgbouncer in transaction mode.
func each(t *testing.T, test func(t *testing.T, url string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, sqliteURL(filepath.Join(t.TempDir(), "test.db")))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, pgtest.New(t))
	})
	t.Run("pgbouncer", func(t *testing.T) {
		t.Parallel()
		test(t, pgtest.NewBounced(t))
	})
}

// eachStore is each with an open, prepared store.
func eachStore(t *testing.T, test func(t *testing.T, s *Store)) {
	t.Helper()
	each(t, func(t *testing.T, url string) { test(t, open(t, url)) })
}

func open(t *testing.T, url string) *Store {
	t.Helper()
	s := openRaw(t, url, Options{})
	ok(t, s.Prepare(t.Context()))
	return s
}

func openRaw(t *testing.T, url string, o Options) *Store {
	t.Helper()
	s, err := Open(url, o)
	ok(t, err)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	return s
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// must gives the value of a call that has to succeed.
func must[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func lease(t *testing.T, s *Store, name string) Lease {
	t.Helper()
	return must[Lease](t)(s.Acquire(t.Context(), name, "test", time.Minute))
}

// add indexes files of the given paths, sizes being the lengths of the paths.
func add(t *testing.T, s *Store, l Lease, paths ...string) Head {
	t.Helper()
	b := IndexBatch{}
	for _, p := range paths {
		b.Add = append(b.Add, NewFile{Path: p, Size: int64(len(p)), MTime: 1e18, CTime: 1e18 + 1, Precision: time.Nanosecond})
	}
	return must[Head](t)(s.ApplyIndex(t.Context(), l, b))
}

// live gives the current files by path.
func live(t *testing.T, s *Store) map[string]FileRow {
	t.Helper()
	return rowsSince(t, s, 0)
}

func rowsSince(t *testing.T, s *Store, since int64) map[string]FileRow {
	t.Helper()
	m := make(map[string]FileRow)
	ok(t, s.Read(t.Context(), func(n *Snapshot) error {
		return n.Files(since, func(r FileRow) error {
			p := string(r.Path)
			r.Path = nil
			if _, dup := m[p]; dup && since == 0 {
				t.Errorf("path %q comes twice", p)
			}
			m[p] = r
			return nil
		})
	}))
	return m
}

func newMirror(t *testing.T, s *Store, name string) mirror.Mirror {
	t.Helper()
	m := mirror.Mirror{Name: name, HTTP: []string{"https://" + name + ".example/"}, Score: 100}
	ok(t, s.CreateMirror(t.Context(), &m, "tester"))
	return m
}
