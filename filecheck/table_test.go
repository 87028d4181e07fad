package filecheck

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"unsafe"
)

func TestBucketIsACacheLine(t *testing.T) {
	t.Parallel()
	if n := unsafe.Sizeof(bucket{}); n != 64 {
		t.Errorf("a bucket has %d bytes", n)
	}
}

func TestTableKeepsLargeTrees(t *testing.T) { //nolint:paralleltest // it measures the heap
	const root, most = "/srv/mirror/", 1 << 14 // a sixteenth of what is kept by default
	for n, want := range map[int]float64{1000: 0.99, 6000: 0.97, 40_000: 0.3} {
		var tab table
		before := heap()
		tab.init(most, root)
		path := func(i int) string { return fmt.Sprintf("project/releases/d%05d/file-%07d.tar.gz", i/1000, i) }
		for range 2 { // with growth, some are asked for again
			for i := range n {
				rel := path(i)
				if hash := tab.seed.hash(rel); tab.find(rel, hash) == nil {
					tab.put(hash, &entry{path: root + rel, asked: int64(i + 1)}, nil)
				}
			}
		}
		if grown := heap() - before; grown > 4<<20 {
			t.Errorf("%d paths take %d MiB", n, grown>>20)
		}
		found := 0
		for i := range n {
			rel := path(i)
			if e := tab.find(rel, tab.seed.hash(rel)); e != nil {
				found++
				if !strings.HasSuffix(e.path, rel) {
					t.Fatalf("%s is %s", rel, e.path)
				}
			}
		}
		if part := float64(found) / float64(n); part < want {
			t.Errorf("%.3f of %d paths are kept, want %v", part, n, want)
		}
		runtime.KeepAlive(&tab)
	}
}
