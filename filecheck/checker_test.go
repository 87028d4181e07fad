package filecheck

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// lines counts what a logger wrote.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) count(s string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.b.String(), s)
}

func (l *lines) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

func write(t testing.TB, dir, name string, mode os.FileMode) {
	t.Helper()
	p := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte("12345"), mode); err != nil {
		t.Fatal(err)
	}
	mtime := time.Unix(1_600_000_000, 123456789)
	if err := os.Chtimes(p, mtime, mtime); err != nil {
		t.Fatal(err)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "a/file", 0o644)
	write(t, dir, "a/\xff odd\n", 0o644)
	write(t, dir, "a/private", 0o600)
	if err := os.Symlink("file", filepath.Join(dir, "a/link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("loop", filepath.Join(dir, "a/loop")); err != nil {
		t.Fatal(err)
	}
	c := New(dir, Options{})
	there := Info{State: Regular, Size: 5, MTime: 1_600_000_000_123456789}
	for _, tc := range []struct {
		rel  string
		want Info
	}{
		{"a/file", there},
		{"a/link", there},
		{"a/\xff odd\n", there},
		{"a/private", Info{State: Absent}},
		{"a/loop", Info{State: Absent}},
		{"a", Info{State: Absent}},
		{"a/none", Info{State: Absent}},
		{"a/file/x", Info{State: Absent}},
		{strings.Repeat("n", 300), Info{State: Absent}},
	} {
		if got := c.Check(tc.rel, time.Now()); got != tc.want {
			t.Errorf("%q: got %+v, want %+v", tc.rel, got, tc.want)
		}
	}
}

func TestRootMissing(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "root")
	var log lines
	c := New(dir, Options{MaxAge: time.Millisecond, Logger: log.logger()})
	check := func(want State) {
		t.Helper()
		time.Sleep(2 * time.Millisecond)
		if got := c.Check("file", time.Now()).State; got != want {
			t.Errorf("got state %d, want %d", got, want)
		}
	}
	check(Unknown)
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	check(Unknown) // the mount point of a disk that is not mounted
	write(t, dir, "other", 0o644)
	check(Absent)
	write(t, dir, "file", 0o644)
	check(Regular)
	if n := log.count("missing or empty"); n != 1 {
		t.Errorf("the missing root was logged %d times", n)
	}
	if n := log.count("checked again"); n != 1 {
		t.Errorf("the root's return was logged %d times", n)
	}
}

func TestAgeAndSingleFlight(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	gate := make(chan struct{})
	c := New(t.TempDir(), Options{Timeout: 10 * time.Second, Stat: func(string) (Info, error) {
		calls.Add(1)
		<-gate
		return Info{State: Regular, Size: 7}, nil
	}})
	now := time.Now()
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if got := c.Check("f", now); got.Size != 7 {
				t.Errorf("got %+v", got)
			}
		})
	}
	time.Sleep(20 * time.Millisecond)
	close(gate)
	wg.Wait()
	if n := calls.Load(); n != 1 {
		t.Errorf("%d calls for one path at one time", n)
	}
	c.Check("f", time.Now())
	if n := calls.Load(); n != 1 {
		t.Errorf("asked again within the age: %d calls", n)
	}
	c.Check("f", time.Now().Add(2*time.Second))
	if n := calls.Load(); n != 2 {
		t.Errorf("%d calls after the age", n)
	}
}

func TestHungCalls(t *testing.T) {
	t.Parallel()
	var log lines
	gate := make(chan struct{})
	var stuck atomic.Int32
	c := New(t.TempDir(), Options{
		Timeout: 20 * time.Millisecond, MaxAge: time.Nanosecond, MaxCalls: 16, Logger: log.logger(),
		Stat: func(path string) (Info, error) {
			if strings.Contains(path, "bad") {
				stuck.Add(1)
				<-gate
				stuck.Add(-1)
			}
			return Info{State: Regular}, nil
		},
	})
	if c.Check("bad0/x", time.Now()).State != Unknown {
		t.Fatal("a hung call gave an answer")
	}
	if c.Check("bad0/y", time.Now()).State != Unknown || stuck.Load() != 1 {
		t.Error("a folder with a stuck call was asked again")
	}
	if c.Check("good/x", time.Now()).State != Regular {
		t.Error("another folder suffers")
	}
	before := runtime.NumGoroutine()
	var wg sync.WaitGroup
	for i := range 500 {
		wg.Go(func() { c.Check(fmt.Sprintf("bad%d/x", i), time.Now()) })
	}
	wg.Wait()
	if n := stuck.Load(); n > 16 {
		t.Errorf("%d calls are stuck, 16 allowed", n)
	}
	if n := runtime.NumGoroutine(); n > before+100 {
		t.Errorf("%d goroutines, %d before", n, before)
	}
	close(gate)
	for range 500 {
		if c.stuck.Load() == 0 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if c.Check("bad0/x", time.Now()).State != Regular {
		t.Error("not asked again after the disk came back")
	}
	if n := log.count("does not answer"); n != 1 {
		t.Errorf("the hung disk was logged %d times", n)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "x", 0o644)
	var log lines
	c := New(dir, Options{MaxAge: time.Nanosecond, Logger: log.logger(), Stat: func(string) (Info, error) {
		return Info{}, errors.New("input/output error")
	}})
	for range 3 {
		if got := c.Check("x", time.Now()); got.State != Unknown {
			t.Errorf("got %+v", got)
		}
	}
	if n := log.count("input/output error"); n != 1 {
		t.Errorf("logged %d times", n)
	}
}

func TestClose(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "x", 0o644)
	c := New(dir, Options{MaxAge: time.Nanosecond})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				if got := c.Check("x", time.Now()); got.State != Regular {
					t.Errorf("got %+v", got)
				}
			}
		})
	}
	time.Sleep(time.Millisecond)
	c.Close()
	c.Close()
	wg.Wait()
	for end := time.Now().Add(10 * time.Second); c.workers.Load() > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d workers are left", c.workers.Load())
		}
	}
	if got := c.Check("x", time.Now()); got.State != Regular {
		t.Errorf("after Close: %+v", got)
	}
}

// Paths that share a bucket push each other out and are all answered rightly.
func TestCollision(t *testing.T) {
	t.Parallel()
	c := New(t.TempDir(), Options{Entries: 1, Stat: func(p string) (Info, error) {
		return Info{State: Regular, Size: int64(p[len(p)-1])}, nil
	}})
	var wg sync.WaitGroup
	for name := range strings.SplitSeq("abcdefgh", "") {
		wg.Go(func() {
			for range 500 {
				if got := c.Check(name, time.Now()); got.Size != int64(name[0]) {
					t.Errorf("%s: got %+v", name, got)
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkCheck(b *testing.B) {
	dir := b.TempDir()
	write(b, dir, "a/b/c/file.iso", 0o644)
	b.Run("cached", func(b *testing.B) {
		c := New(dir, Options{})
		b.ReportAllocs()
		for b.Loop() {
			c.Check("a/b/c/file.iso", time.Now())
		}
	})
	b.Run("asked", func(b *testing.B) {
		c := New(dir, Options{MaxAge: 1})
		b.ReportAllocs()
		for b.Loop() {
			c.Check("a/b/c/file.iso", time.Now())
		}
	})
}
