package filecheck

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
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

func TestChangesAreHeard(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		rel    string // "": a/b/file
		change func(root string) error
		want   State
		size   int64
	}{
		"appended": {change: func(r string) error { return appendTo(r + "/a/b/file") }, want: Regular, size: 6},
		"written in place": {change: func(r string) error {
			f, err := os.OpenFile(r+"/a/b/file", os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			_, err = f.WriteAt([]byte("x"), 0)
			return errors.Join(err, f.Close())
		}, want: Regular, size: 5},
		"truncated": {change: func(r string) error { return os.Truncate(r+"/a/b/file", 3) }, want: Regular, size: 3},
		"touched":   {change: func(r string) error { return os.Chtimes(r+"/a/b/file", time.Now(), time.Now()) }, want: Regular, size: 5},
		"closed":    {change: func(r string) error { return os.Chmod(r+"/a/b/file", 0o640) }, want: Absent},
		"removed":   {change: func(r string) error { return os.Remove(r + "/a/b/file") }, want: Absent},
		"replaced":  {change: func(r string) error { return os.Rename(r+"/other", r+"/a/b/file") }, want: Regular, size: 7},
		"moved":     {change: func(r string) error { return os.Rename(r+"/a/b/file", r+"/a/b/elsewhere") }, want: Absent},
		"exchanged": {change: func(r string) error {
			return unix.Renameat2(unix.AT_FDCWD, r+"/other", unix.AT_FDCWD, r+"/a/b/file", unix.RENAME_EXCHANGE)
		}, want: Regular, size: 7},
		"now a folder": {change: func(r string) error {
			return errors.Join(os.Remove(r+"/a/b/file"), os.Mkdir(r+"/a/b/file", 0o755))
		}, want: Absent},
		"now a link": {change: func(r string) error {
			return errors.Join(os.Symlink("../../other", r+"/new"), os.Rename(r+"/new", r+"/a/b/file"))
		}, want: Absent}, // it leads nowhere: the tests' roots are not in /
		"mapped and written": {change: func(r string) error { return writeMapped(r + "/a/b/file") }, want: Regular, size: 5},
		"folder removed":     {change: func(r string) error { return os.RemoveAll(r + "/a/b") }, want: Absent},
		"folder replaced":    {change: func(r string) error { return swap(r+"/a/b", r+"/twin/b") }, want: Regular, size: 9},
		"folder above replaced": {change: func(r string) error {
			return swap(r+"/a", r+"/twin")
		}, want: Regular, size: 9},
		"root replaced": {change: func(r string) error { return swap(r, r+".twin") }, want: Regular, size: 8},
		"folder above the root replaced": {change: func(r string) error {
			return swap(filepath.Dir(r), filepath.Dir(filepath.Dir(r))+"/twin")
		}, want: Regular, size: 4},
		"link to the folder replaced": {rel: "link/file", change: func(r string) error {
			return errors.Join(os.Symlink("twin/b", r+"/new"), os.Rename(r+"/new", r+"/link"))
		}, want: Regular, size: 9},
		"link removed":       {rel: "link/file", change: func(r string) error { return os.Remove(r + "/link") }, want: Absent},
		"behind a link":      {rel: "link/file", change: func(r string) error { return appendTo(r + "/a/b/file") }, want: Regular, size: 6},
		"moved behind links": {rel: "far/file", change: func(r string) error { return swap(r+"/a", r+"/twin") }, want: Regular, size: 9},
		"folder is now a link": {change: func(r string) error {
			return errors.Join(os.Rename(r+"/a", r+"/old"), os.Symlink("twin", r+"/a"))
		}, want: Regular, size: 9},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := filepath.Join(localDir(t), "srv", "root")
			plant(t, root)
			l := overhear(t, root)
			rel := tc.rel
			if rel == "" {
				rel = "a/b/file"
			}
			l.settle(rel)
			was := l.late(rel)
			must(t, tc.change(root))
			now, _, err := look(filepath.Join(root, rel))
			if err != nil || now == was || now.State != tc.want && name != "now a link" || tc.size != 0 && now.Size != tc.size {
				t.Fatalf("the change made %+v of %+v: %v", now, was, err)
			}
			l.until(fmt.Sprintf("%+v, got %+v", now, l.late(rel)), func() bool { return l.late(rel) == now })
		})
	}
}

