package daemon

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// fake is a database and what works on it, in a bubble with a clock of its own.
type fake struct {
	mu      sync.Mutex
	mirrors []mirror.Mirror
	jobs    map[string]store.Job
	away    error
	takes   time.Duration // how long a task takes
	fails   bool
	changes bool // jobs change something
	began   []string
	broken  int // tasks that were broken off
	most    int // full scans at once
	now     int
	log     bytes.Buffer
}

func newFake(mirrors ...mirror.Mirror) *fake {
	return &fake{mirrors: mirrors, jobs: map[string]store.Job{}, takes: time.Second}
}

func (f *fake) look(context.Context) (*world, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.away != nil {
		return nil, f.away
	}
	w := &world{began: time.Now(), indexed: true, mirrors: append([]mirror.Mirror(nil), f.mirrors...), jobs: map[string]store.Job{}}
	maps.Copy(w.jobs, f.jobs)
	return w, nil
}

func (f *fake) do(ctx context.Context, _ *Settings, t task) outcome {
	f.mu.Lock()
	f.began = append(f.began, t.key)
	if t.kind == fullScan {
		f.now++
		f.most = max(f.most, f.now)
	}
	f.mu.Unlock()
	o := outcome{key: t.key}
	began := time.Now()
	select {
	case <-time.After(f.takes):
	case <-ctx.Done():
		f.mu.Lock()
		f.broken++
		f.mu.Unlock()
		return o
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if t.kind == jobRun {
		f.jobs[t.job.Name] = store.Job{Name: t.job.Name, Started: began, Ended: time.Now()}
		o.changed = f.changes
		return o
	}
	f.now--
	for i := range f.mirrors {
		m := &f.mirrors[i]
		if t.scans(m.ID) {
			m.Scan.Attempted = time.Now()
			if f.fails {
				o.failed, o.first = true, m.Scan.Failures == 0
				m.Scan.Failures++
				continue
			}
			o.good = true
			m.Scan.Succeeded, m.Scan.Failures = time.Now(), 0
		}
	}
	return o
}

// count gives how often tasks began whose key begins with prefix.
func (f *fake) count(prefix string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, k := range f.began {
		if strings.HasPrefix(k, prefix) {
			n++
		}
	}
	return n
}

// start runs a loop; the returned function ends it and gives its error.
func (f *fake) start(t *testing.T, o Options) (stop func() error) {
	t.Helper()
	o.Log = slog.New(slog.NewTextHandler(&f.log, nil))
	o = o.withDefaults()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- newLoop(&o, f.look, f.do).run(ctx) }()
	return func() error { cancel(); return <-done }
}

func some(n int) (list []mirror.Mirror) {
	for i := range n {
		list = append(list, mirror.Mirror{ID: mirror.ID(i + 1), Name: fmt.Sprint("m", i+1), Enabled: true})
	}
	return list
}

// TestLoopScansEachInTime has 20 mirrors for a day: each is scanned at the
// begin, and then as often as its interval says, never more than four at once.
func TestLoopScansEachInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake(some(20)...)
		f.mirrors[0].Rules.Interval = time.Hour
		f.takes = time.Minute
		stop := f.start(t, Options{Settings: Settings{Scans: &Scans{}}})
		time.Sleep(24 * time.Hour)
		if err := stop(); err != nil {
			t.Error(err)
		}
		if f.most != 4 {
			t.Errorf("%d mirrors at once", f.most)
		}
		for i := range f.mirrors {
			n, low, high := f.count(fmt.Sprintf("scan/%d/", i+1)), 4, 6
			if i == 0 {
				low, high = 22, 32
			}
			if n < low || n > high {
				t.Errorf("mirror %d was scanned %d times, want %d to %d", i+1, n, low, high)
			}
		}
	})
}

func TestLoopJobs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.changes = true
		stop := f.start(t, Options{Settings: Settings{Jobs: []Job{
			{Name: "index", Interval: 10 * time.Minute},
			{Name: "hash", Interval: 24 * time.Hour, After: "index"},
			{Name: "cleanup", Interval: 24 * time.Hour},
		}}})
		time.Sleep(2*time.Hour + time.Minute)
		f.mu.Lock()
		f.changes = false
		f.mu.Unlock()
		before := f.count("job/hash")
		if n := f.count("job/index"); n < 12 || n > 13 || before < n-1 || before > n+1 || f.count("job/cleanup") != 1 {
			t.Errorf("%d index, %d hash, %d cleanup runs", n, before, f.count("job/cleanup"))
		}
		time.Sleep(2 * time.Hour)
		if n := f.count("job/hash"); n > before+1 {
			t.Errorf("%d hash runs though nothing changed", n-before)
		}
		_ = stop()
	})
}

