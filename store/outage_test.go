package store

import (
	"context"
	"errors"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/pgtest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// A server that hangs, stops and comes back.
func TestOutage(t *testing.T) {
	t.Parallel()
	c := pgtest.Start(t)
	s := open(t, c.Database(t))
	newMirror(t, s, "m")

	try := func(what string, call func(ctx context.Context) error) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if err := call(ctx); !errors.Is(err, ErrUnreachable) {
			t.Errorf("%s: %v", what, err)
		}
		if took := time.Since(began); took > 4*time.Second {
			t.Errorf("%s: came back after %v", what, took)
		}
	}
	all := func(state string) {
		t.Helper()
		for range 2 { // on connections that are there, and on new ones
			try(state+", head", func(ctx context.Context) error { _, err := s.Head(ctx); return err })
			try(state+", read", func(ctx context.Context) error {
				return s.Read(ctx, func(n *Snapshot) error { return n.Files(0, func(FileRow) error { return nil }) })
			})
			try(state+", write", func(ctx context.Context) error { return s.SetSetting(ctx, "a", "b") })
			try(state+", list", func(ctx context.Context) error { _, err := s.Mirrors(ctx); return err })
			try(state+", prepare", s.Prepare)
		}
	}
	c.Freeze(t)
	all("frozen")
	other := must[*Store](t)(Open(c.URL("postgres"), Options{}))
	try("frozen, first use", other.Prepare)
	began := time.Now()
	ok(t, other.Close())
	if took := time.Since(began); took > 2*closeTimeout {
		t.Errorf("closing took %v", took)
	}
	c.Thaw(t)
	must[[]mirror.Mirror](t)(s.Mirrors(t.Context()))
	c.Stop(t)
	all("stopped")
	c.Start(t)
	// Connections that died in the pool are replaced without an error.
	must[[]mirror.Mirror](t)(s.Mirrors(t.Context()))
	ok(t, s.SetSetting(t.Context(), "a", "c"))
}

// Through a pooler a server that hangs is connected to like any other; who sets
// no deadline must not wait for ever.
func TestFrozenBehindPooler(t *testing.T) {
	t.Parallel()
	c := pgtest.Start(t)
	dsn := pgtest.PgBouncer(t, c.Database(t))
	open(t, dsn)
	s := must[*Store](t)(Open(dsn, Options{}))
	defer s.Close()
	c.Freeze(t)
	defer c.Thaw(t)
	began := time.Now()
	if err := s.Prepare(t.Context()); !errors.Is(err, ErrUnreachable) {
		t.Errorf("got %v", err)
	}
	if took := time.Since(began); took > 2*schemaTimeout {
		t.Errorf("came back after %v", took)
	}
}

// A read that is under way when the server hangs ends with its deadline too.
func TestFrozenWhileReading(t *testing.T) {
	t.Parallel()
	c := pgtest.Start(t)
	s := open(t, c.Database(t))
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	err := s.Read(ctx, func(n *Snapshot) error {
		c.Freeze(t)
		_, err := n.FileCount()
		return err
	})
	c.Thaw(t)
	if !errors.Is(err, ErrUnreachable) {
		t.Errorf("got %v", err)
	}
	must[Head](t)(s.Head(t.Context()))
}

func TestStandby(t *testing.T) {
	t.Parallel()
	primary := pgtest.Start(t)
	dsn := primary.Database(t)
	s := open(t, dsn)
	replica := primary.Standby(t)

	// The standby first in the list: writers end on the primary all the same.
	u := must[*url.URL](t)(url.Parse(dsn))
	both := strings.Replace(dsn, u.Host, replica.Addr()+","+primary.Addr(), 1)
	writer := open(t, both)
	newMirror(t, writer, "m")
	ok(t, writer.Read(t.Context(), func(n *Snapshot) error {
		if n.Standby() {
			t.Error("the writer is on the standby")
		}
		return nil
	}))
	head := must[Head](t)(s.Head(t.Context()))

	reader := openRaw(t, both, Options{ReadOnly: true})
	ok(t, reader.Prepare(t.Context()))
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		var got Head
		ok(t, reader.Read(t.Context(), func(n *Snapshot) error {
			got = n.Head()
			if !n.Standby() {
				t.Error("the reader is not on the standby, which comes first")
			}
			return nil
		}))
		if got == head {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the standby does not follow")
		}
	}
	// It refuses LISTEN; waiting works without.
	reader.Wait(t.Context(), 50*time.Millisecond)

	// A writer that knows the standby alone is told why it cannot.
	alone := openRaw(t, strings.Replace(dsn, u.Host, replica.Addr(), 1), Options{})
	ok(t, alone.Prepare(t.Context()))
	if err := alone.SetSetting(t.Context(), "a", "b"); !errors.Is(err, ErrReadOnly) {
		t.Errorf("writing to a standby: %v", err)
	}

	// Failover.
	primary.Stop(t)
	replica.Promote(t)
	ok(t, writer.SetSetting(t.Context(), "a", "b"))
	ok(t, writer.Read(t.Context(), func(n *Snapshot) error {
		if known, err := n.Known(head); !known {
			t.Errorf("the position before the failover is not known: %v", err)
		}
		return nil
	}))
}

// A database set back to an earlier state does not know what came after.
func TestRestored(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		url := sqliteURL(t.TempDir() + "/a.db")
		s := open(t, url)
		newMirror(t, s, "before")
		_, err := s.db.ExecContext(t.Context(), "PRAGMA wal_checkpoint(TRUNCATE)")
		ok(t, err)
		backup := must[[]byte](t)(os.ReadFile(s.file))
		newMirror(t, s, "after")
		newMirror(t, s, "more")
		lost := must[Head](t)(s.Head(t.Context()))
		ok(t, s.Close())
		for _, f := range []string{s.file, s.file + "-wal", s.file + "-shm"} {
			ok(t, os.Remove(f))
		}
		ok(t, os.WriteFile(s.file, backup, 0o660))
		checkRestored(t, open(t, url), lost)
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		primary := pgtest.Start(t)
		dsn := primary.Database(t)
		s := open(t, dsn)
		newMirror(t, s, "before")
		copied := primary.Standby(t)
		copied.Promote(t)
		newMirror(t, s, "after")
		newMirror(t, s, "more")
		lost := must[Head](t)(s.Head(t.Context()))
		checkRestored(t, open(t, strings.Replace(dsn, primary.Addr(), copied.Addr(), 1)), lost)
	})
}

func checkRestored(t *testing.T, s *Store, lost Head) {
	t.Helper()
	known := func() (is bool) {
		ok(t, s.Read(t.Context(), func(n *Snapshot) (err error) { is, err = n.Known(lost); return err }))
		return is
	}
	if known() {
		t.Error("it knows the future")
	}
	// At the same revision it is another history.
	for must[Head](t)(s.Head(t.Context())).Revision < lost.Revision+1 {
		ok(t, s.SetSetting(t.Context(), "a", "b"))
	}
	if known() {
		t.Error("it takes another history for its own")
	}
}
