package mirrortest

import (
	"runtime"
	"testing"
	"time"
)

// Heap is how many bytes are in use after a collection.
func Heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// WatchHeap looks at the heap now and then, until the function that it returns is
// called: that fails the test when the heap grew by more than mib MiB.
func WatchHeap(t testing.TB) (end func(what string, mib int64)) {
	t.Helper()
	before := int64(Heap())
	stop, most := make(chan struct{}), make(chan int64)
	go func() {
		top := before
		for {
			select {
			case <-stop:
				most <- max(top, int64(Heap()))
				return
			case <-time.After(200 * time.Millisecond):
			}
			top = max(top, int64(Heap()))
		}
	}()
	return func(what string, mib int64) {
		t.Helper()
		close(stop)
		grown := (<-most - before) >> 20
		t.Logf("%s: %d MiB", what, grown)
		if grown > mib {
			t.Errorf("%s: %d MiB, more than %d", what, grown, mib)
		}
	}
}