// TestLoopDatabaseAway has it away for an hour: it is said once, and then all
// goes on.
func TestLoopDatabaseAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake(some(3)...)
		f.away = fmt.Errorf("connecting: %w", store.ErrUnreachable)
		stop := f.start(t, Options{Settings: Settings{Scans: &Scans{}}})
		time.Sleep(time.Hour)
		f.mu.Lock()
		f.away = nil
		f.mu.Unlock()
		time.Sleep(time.Minute)
		if n := f.count("scan/"); n != 3 {
			t.Errorf("%d scans", n)
		}
		_ = stop()
		if n := strings.Count(f.log.String(), "cannot be read"); n != 1 {
			t.Errorf("said %d times:\n%s", n, f.log.String())
		}
	})
}

func TestLoopDrains(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		takes, drain, want time.Duration
		broken             int
	}{
		"they end in time":      {30 * time.Second, time.Minute, 20 * time.Second, 0},
		"they do not":           {time.Hour, time.Minute, time.Minute, 2},
		"they are not waited":   {time.Hour, 0, 0, 2},
		"there is nothing left": {time.Second, time.Minute, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFake(some(5)...)
				f.takes = tt.takes
				stop := f.start(t, Options{Settings: Settings{Scans: &Scans{AtOnce: 2}}, Drain: tt.drain})
				time.Sleep(10 * time.Second)
				began := time.Now()
				if err := stop(); err != nil {
					t.Error(err)
				}
				if took := time.Since(began); took != tt.want || f.broken != tt.broken {
					t.Errorf("took %v, %d broken off", took, f.broken)
				}
				if n := f.count("scan/"); tt.takes > time.Second && n != 2 {
					t.Errorf("%d scans", n)
				}
			})
		})
	}
}

func TestLoopOnce(t *testing.T) {
	t.Parallel()
	for _, fails := range []bool{false, true} {
		t.Run(fmt.Sprint(fails), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFake(some(20)...)
				f.fails = fails
				jobs := []Job{{Name: "a", Interval: time.Hour}, {Name: "index", Interval: time.Hour, Grants: store.WishIndex}}
				o := Options{Settings: Settings{Scans: &Scans{}, Jobs: jobs}, Once: true}.withDefaults()
				err := newLoop(&o, f.look, f.do).run(t.Context())
				if fails != errors.Is(err, ErrSomeFailed) || !fails && err != nil {
					t.Errorf("ended with %v", err)
				}
				if f.began[0] != "job/index" {
					t.Errorf("began with %s", f.began[0])
				}
				if n := f.count("scan/"); n != 20 && !fails || fails && (n < 5 || n > 8) {
					t.Errorf("%d scans", n)
				}
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.away = store.ErrUnreachable
		o := Options{Once: true}.withDefaults()
		if err := newLoop(&o, f.look, f.do).run(t.Context()); !errors.Is(err, store.ErrUnreachable) {
			t.Errorf("without a database: %v", err)
		}
	})
}

// TestLoopDoubts has all mirrors fail at once: after five, scans pause.
func TestLoopDoubts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake(some(100)...)
		f.fails = true
		stop := f.start(t, Options{Settings: Settings{Scans: &Scans{}}})
		time.Sleep(4 * time.Minute)
		if n := f.count("scan/"); n > 8 {
			t.Errorf("%d scans", n)
		}
		f.mu.Lock()
		f.fails = false
		f.mu.Unlock()
		time.Sleep(15 * time.Minute)
		if n := f.count("scan/"); n < 100 {
			t.Errorf("%d scans after the network was mended", n)
		}
		_ = stop()
	})
}

