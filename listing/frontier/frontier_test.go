package frontier

import (
	"runtime"
	"strconv"
	"strings"
	"testing"
)

func TestWalk(t *testing.T) {
	t.Parallel()
	f := New("top")
	top := f.Next()
	for _, name := range []string{"a", "b"} {
		if err := f.Add(top, name); err != nil {
			t.Fatal(err)
		}
	}
	if got := f.Next().Path; got != "top/b" {
		t.Errorf("got %q, want top/b", got)
	}
	if got := f.Next().Path; got != "top/a" {
		t.Errorf("got %q, want top/a", got)
	}
	if f.Next() != nil {
		t.Error("got a folder, want none")
	}
	if f.Found() != 3 {
		t.Errorf("found %d, want 3", f.Found())
	}
}

func TestLoop(t *testing.T) {
	t.Parallel()
	f := New("")
	visited := 0
	for folder := f.Next(); folder != nil; folder = f.Next() {
		visited++
		if folder.Loops(42) {
			continue
		}
		if err := f.Add(folder, "link"); err != nil {
			t.Fatal(err)
		}
	}
	if visited != 3 {
		t.Errorf("visited %d folders, want 3", visited)
	}
}

func TestEmptyFoldersAreNoLoop(t *testing.T) {
	t.Parallel()
	f := New("")
	depth := 0
	var err error
	for folder := f.Next(); folder != nil; folder = f.Next() {
		depth++
		if folder.Loops(0) {
			t.Fatal("empty folder taken for a loop")
		}
		err = f.Add(folder, "d")
	}
	if err == nil || !strings.Contains(err.Error(), "levels deep") {
		t.Errorf("got %v, want the depth limit", err)
	}
	if depth != MaxDepth+1 {
		t.Errorf("went %d levels down, want %d", depth, MaxDepth+1)
	}
}

func TestWaitingFoldersTakeLittleMemory(t *testing.T) { //nolint:paralleltest // it measures the heap
	f := New("")
	long := strings.Repeat("n", 255)
	var above *Folder
	for above = f.Next(); len(above.Path) < 15_000; above = f.Next() {
		if err := f.Add(above, long); err != nil {
			t.Fatal(err)
		}
	}
	before := heap()
	const folders = 20_000
	for i := range folders {
		if err := f.Add(above, strconv.Itoa(i)); err != nil {
			t.Fatal(err)
		}
	}
	if per := (heap() - before) / folders; per > 500 {
		t.Errorf("%d bytes for each waiting folder below a path of %d bytes", per, len(above.Path))
	}
	last := f.Next()
	if want := above.Path + "/" + strconv.Itoa(folders-1); last.Path != want {
		t.Errorf("next is ...%s, want ...%s", last.Path[len(last.Path)-20:], want[len(want)-20:])
	}
	runtime.KeepAlive(f)
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
