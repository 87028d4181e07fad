package filecheck

import (
	"sync/atomic"
	"time"
)

// worker makes calls, one after the other.
type worker struct {
	now atomic.Pointer[entry] // nil: none
}

// hire adds a worker to those that are watched.
func (c *Checker) hire() *worker {
	w := new(worker)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.crew = append(c.crew, w)
	return w
}

// work makes the call for e, and for those that come after it.
func (c *Checker) work(w *worker, e *entry) {
	defer c.dismiss(w)
	for {
		w.now.Store(e)
		c.run(e)
		w.now.Store(nil)
		select {
		case e = <-c.jobs:
		case <-c.quit:
			return
		}
	}
}

func (c *Checker) dismiss(w *worker) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.crew {
		if c.crew[i] == w {
			c.crew = append(c.crew[:i], c.crew[i+1:]...)
			break
		}
	}
	c.workers.Add(-1)
}

// Close lets the workers go; those that are stuck follow when their calls
// return. The checker can still be used, at a higher cost.
func (c *Checker) Close() {
	c.closing.Do(func() {
		close(c.quit)
		c.changes.close()
	})
}

// watch gives up calls that take too long. It ends when there have been none for
// a while.
func (c *Checker) watch() {
	tick := time.NewTicker(max(c.o.Timeout/4, time.Millisecond))
	defer tick.Stop()
	for idle := 0; ; {
		<-tick.C
		if c.pending.Load() > 0 {
			idle = 0
			c.giveUp(int64(time.Since(c.start)) - int64(c.o.Timeout))
			continue
		}
		if idle++; idle < 8 {
			continue
		}
		c.watching.Store(false)
		// Either this sees a call that began meanwhile, or the call sees that nobody
		// is watching.
		if c.pending.Load() == 0 || !c.watching.CompareAndSwap(false, true) {
			return
		}
		idle = 0
	}
}
