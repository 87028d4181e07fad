package frontier

import (
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
