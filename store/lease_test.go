package store

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestLease(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		a := must[Lease](t)(s.Acquire(ctx, "scan/1", "host a", time.Minute))
		_, err := s.Acquire(ctx, "scan/1", "host b", time.Minute)
		held, isLeased := errors.AsType[*LeasedError](err)
		if !errors.Is(err, ErrLeased) || !isLeased || held.Holder != "host a" || time.Until(held.Until) > 2*time.Minute {
			t.Fatalf("%v (%+v)", err, held)
		}
		must[Lease](t)(s.Acquire(ctx, "scan/2", "host b", time.Minute))
		until := a.Until
		ok(t, s.Renew(ctx, &a, time.Hour))
		if !a.Until.After(until) {
			t.Errorf("renewed from %v until %v", until, a.Until)
		}
		ok(t, s.Release(ctx, a))
		if err := s.Renew(ctx, &a, time.Hour); !errors.Is(err, ErrLeaseLost) {
			t.Errorf("renewing a lease given back: %v", err)
		}
		ok(t, s.Release(ctx, a))
		b := must[Lease](t)(s.Acquire(ctx, "scan/1", "host b", time.Minute))
		ok(t, s.Release(ctx, a)) // not ours any more
		must[Lease](t)(s.Acquire(ctx, "scan/3", "host c", time.Nanosecond))
		time.Sleep(10 * time.Millisecond)
		var now []string
		for _, l := range must[[]Lease](t)(s.Leases(ctx)) {
			now = append(now, l.Name+" "+l.Holder)
		}
		if got := strings.Join(now, ", "); got != "scan/1 host b, scan/2 host b" {
			t.Errorf("held are %s", got)
		}
		if err := s.Renew(ctx, &b, time.Hour); err != nil {
			t.Errorf("another's release took the lease: %v", err)
		}
	})
}

func TestLeaseRunsOut(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		a := must[Lease](t)(s.Acquire(ctx, "index", "a", 50*time.Millisecond))
		time.Sleep(100 * time.Millisecond)
		// Nothing can be done under it even if nobody else has taken it.
		if _, err := s.ApplyIndex(ctx, a, IndexBatch{Add: []NewFile{{Path: "x"}}}); !errors.Is(err, ErrLeaseLost) {
			t.Errorf("writing the index: %v", err)
		}
		if err := s.FinishIndex(ctx, a, Origin{}, IndexStats{}); !errors.Is(err, ErrLeaseLost) {
			t.Errorf("ending the index run: %v", err)
		}
		m := newMirror(t, s, "m")
		if _, err := s.CommitScan(ctx, a, ScanResult{Mirror: m.ID}); !errors.Is(err, ErrLeaseLost) {
			t.Errorf("committing a scan: %v", err)
		}
		if err := s.ScanFailed(ctx, a, ScanFailure{Mirror: m.ID, At: time.Now(), Reason: "why"}); !errors.Is(err, ErrLeaseLost) {
			t.Errorf("noting a failure: %v", err)
		}
		if err := s.Renew(ctx, &a, time.Minute); !errors.Is(err, ErrLeaseLost) {
			t.Errorf("renewing: %v", err)
		}
		must[Lease](t)(s.Acquire(ctx, "index", "b", time.Minute))
		if len(live(t, s)) != 0 {
			t.Error("a file was written")
		}
	})
}

func TestKeep(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		const ttl = 600 * time.Millisecond
		l := must[Lease](t)(s.Acquire(t.Context(), "index", "a", ttl))
		ctx, stop := s.Keep(t.Context(), &l, ttl)
		time.Sleep(3 * ttl)
		if ctx.Err() != nil {
			t.Fatalf("not kept: %v", context.Cause(ctx))
		}
		// Somebody deletes it.
		ok(t, s.Release(t.Context(), l))
		select {
		case <-ctx.Done():
		case <-time.After(10 * time.Second):
			t.Fatal("the loss was not noticed")
		}
		if !errors.Is(context.Cause(ctx), ErrLeaseLost) {
			t.Errorf("cause %v", context.Cause(ctx))
		}
		stop()
	})
}

// A lease that could not be renewed tells why.
func TestKeepWithoutDatabase(t *testing.T) {
	t.Parallel()
	s := open(t, sqliteURL(filepath.Join(t.TempDir(), "test.db")))
	const ttl = 300 * time.Millisecond
	l := must[Lease](t)(s.Acquire(t.Context(), "index", "a", ttl))
	ctx, stop := s.Keep(t.Context(), &l, ttl)
	defer stop()
	ok(t, s.Close())
	<-ctx.Done()
	if cause := context.Cause(ctx); !errors.Is(cause, ErrLeaseLost) || !strings.Contains(cause.Error(), "renewing the lease index: ") {
		t.Errorf("cause %v", cause)
	}
}

// TestAcquireInterrupted breaks off at every moment: then there is no lease
// that nobody knows of, which would keep everyone from the work until its end.
func TestAcquireInterrupted(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		for i := range 150 {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Duration(i)*20*time.Microsecond, cancel)
			l, err := s.Acquire(ctx, "index", "interrupted", time.Minute)
			cancel()
			switch {
			case err == nil:
				ok(t, s.Release(t.Context(), l))
			case !errors.Is(err, context.Canceled):
				t.Fatal(err)
			}
			l = must[Lease](t)(s.Acquire(t.Context(), "index", "the next one", time.Minute))
			ok(t, s.Release(t.Context(), l))
		}
	})
}
