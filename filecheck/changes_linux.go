package filecheck

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// changes hears from the kernel (inotify(7)) what happens in the folders that
// are asked for, and on the way to them. Everything that touches the disk is
// done by the workers, with no lock held.
type changes struct {
	log   *slog.Logger
	begun sync.Once
	start time.Time
	limit int32 // watches of all instances together

	mu     sync.Mutex
	events *os.File // the inotify instance; nil: not begun, not to be had, or closed
	mounts *os.File // changes of the mount table
	nodes  map[int32]*node
	dirs   map[string]*dir
	until  time.Duration // since start: no new folders before
	told   bool          // of the limit, in the log
	closed bool

	names seed
}

// node is a folder or symbolic link that is watched, by its inode. It may be on
// the way to any number of dirs.
type node struct {
	wd    int32
	refs  int
	local locality
	hit   bool // something happened to itself

	// Changes of names in it, raised with each. Names share counters: what is
	// lost by that is a call now and then.
	names [16]atomic.Uint32
}

const (
	// maxWatches bounds the watches of this process; each keeps an inode, about a
	// kilobyte, in the kernel's memory. No more than a quarter of what the system
	// grants to the user is taken.
	maxWatches = 8192
	// maxInstances bounds the inotify instances of this process, of which a user
	// has 128 by default. There is one for each root.
	maxInstances = 16
	// pace is how long news gather before they are looked at. A file that is being
	// written makes news with each write.
	pace = 20 * time.Millisecond
)

var instances, watches atomic.Int32

func newChanges(log *slog.Logger) *changes {
	return &changes{
		log: log, start: time.Now(), names: newSeed(),
		nodes: map[int32]*node{}, dirs: map[string]*dir{},
	}
}

// begin starts listening. Where the system does not let it, nothing is held.
func (c *changes) begin() {
	if instances.Add(1) > maxInstances {
		instances.Add(-1)
		return
	}
	events, mounts, err := listen()
	if err != nil {
		instances.Add(-1)
		c.log.Debug("nobody tells of changes to local files, they are looked at more often", "err", err)
		return
	}
	c.limit = maxWatches
	if n := userWatches(); n > 0 {
		c.limit = min(c.limit, n/4)
	}
	c.mu.Lock()
	c.events, c.mounts = events, mounts
	closed := c.closed
	c.mu.Unlock()
	if closed {
		c.end()
	}
	go c.hear(events)
	go c.hearMounts(mounts)
}

// listen opens the sources of news.
func listen() (events, mounts *os.File, err error) {
	if mounts, err = os.Open("/proc/self/mountinfo"); err != nil {
		return nil, nil, err
	}
	fd, err := syscall.InotifyInit1(syscall.IN_NONBLOCK | syscall.IN_CLOEXEC)
	if err != nil {
		_ = mounts.Close()
		return nil, nil, fmt.Errorf("inotify_init1: %w", err)
	}
	return os.NewFile(uintptr(fd), "inotify"), mounts, nil
}

// userWatches is the number of watches that the system grants to a user; 0 if
// it does not tell.
func userWatches() (n int32) {
	b, err := os.ReadFile("/proc/sys/fs/inotify/max_user_watches")
	if err == nil {
		_, _ = fmt.Sscan(string(b), &n)
	}
	return n
}

// close ends the listening. Nothing is held any more.
func (c *changes) close() {
	if c == nil {
		return
	}
	c.mu.Lock()
	c.closed = true
	begun := c.events != nil
	c.mu.Unlock()
	if begun {
		c.end()
	}
}

// end lets go of what begin got, once.
func (c *changes) end() {
	c.mu.Lock()
	events, mounts := c.events, c.mounts
	c.events, c.mounts = nil, nil
	if events != nil {
		watches.Add(-int32(len(c.nodes)))
		clear(c.nodes)
	}
	c.everything()
	clear(c.dirs)
	c.mu.Unlock()
	if events == nil {
		return
	}
	instances.Add(-1)
	// Close waits for workers that are adding a watch just now, and these may be
	// stuck.
	go func() { _, _ = mounts.Close(), events.Close() }()
}

// hear reads events until there are none to be had any more.
func (c *changes) hear(events *os.File) {
	buf := make([]byte, 64<<10)
	for {
		n, err := events.Read(buf)
		if err != nil {
			c.end()
			return
		}
		c.news(buf[:n])
		time.Sleep(pace)
	}
}

// hearMounts waits for changes of the mount table, which may put another file
// system over any folder. It is told of as an error condition (proc(5)), of
// which the callback is called with each.
func (c *changes) hearMounts(mounts *os.File) {
	if raw, err := mounts.SyscallConn(); err == nil {
		_ = raw.Read(func(uintptr) bool {
			c.mu.Lock()
			c.everything()
			c.mu.Unlock()
			time.Sleep(pace)
			return false
		})
	}
	c.end()
}

// news are struct inotify_event: the watch, what happened, a cookie, the length
// of the name, all of 32 bits, and the name, filled up with NUL.
func (c *changes) news(b []byte) {
	const head = syscall.SizeofInotifyEvent
	e := binary.NativeEndian
	c.mu.Lock()
	defer c.mu.Unlock()
	hit := false
	for len(b) >= head {
		wd, mask, length := int32(e.Uint32(b)), e.Uint32(b[4:]), int(e.Uint32(b[12:]))
		name, _, _ := bytes.Cut(b[head:head+length], []byte{0})
		b = b[head+length:]
		n := c.nodes[wd]
		switch {
		case mask&syscall.IN_Q_OVERFLOW != 0:
			c.everything()
		case n == nil: // of a watch that was given up
		case len(name) > 0:
			n.counter(c.names, string(name)).Add(1)
		default:
			n.hit, hit = true, true
		}
		if mask&syscall.IN_IGNORED != 0 && n != nil {
			c.forget(n)
		}
	}
	if hit {
		c.strike()
	}
}

// counter is the one that a name in a folder shares with others.
func (n *node) counter(s seed, name string) *atomic.Uint32 {
	return &n.names[s.hash(name)%uint64(len(n.names))]
}

// strike tells the dirs that something happened on the way to them.
func (c *changes) strike() {
	for _, d := range c.dirs {
		for _, n := range d.way {
			if n.hit {
				d.struck.Add(1)
				break
			}
		}
	}
	for _, n := range c.nodes {
		n.hit = false
	}
}

// everything may have changed.
func (c *changes) everything() {
	for _, d := range c.dirs {
		d.struck.Add(1)
	}
}

// forget drops a node whose watch is gone, or is about to be.
func (c *changes) forget(n *node) {
	if c.nodes[n.wd] == n {
		delete(c.nodes, n.wd)
		watches.Add(-1)
	}
}