// plant makes what the changes are made to.
func plant(t *testing.T, root string) {
	t.Helper()
	above := filepath.Dir(root)
	for path, size := range map[string]int{
		root + "/a/b/file": 5, root + "/other": 7, root + "/twin/b/file": 9, root + ".twin/a/b/file": 8,
		filepath.Dir(above) + "/twin/root/a/b/file": 4,
	} {
		must(t, os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, make([]byte, size), 0o644))
		old := time.Unix(1_600_000_000, 0)
		must(t, os.Chtimes(path, old, old))
	}
	must(t, os.Symlink(".//a/../a/b", root+"/link"), os.Symlink(root+"/link", root+"/far"))
}

func appendTo(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString("x")
	return errors.Join(err, f.Close())
}

func writeMapped(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	m, err := syscall.Mmap(int(f.Fd()), 0, 5, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err == nil {
		m[0] = 'x'
		err = errors.Join(unix.Msync(m, unix.MS_SYNC), syscall.Munmap(m))
	}
	return errors.Join(err, f.Close())
}

// swap puts one folder in another's place.
func swap(place, other string) error {
	return errors.Join(os.Rename(place, place+".old"), os.Rename(other, place))
}

func TestWhatIsHeld(t *testing.T) {
	t.Parallel()
	root := filepath.Join(localDir(t), "srv", "root")
	plant(t, root)
	must(t,
		os.Symlink("a/b/file", root+"/file"),
		os.WriteFile(root+"/one", nil, 0o644), os.Link(root+"/one", root+"/two"),
		os.Mkdir(root+"/open", 0o755), os.WriteFile(root+"/open/file", nil, 0o644),
		os.Symlink("round", root+"/round"),
		os.Symlink(root, root+".link"))
	l := overhear(t, root)
	for rel, want := range map[string]bool{
		"a/b/file": true, "other": true, "link/file": true, "far/file": true,
		"file": false, "one": false, "a/b/none": false, "none/file": false, "round/file": false,
	} {
		if want {
			l.settle(rel)
		} else if l.held(rel) {
			t.Errorf("%s is held", rel)
		}
	}
	through := overhear(t, root+".link")
	through.settle("a/b/file")
	must(t, os.Remove(root+".link"), os.Symlink(root+".twin", root+".link"))
	through.until("the other root's file", func() bool { return through.late("a/b/file").Size == 8 })

	// A folder that closes: what a process that is not root is told is another.
	l.settle("open/file")
	before := l.calls.Load()
	must(t, os.Chmod(root+"/open", 0o700))
	l.until("looked at again", func() bool { l.late("open/file"); return l.calls.Load() > before })

	// Even what nothing is heard of is looked at again in the end.
	l.settle("a/b/file")
	before = l.calls.Load()
	if l.Check("a/b/file", time.Now().Add(maxHold+time.Second)); l.calls.Load() == before {
		t.Error("an answer is held for ever")
	}
}

// A checker with a MaxAge below what news take relies on none.
func TestImpatient(t *testing.T) {
	t.Parallel()
	if c := New(t.TempDir(), Options{MaxAge: minHold - 1}); c.changes != nil {
		t.Error("an impatient checker waits for news")
	}
}

func TestLostNews(t *testing.T) {
	t.Parallel()
	root := localDir(t)
	write(t, root, "a/file", 0o644)
	l := overhear(t, root)
	l.settle("a/file")
	before := l.calls.Load()
	lost := make([]byte, syscall.SizeofInotifyEvent)
	binary.NativeEndian.PutUint32(lost, 1<<32-1)
	binary.NativeEndian.PutUint32(lost[4:], syscall.IN_Q_OVERFLOW)
	l.changes.news(lost)
	if l.late("a/file"); l.calls.Load() == before {
		t.Error("an answer is held although news were lost")
	}
	l.settle("a/file")
}

func TestWatchLimit(t *testing.T) {
	t.Parallel()
	root := localDir(t)
	for i := range 50 {
		write(t, root, fmt.Sprintf("d%d/file", i), 0o644)
	}
	l := overhear(t, root)
	l.settle("d0/file")
	c := l.changes
	c.mu.Lock()
	c.limit = 10 // folders; of watches, other tests have some too
	c.mu.Unlock()
	all := func() (held int) {
		for i := range 50 {
			rel := fmt.Sprintf("d%d/file", i)
			if l.held(rel) {
				held++
			}
			if got := l.late(rel); got.Size != 5 {
				t.Errorf("%s: %+v", rel, got)
			}
		}
		return held
	}
	l.settle("d0/file")
	if n := all(); n > 10 {
		t.Errorf("%d folders are held, 10 allowed", n)
	}
	c.mu.Lock()
	n := len(c.dirs)
	c.limit = maxWatches
	c.start = c.start.Add(-maxHold - time.Hour) // all of that was long ago
	c.mu.Unlock()
	if n > 10 {
		t.Errorf("%d folders are known", n)
	}
	c.mu.Lock()
	old := c.evict(time.Since(c.start))
	c.mu.Unlock()
	c.unwatch(old)
	c.mu.Lock()
	left, dirs := len(c.nodes), len(c.dirs)
	c.until = 0
	c.mu.Unlock()
	if left+dirs != 0 {
		t.Errorf("%d folders and %d watches are left", dirs, left)
	}
	l.until("all folders are held", func() bool { return all() == 50 })
}

func TestMount(t *testing.T) {
	t.Parallel()
	root := localDir(t)
	write(t, root, "a/b/file", 0o644)
	l := overhear(t, root)
	l.settle("a/b/file")
	if err := syscall.Mount("filecheck", root+"/a", "tmpfs", 0, ""); err != nil {
		t.Skipf("mounting takes root: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(root+"/a", syscall.MNT_DETACH) })
	l.until("hidden by what is mounted over it", func() bool { return l.late("a/b/file").State == Absent })
	write(t, root, "a/b/file", 0o644)
	must(t, appendTo(root+"/a/b/file"))
	l.until("the file in the mounted file system", func() bool { return l.late("a/b/file").Size == 6 })
	must(t, syscall.Unmount(root+"/a", 0))
	l.until("the file from before", func() bool { return l.late("a/b/file").Size == 5 })
}

func TestClosedIsDeaf(t *testing.T) {
	t.Parallel()
	root := localDir(t)
	write(t, root, "file", 0o644)
	l := overhear(t, root)
	l.settle("file")
	l.Close()
	if l.held("file") {
		t.Error("held by a checker that hears nothing")
	}
	unused := overhear(t, root)
	unused.Close()
	if unused.held("file") {
		t.Error("held by a checker that never heard anything")
	}
}

// Whatever is done to a tree while it is asked for, the answers are right within
// a second.
func TestRandomChanges(t *testing.T) {
	t.Parallel()
	root := filepath.Join(localDir(t), "root")
	paths := []string{}
	for _, d := range []string{"a", "a/b", "c", "c/b", "l", "l/b"} {
		for _, f := range []string{"f", "g"} {
			paths = append(paths, d+"/"+f)
		}
	}
	must(t, os.MkdirAll(root+"/a/b", 0o755), os.MkdirAll(root+"/c/b", 0o755), os.Symlink("a", root+"/l"))
	l := overhear(t, root)
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					l.late(paths[rand.IntN(len(paths))])
					time.Sleep(100 * time.Microsecond)
				}
			}
		})
	}
	defer readers.Wait()
	defer close(stop)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	for range 60 {
		for range 1 + r.IntN(6) {
			change(r, root, root+"/"+paths[r.IntN(len(paths))])
		}
		for _, rel := range paths {
			want, _, err := look(root + "/" + rel)
			must(t, err)
			l.until(fmt.Sprintf("%s is %+v", rel, want), func() bool { return l.late(rel) == want })
		}
	}
}

// change does something to a file or its surroundings; that it fails now and then
// does not matter.
func change(r *rand.Rand, root, path string) {
	dir := filepath.Dir(path)
	switch r.IntN(10) {
	case 0, 1, 2:
		_ = os.WriteFile(path, make([]byte, r.IntN(100)), 0o644)
	case 3:
		_ = os.WriteFile(root+"/new", make([]byte, r.IntN(100)), 0o644)
		_ = os.Rename(root+"/new", path)
	case 4:
		_ = os.Remove(path)
	case 5:
		_ = os.Chmod(path, os.FileMode(0o640+r.IntN(2)*4))
	case 6:
		_ = unix.Renameat2(unix.AT_FDCWD, root+"/a", unix.AT_FDCWD, root+"/c", unix.RENAME_EXCHANGE)
	case 7:
		_ = os.Symlink([]string{"a", "c", "a/b", "l"}[r.IntN(4)], root+"/new-link")
		_ = os.Rename(root+"/new-link", root+"/l")
	case 8:
		_ = os.RemoveAll(dir)
		_ = os.MkdirAll(dir, 0o755)
	case 9:
		_ = os.Rename(path, dir+"/g")
	}
}
