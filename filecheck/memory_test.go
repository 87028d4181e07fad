package filecheck

import (
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Paths come as pieces of request lines, which clients make as long as they
// like.
func TestAnswersDoNotKeepRequestLines(t *testing.T) { //nolint:paralleltest // it measures the heap
	c := New(t.TempDir(), Options{Stat: func(string) (Info, error) { return Info{State: Regular}, nil }})
	before := heap()
	const requests = 200
	for i := range requests {
		line := strings.Clone("f" + strconv.Itoa(i) + "?" + strings.Repeat("q", 1<<20))
		path, _, _ := strings.Cut(line, "?")
		c.Check(path, time.Now())
	}
	if after := heap(); after > before+requests<<20/10 {
		t.Errorf("%d requests left %d KiB behind", requests, (after-before)>>10)
	}
	runtime.KeepAlive(c)
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
