package filecheck

import (
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/filecheck/fusetest"
)

func TestHungDisk(t *testing.T) {
	t.Parallel()
	for name, age := range map[string]time.Duration{"asked each time": time.Nanosecond, "told of changes": time.Second} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testHungDisk(t, age)
		})
	}
}

func testHungDisk(t *testing.T, age time.Duration) {
	dir := t.TempDir()
	write(t, dir, "a/file", 0o644)
	write(t, dir, "b/file", 0o644)
	disk := fusetest.Mount(t, dir)
	var log lines
	c := New(disk.Dir, Options{MaxAge: age, Logger: log.logger()})
	t.Cleanup(c.Close)
	check := func(path string) Info { // as if age had gone by: what a file server says is never held
		return c.Check(path, time.Now().Add(2*age))
	}
	if got := check("a/file"); got.State != Regular || got.Size != 5 {
		t.Fatalf("got %+v through FUSE", got)
	}
	disk.Hang()
	start := time.Now()
	for range 100 {
		for _, p := range []string{"a/file", "b/file", "c"} {
			if got := check(p); got.State != Unknown {
				t.Fatalf("%s: got %+v from a disk that hangs", p, got)
			}
		}
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("300 checks of a hung disk took %s", d)
	}
	disk.Answer()
	deadline := time.Now().Add(10 * time.Second)
	for check("a/file").State != Regular {
		if time.Now().After(deadline) {
			t.Fatal("not checked again after the disk came back")
		}
		time.Sleep(5 * time.Millisecond)
	}
	if n := log.count("does not answer"); n != 1 {
		t.Errorf("the hung disk was logged %d times", n)
	}
}
