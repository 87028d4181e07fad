package filecheck

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

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
