package filecheck

import (
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/filecheck/fusetest"
)

func TestHungDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "a/file", 0o644)
	write(t, dir, "b/file", 0o644)
	disk := fusetest.Mount(t, dir)
	var log lines
	c := New(disk.Dir, Options{MaxAge: time.Nanosecond, Logger: log.logger()})
	if got := c.Check("a/file", time.Now()); got.State != Regular || got.Size != 5 {
		t.Fatalf("got %+v through FUSE", got)
	}
	disk.Hang()
	start := time.Now()
	for range 100 {
		for _, p := range []string{"a/file", "b/file", "c"} {
			if got := c.Check(p, time.Now()); got.State != Unknown {
				t.Fatalf("%s: got %+v from a disk that hangs", p, got)
			}
		}
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("300 checks of a hung disk took %s", d)
	}
	disk.Answer()
	deadline := time.Now().Add(10 * time.Second)
	for c.Check("a/file", time.Now()).State != Regular {
		if time.Now().After(deadline) {
			t.Fatal("not checked again after the disk came back")
		}
		time.Sleep(5 * time.Millisecond)
	}
	if n := log.count("does not answer"); n != 1 {
		t.Errorf("the hung disk was logged %d times", n)
	}
}
