package filecheck

import (
	"os"
	"path/filepath"
	"testing"
)

func TestOpenStat(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	write(t, root, "open/file", 0o644)
	write(t, root, "open/staged", 0o640)
	write(t, root, "closed/file", 0o644)
	write(t, root, "listless/sub/file", 0o644)
	for name, perm := range map[string]os.FileMode{"open/staged": 0o640, "closed": 0o750, "listless": 0o751} {
		if err := os.Chmod(filepath.Join(root, name), perm); err != nil {
			t.Fatal(err)
		}
	}
	stat := OpenStat(root + "/")
	for rel, want := range map[string]State{
		"open/file": Regular, "open": Regular, "open/none": Regular, "open/file/below": Regular, "none": Regular,
		"open/staged": Absent, "closed/file": Absent, "closed/none": Absent, "closed": Absent, "listless/sub/file": Absent,
	} {
		if got, err := stat(root + "/" + rel); err != nil || got.State != want {
			t.Errorf("%s: got %v, %v; want %v", rel, got.State, err, want)
		}
	}
}
