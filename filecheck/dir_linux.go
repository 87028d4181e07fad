package filecheck

import (
	"errors"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// dir is a folder by the path that its files are asked for with.
type dir struct {
	struck atomic.Uint32 // raised when something happened on the way to it

	// The following belongs to changes.mu.
	way    []*node // to it, from the file system's root; the last is the folder itself
	proved bool    // that way is complete
	at     uint32  // of struck, before that was proved
	busy   bool    // it is being proved
	used   time.Duration
	retry  time.Duration // after a failure: not before. As used, since changes.start
}

// pause after a failure before a folder is tried again, and after the limit was
// reached before new ones are.
const pause = 10 * time.Second

// hold makes sure that news of a file will be heard, and gives what they would
// change. The zero value says that none will be heard. It may hang.
func (c *changes) hold(path string) hold {
	if c == nil {
		return hold{}
	}
	c.begun.Do(c.begin)
	cut := strings.LastIndexByte(path, '/')
	now := time.Since(c.start)
	d, old, prove := c.dir(path[:cut], now)
	c.unwatch(old)
	if d == nil {
		return hold{}
	}
	if prove && !c.prove(d, path[:cut], now) {
		return hold{}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !d.proved || d.at != d.struck.Load() {
		return hold{}
	}
	name := d.way[len(d.way)-1].counter(c.names, path[cut+1:])
	return hold{way: &d.struck, wayAt: d.at, name: name, nameAt: name.Load()}
}

// dir gives a folder, nil where there is nothing to hope for, and whether the
// caller is to prove it. The nodes in old are to be unwatched.
func (c *changes) dir(folder string, now time.Duration) (d *dir, old []*node, prove bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.events == nil {
		return nil, nil, false
	}
	d = c.dirs[folder]
	if d == nil {
		if now < c.until {
			return nil, nil, false
		}
		if len(c.dirs) >= int(c.limit) || watches.Load() >= c.limit {
			if old = c.evict(now); len(c.dirs) >= int(c.limit) || watches.Load() >= c.limit {
				c.full(now, nil)
				return nil, old, false
			}
		}
		d = new(dir)
		c.dirs[strings.Clone(folder)] = d
	}
	d.used = now
	prove = !d.busy && now >= d.retry && (!d.proved || d.at != d.struck.Load())
	d.busy = d.busy || prove
	return d, old, prove
}

// evict drops the folders that no answer holds to any more. Their nodes that
// nobody else needs are returned.
func (c *changes) evict(now time.Duration) (old []*node) {
	for folder, d := range c.dirs {
		if !d.busy && now-d.used > maxHold {
			delete(c.dirs, folder)
			old = append(old, c.release(d.way)...)
			d.struck.Add(1)
		}
	}
	return old
}

// full stops taking in folders for a while.
func (c *changes) full(now time.Duration, err error) {
	c.until = now + pause
	if !c.told {
		c.told = true
		c.log.Debug("too many folders to be told of changes in all, files in others are looked at more often", "watches", watches.Load(), "err", err)
	}
}

// release gives up the references of a way, and returns the nodes without any.
func (c *changes) release(way []*node) (old []*node) {
	for _, n := range way {
		if n.refs--; n.refs == 0 {
			c.forget(n)
			old = append(old, n)
		}
	}
	return old
}

// prove establishes the watches on the way to a folder. The caller has set busy.
func (c *changes) prove(d *dir, folder string, now time.Duration) bool {
	c.mu.Lock()
	before, was := d.struck.Load(), d.way
	d.way, d.proved = nil, false
	c.mu.Unlock()

	err := c.walk(d, folder)

	c.mu.Lock()
	d.busy, d.proved, d.at = false, err == nil, before
	if err != nil {
		was = append(was, d.way...)
		d.way = nil
		d.retry = now + pause
		if errors.Is(err, syscall.ENOSPC) {
			c.full(now, err)
		}
	}
	old := c.release(was)
	c.mu.Unlock()
	c.unwatch(old)
	return err == nil
}

// unwatch ends watches. It may hang: it can be the last use of an inode.
func (c *changes) unwatch(old []*node) {
	if len(old) == 0 {
		return
	}
	_ = c.withEvents(func(fd int) error {
		for _, n := range old {
			// Where somebody watches the inode anew at this moment, the news that
			// this ends it will have it proved again.
			_, _ = syscall.InotifyRmWatch(fd, uint32(n.wd))
		}
		return nil
	})
}

// withEvents calls do with the inotify instance, which stays open meanwhile.
func (c *changes) withEvents(do func(fd int) error) error {
	c.mu.Lock()
	events := c.events
	c.mu.Unlock()
	if events == nil {
		return errClosed
	}
	raw, err := events.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = do(int(fd)) }); err != nil {
		return err
	}
	return failed
}

var errClosed = errors.New("closed")
