package filecheck

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

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
