package filecheck

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

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