func TestLoopReload(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake(some(1)...)
		signals := make(chan os.Signal)
		var bad error
		stop := f.start(t, Options{
			Settings: Settings{Scans: &Scans{Interval: time.Hour}}, Reloads: signals,
			Reload: func() (Settings, error) { return Settings{Scans: &Scans{Interval: time.Minute}}, bad },
		})
		bad = errors.New("line 3 is wrong")
		signals <- syscall.SIGHUP
		time.Sleep(30 * time.Minute)
		if n := f.count("scan/"); n != 1 || !strings.Contains(f.log.String(), "line 3 is wrong") {
			t.Errorf("%d scans; %s", n, f.log.String())
		}
		synctest.Wait()
		bad = nil
		signals <- syscall.SIGHUP
		time.Sleep(30 * time.Minute)
		if n := f.count("scan/"); n < 25 {
			t.Errorf("%d scans after the reload", n)
		}
		_ = stop()
	})
}

// TestLoopWatchdog holds that a database that neither answers nor fails keeps
// the service manager from being told that all is well.
func TestLoopWatchdog(t *testing.T) {
	address := t.TempDir() + "/notify"
	conn := manager(t, address)
	t.Setenv("NOTIFY_SOCKET", address)
	t.Setenv("WATCHDOG_USEC", "200000")
	f := newFake(some(3)...)
	f.takes = time.Minute
	o := Options{Settings: Settings{Scans: &Scans{}}, Unit: NewUnit()}.withDefaults()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	l := newLoop(&o, f.look, f.do)
	go func() { done <- l.run(ctx) }()
	heard := map[string]bool{}
	for !heard["READY=1"] || !heard["WATCHDOG=1"] || !heard["STATUS=scanning 3 mirrors"] {
		heard[hear(t, conn)] = true
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	for said := ""; said != "STOPPING=1"; {
		said = hear(t, conn)
	}
	l.heard = time.Now().Add(-2 * stuck)
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
	for {
		if _, err := conn.Read(make([]byte, 100)); err != nil {
			break // nothing is left of the above
		}
	}
	l.tell()
	l.o.Unit.Ready()
	for said := ""; said != "READY=1"; {
		if said = hear(t, conn); said == "WATCHDOG=1" {
			t.Error("says that it lives though the database is stuck")
		}
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	s := Settings{Scans: &Scans{}, Jobs: []Job{{Name: "index", Interval: 10 * time.Minute}}}.withDefaults()
	l := &loop{s: s}
	if got := l.status(""); got != "waiting for the database" {
		t.Error(got)
	}
	now := time.Now()
	m := mirror.Mirror{ID: 1, Enabled: true, Scan: mirror.ScanState{Attempted: now}}
	l.see = &world{indexed: true, mirrors: []mirror.Mirror{m}, jobs: map[string]store.Job{"index": {Started: now, Ended: now}}}
	if got := l.status(""); !strings.HasPrefix(got, "next index in 9 min, next scan in ") {
		t.Error(got)
	}
	l.running = map[string]task{"a": {kind: fullScan}, "b": {kind: folderScan}}
	l.away = "away"
	if got := l.status("ending: "); got != "ending: the database cannot be read, scanning 1 mirror, scanning 1 folder" {
		t.Error(got)
	}
}

// A mirror that asks for one folder after the other, and dawdles in all of them,
// has one of the places for folders.
func TestFoldersOfOneMirrorTakeTurns(t *testing.T) {
	t.Parallel()
	now := time.Now()
	wish := func(id int64, folder string) store.Wish {
		return store.Wish{ID: id, Kind: store.WishScan, Mirror: mirror.ID(id % 10), Subtree: folder, At: now, Due: now.Add(-time.Minute)}
	}
	o := &Options{Settings: Settings{Scans: &Scans{}}.withDefaults()}
	l := newLoop(o, nil, nil)
	l.see = &world{
		indexed: true,
		mirrors: []mirror.Mirror{
			{ID: 1, Enabled: true, Scan: mirror.ScanState{Succeeded: now, Attempted: now}},
			{ID: 2, Enabled: true, Scan: mirror.ScanState{Succeeded: now, Attempted: now}},
		},
		wishes: []store.Wish{wish(1, "a"), wish(11, "b"), wish(21, "c"), wish(2, "d"), wish(12, "c")},
	}
	l.running["folder/a"] = task{kind: folderScan, key: "folder/a", mirrors: l.see.mirrors[:1]}
	var keys []string
	for _, t := range l.due(now) {
		keys = append(keys, t.key)
	}
	if got := strings.Join(keys, " "); got != "folder/c folder/d" {
		t.Errorf("due: %s", got)
	}
}
