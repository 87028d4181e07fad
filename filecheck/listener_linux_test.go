package filecheck

import (
	"errors"
	"os"
	"sync/atomic"
	"testing"
	"time"
)

// listeners keeps the tests that run at one time below maxInstances.
var listeners = make(chan struct{}, maxInstances/2)

// localDir is a folder for a test on a file system that tells of changes, which
// in a container the one of temporary files may not do.
func localDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if is, err := localityOf(dir); err == nil && is == local {
		return dir
	}
	dir, err := os.MkdirTemp("/dev/shm", "filecheck")
	if err != nil {
		t.Fatalf("neither the folder for temporary files nor /dev/shm is on a local file system: %v", err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// listener is a checker whose calls are counted. That others mount something,
// other tests for example, is news for all of them, so that an answer may be let
// go at any time.
type listener struct {
	*Checker
	t     *testing.T
	calls atomic.Int32
}

func overhear(t *testing.T, root string) *listener {
	t.Helper()
	listeners <- struct{}{}
	l := &listener{Checker: New(root, Options{Timeout: 10 * time.Second}), t: t}
	inner := l.look
	l.look = func(path string) (Info, bool, error) {
		l.calls.Add(1)
		return inner(path)
	}
	t.Cleanup(func() {
		l.Close()
		<-listeners
	})
	return l
}

// late asks as if MaxAge had gone by: what is held is answered without a call.
func (l *listener) late(rel string) Info {
	return l.Check(rel, time.Now().Add(2*l.o.MaxAge))
}

// held reports whether an answer is given without a call.
func (l *listener) held(rel string) bool {
	l.late(rel)
	before := l.calls.Load()
	l.late(rel)
	return l.calls.Load() == before
}

// settle waits until nothing is on its way to the listener any more.
func (l *listener) settle(rel ...string) {
	l.t.Helper()
	for _, rel := range rel {
		l.until(rel+" is held", func() bool { return l.held(rel) })
	}
	time.Sleep(2 * pace)
	for _, rel := range rel {
		l.until(rel+" is held", func() bool { return l.held(rel) })
	}
}

// until fails the test when something is not so within the second that the
// documentation promises.
func (l *listener) until(what string, so func() bool) {
	l.t.Helper()
	for end := time.Now().Add(time.Second); !so(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			l.t.Fatalf("not within a second: %s", what)
		}
	}
}

// must fails the test if one of the steps of preparing it did.
func must(t testing.TB, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}
