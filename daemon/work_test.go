package daemon

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/pgtest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

func eachStore(t *testing.T, test func(t *testing.T, db *store.Store)) {
	t.Helper()
	for name, url := range map[string]func(testing.TB) string{
		"sqlite":   func(t testing.TB) string { return "sqlite://" + filepath.Join(t.TempDir(), "mb.db") },
		"postgres": func(t testing.TB) string { t.Helper(); return pgtest.New(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, err := store.Open(url(t), store.Options{})
			ok(t, err)
			t.Cleanup(func() { db.Close() })
			ok(t, db.Prepare(t.Context()))
			test(t, db)
		})
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// logbook is a log that is written by many.
type logbook struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// TestJobsAreDoneOnce has three daemons with the same jobs.
func TestJobsAreDoneOnce(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, db *store.Store) {
		var mu sync.Mutex
		runs := map[string]int{}
		var folders [][]string
		job := func(name string, err error) Job {
			return Job{Name: name, Interval: time.Hour, Run: func(_ context.Context, f []string) (Result, error) {
				time.Sleep(20 * time.Millisecond)
				mu.Lock()
				defer mu.Unlock()
				runs[name]++
				if name == "index" {
					folders = append(folders, f)
				}
				return Result{}, err
			}}
		}
		index := job("index", nil)
		index.Grants = store.WishIndex
		elsewhere := job("elsewhere", nil)
		elsewhere.Here = func(context.Context) error { return errors.New("there is no tree") }
		var log logbook
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for i := range 3 {
			wg.Go(func() {
				o := Options{
					Settings: Settings{Jobs: []Job{index, job("bad", errors.New("disk on fire")), elsewhere}},
					Holder:   fmt.Sprint("host ", i), Log: slog.New(slog.NewTextHandler(&log, nil)),
				}
				if err := Run(ctx, db, o); err != nil {
					t.Error(err)
				}
			})
		}
		until := func(what string, fine func() bool) {
			t.Helper()
			for end := time.Now().Add(20 * time.Second); !fine(); time.Sleep(20 * time.Millisecond) {
				if time.Now().After(end) {
					t.Fatalf("waited in vain until %s:\n%s", what, log.String())
				}
			}
		}
		ended := func(name string, failing int) func() bool {
			return func() bool {
				jobs, err := db.Jobs(ctx)
				ok(t, err)
				return slices.ContainsFunc(jobs, func(j store.Job) bool { return j.Name == name && !j.Ended.IsZero() && j.Failing == failing })
			}
		}
		until("the index run is done", ended("index", 0))
		until("the other has failed", ended("bad", 1))
		// A folder that was asked for is indexed alone.
		for _, f := range []string{"a/b", "a", "\xff"} {
			_, err := db.Wish(ctx, store.Wish{Kind: store.WishIndex, Subtree: f})
			ok(t, err)
		}
		until("the wishes are granted", func() bool {
			left, err := db.Wishes(ctx)
			ok(t, err)
			return len(left) == 0
		})
		time.Sleep(time.Second)
		cancel()
		wg.Wait()
		if runs["bad"] != 1 || runs["elsewhere"] != 0 || strings.Count(log.String(), "there is no tree") != 3 {
			t.Errorf("runs %v:\n%s", runs, log.String())
		}
		if len(folders[0]) != 0 {
			t.Errorf("the first run was for %q", folders[0])
		}
		asked := slices.Concat(folders[1:]...)
		if slices.Sort(asked); !slices.Contains(asked, "a") || !slices.Contains(asked, "\xff") {
			t.Errorf("indexed %q", folders)
		}
	})
}

func TestJobBrokenOff(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, db *store.Store) {
		ctx, cancel := context.WithCancel(t.Context())
		j := Job{Name: "slow", Interval: time.Hour, Run: func(ctx context.Context, _ []string) (Result, error) {
			cancel()
			<-ctx.Done()
			return Result{}, ctx.Err()
		}}
		ok(t, Run(ctx, db, Options{Settings: Settings{Jobs: []Job{j}}}))
		jobs, err := db.Jobs(t.Context())
		ok(t, err)
		if len(jobs) != 1 || !jobs[0].Ended.IsZero() || jobs[0].Failing != 0 {
			t.Fatalf("%+v", jobs)
		}
		// Whoever looks a minute later does it again.
		if due := j.due(jobs[0]); due.Sub(jobs[0].Started) != brokenOff {
			t.Errorf("due %v after its begin", due.Sub(jobs[0].Started))
		}
	})
}

func TestBehind(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, db *store.Store) {
		ctx := t.Context()
		lease, err := db.Acquire(ctx, "index", "test", time.Minute)
		ok(t, err)
		var batch store.IndexBatch
		for i := range 40 {
			batch.Add = append(batch.Add, store.NewFile{Path: fmt.Sprintf("d%d/f%d", i%2, i), Size: 1, Precision: 1})
		}
		_, err = db.ApplyIndex(ctx, lease, batch)
		ok(t, err)
		ok(t, db.FinishIndex(ctx, lease, store.Origin{URL: "file:///pub", IndexedAt: time.Now()}, store.IndexStats{}))
		all, _, _, err := db.FolderIDs(ctx, "")
		ok(t, err)
		below, _, _, err := db.FolderIDs(ctx, "d1")
		ok(t, err)
		first := func(n int) *roaring.Bitmap {
			b := roaring.New()
			for _, id := range all.ToArray()[:n] {
				b.Add(id)
			}
			return b
		}
		for name, m := range map[string]struct {
			subtree string
			holds   *roaring.Bitmap
		}{
			"all": {"", first(40)}, "nearly": {"", first(37)}, "behind": {"", first(30)}, "partial": {"", first(10)},
			"sub": {"d1", below}, "gone": {"d7", roaring.New()},
		} {
			row := mirror.Mirror{Name: name, HTTP: []string{"http://m.example/"}, Score: 100, Enabled: true, Subtree: m.subtree}
			ok(t, db.CreateMirror(ctx, &row, "test"))
			l, err := db.Acquire(ctx, "scan/"+name, "test", time.Minute)
			ok(t, err)
			_, err = db.CommitScan(ctx, l, store.ScanResult{Mirror: row.ID, Started: time.Now(), Knew: all, Found: m.holds, Who: "test"})
			ok(t, err)
		}
		mirrors, err := db.Mirrors(ctx)
		ok(t, err)
		l := laggards{db: db}
		list, err := l.find(ctx, mirrors)
		ok(t, err)
		var names []string
		for _, m := range mirrors {
			if list[m.ID] {
				names = append(names, m.Name)
			}
		}
		if diff := cmp.Diff([]string{"behind"}, names); diff != "" {
			t.Error(diff)
		}
	})
}
