package filecheck

import (
	"os"
	"strings"
)

// giveUp lets nobody wait any longer for the calls that began before a time.
func (c *Checker) giveUp(before int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, w := range c.crew {
		e := w.now.Load()
		if e == nil || e.asked > before || !e.state.CompareAndSwap(pending, late) {
			continue
		}
		c.where[e] = folder(e.path[len(c.root):])
		c.stuck.Add(1)
		c.pending.Add(-1)
		e.ended.Done()
		if c.trouble() {
			c.o.Logger.Warn("the disk does not answer, the index is trusted instead", "path", e.path, "waited", c.o.Timeout)
		}
	}
}

// back notes that a call that was given up has returned after all.
func (c *Checker) back(e *entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.where[e]; ok {
		delete(c.where, e)
		c.stuck.Add(-1)
	}
}

// avoid reports whether asking for rel would probably get stuck too: a call in
// its folder or in one above is stuck, or so many are that it must be the disk.
func (c *Checker) avoid(rel string) bool {
	if c.stuck.Load() >= stuckLimit {
		return true
	}
	dir := folder(rel)
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range c.where {
		if dir == f || strings.HasPrefix(dir, f) {
			return true
		}
	}
	return false
}

// folder gives the folder part of a path with its last slash; "" is the root.
func folder(rel string) string { return rel[:strings.LastIndexByte(rel, '/')+1] }

// trouble reports whether this is the beginning of trouble, which is logged; what
// follows until the disk answers again is the same trouble.
func (c *Checker) trouble() bool { return c.warned.CompareAndSwap(false, true) }

// hasEntry reports whether dir is a folder that is not empty. The mount point
// of a disk that is not mounted is an empty folder.
func hasEntry(dir string) bool {
	f, err := os.Open(dir)
	if err != nil {
		return false
	}
	defer f.Close()
	names, _ := f.Readdirnames(1)
	return len(names) > 0
}
