//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package store

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// Another process must see that this one uses the database, however many
// connections come and go here: else it takes the write-ahead log for its own,
// and what it then writes is not seen here any more.
func TestSQLiteLocksStay(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	s := open(t, sqliteURL(path))
	for range 3 {
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if err := s.Read(t.Context(), func(*Snapshot) error {
					time.Sleep(20 * time.Millisecond) // so that each has a connection of its own
					return nil
				}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for _, file := range []string{path, path + "-shm"} {
			if !lockedByOther(t, file) {
				t.Fatalf("no lock is held on %s while it is open", filepath.Base(file))
			}
		}
	}
}

const lockProbe = "MIRRORBRAIN_TEST_LOCK_PROBE"

// lockedByOther asks in a process of its own whether another one has a lock on
// a file.
func lockedByOther(t *testing.T, file string) bool {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestLockProbe$", "-test.v")
	cmd.Env = append(os.Environ(), lockProbe+"="+file)
	out := string(must[[]byte](t)(cmd.CombinedOutput()))
	if !strings.Contains(out, "locked: ") {
		t.Fatal(out)
	}
	return strings.Contains(out, "locked: true")
}

func TestLockProbe(t *testing.T) {
	file := os.Getenv(lockProbe)
	if file == "" {
		t.Skip("for TestSQLiteLocksStay alone")
	}
	f := must[*os.File](t)(os.OpenFile(file, os.O_RDWR, 0))
	defer f.Close()
	l := syscall.Flock_t{Type: syscall.F_WRLCK}
	ok(t, syscall.FcntlFlock(f.Fd(), syscall.F_GETLK, &l))
	t.Logf("locked: %v", l.Type != syscall.F_UNLCK)
}

// A backup that is put in the file's place is what is read from then on.
func TestSQLiteFileReplaced(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, other := filepath.Join(dir, "test.db"), filepath.Join(dir, "other.db")
	o := open(t, sqliteURL(other))
	newMirror(t, o, "restored")
	want := must[Head](t)(o.Head(t.Context()))
	ok(t, o.Close())

	s := open(t, sqliteURL(path))
	newMirror(t, s, "lost")
	for range 3 { // for the watching connection, and those in the pool
		s.Wait(t.Context(), 50*time.Millisecond)
		must[Head](t)(s.Head(t.Context()))
	}
	for _, suffix := range []string{"-wal", "-shm", ""} {
		ok(t, os.Remove(path+suffix))
	}
	if _, err := s.Head(t.Context()); err != nil {
		t.Logf("between the files: %v", err)
	}
	for _, suffix := range []string{"-wal", ""} {
		ok(t, os.Rename(other+suffix, path+suffix))
	}
	if got := must[Head](t)(s.Head(t.Context())); got != want {
		t.Errorf("head %v, want the restored file's %v", got, want)
	}
	must[mirror.Mirror](t)(s.Mirror(t.Context(), "restored"))
	newMirror(t, s, "new") // and it is written to
	ok(t, s.Close())
	if all := must[[]mirror.Mirror](t)(open(t, sqliteURL(path)).Mirrors(t.Context())); len(all) != 2 {
		t.Errorf("the restored file has %d mirrors, not 2", len(all))
	}
}
