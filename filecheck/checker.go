package filecheck

import (
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// State is what a check found.
type State uint8

// The states of a file.
const (
	// Unknown: the disk did not answer in time, the root is missing or empty,
	// or stat failed in a way that says nothing about the file.
	Unknown State = iota
	// Regular: a regular file that everybody may read, or a link to one.
	Regular
	// Absent: there is no such file, or it is something else, or not readable
	// for everybody.
	Absent
)

// Info is a file as the disk has it. Size and MTime are set for Regular only.
type Info struct {
	State State
	Size  int64 // bytes
	MTime int64 // nanoseconds since the Unix epoch
}

// Options of a Checker. The zero value is ready for use.
type Options struct {
	MaxAge  time.Duration // how old an answer may be. Default: 1s.
	Timeout time.Duration // how long a caller waits. Default: 100ms.
	// MaxCalls bounds the stat calls under way at one time, and with them the
	// goroutines and threads that a hung disk can hold. Default: 64.
	MaxCalls int
	// Entries is the number of answers kept, rounded up to a power of two.
	// Default: 16384.
	Entries int
	Logger  *slog.Logger // default: slog.Default()

	// Stat replaces the system call. Default: the operating system's stat, with
	// an Absent for what is not there.
	Stat func(path string) (Info, error)
}

// stuckLimit is the number of stuck calls after which no path is asked for
// until one of them returns. Fewer only keep others away from their folders.
const stuckLimit = 8

// Checker checks the files below one root. It is safe for concurrent use, needs
// no closing, and holds no goroutine while no call is under way.
type Checker struct {
	root string
	o    Options

	slots []atomic.Pointer[entry]
	seed  seed
	calls chan struct{} // one token per stat under way

	stuck  atomic.Int32 // calls that somebody gave up waiting for
	mu     sync.Mutex
	where  map[*entry]string // folders of the stuck calls
	warned atomic.Bool       // the present trouble is in the log

	rootAt atomic.Int64 // when the root was last looked at, ns since start; 0: never
	rootOK atomic.Bool
	start  time.Time
}

// entry is one answer, or the call that will give it.
type entry struct {
	rel  string
	done chan struct{} // closed when info and at are set
	info Info
	at   int64 // ns since Checker.start
	late atomic.Bool
}

// New returns a checker of the files below root.
func New(root string, o Options) *Checker {
	if o.MaxAge <= 0 {
		o.MaxAge = time.Second
	}
	if o.Timeout <= 0 {
		o.Timeout = 100 * time.Millisecond
	}
	if o.MaxCalls <= 0 {
		o.MaxCalls = 64
	}
	if o.Entries <= 0 {
		o.Entries = 1 << 14
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Stat == nil {
		o.Stat = stat
	}
	n := 1
	for n < o.Entries {
		n <<= 1
	}
	return &Checker{
		root:  strings.TrimRight(filepath.Clean(root), "/") + "/",
		o:     o,
		slots: make([]atomic.Pointer[entry], n),
		seed:  newSeed(),
		calls: make(chan struct{}, o.MaxCalls),
		where: map[*entry]string{},
		start: time.Now().Add(-time.Second), // so that 0 is never a time
	}
}

// Check tells what the file rel (a path below the root without leading slash,
// valid by mirror.ValidPath) looks like at now or not longer ago than MaxAge.
func (c *Checker) Check(rel string, now time.Time) Info {
	slot := &c.slots[c.seed.hash(rel)&uint64(len(c.slots)-1)]
	at := int64(now.Sub(c.start))
	old := slot.Load()
	if old != nil && old.rel == rel {
		select {
		case <-old.done:
			if at-old.at < int64(c.o.MaxAge) {
				return old.info
			}
		default:
			return c.wait(old) // somebody is asking already
		}
	}
	if c.stuck.Load() > 0 && c.avoid(rel) {
		return Info{}
	}
	// The path is mostly a piece of the request line, which may be a megabyte of
	// query and must not be kept with it.
	e := &entry{rel: strings.Clone(rel), done: make(chan struct{})}
	if !slot.CompareAndSwap(old, e) {
		if other := slot.Load(); other != nil && other.rel == rel {
			return c.wait(other)
		}
	}
	return c.ask(e)
}

// ask starts the call for e, when one may be started in time, and waits for it.
func (c *Checker) ask(e *entry) Info {
	select {
	case c.calls <- struct{}{}:
	default:
		t := time.NewTimer(c.o.Timeout)
		defer t.Stop()
		select {
		case c.calls <- struct{}{}:
		case <-t.C:
			// Never asked. The entry ends as Unknown and, being old from the
			// start, is not believed by anybody later.
			e.at = -int64(c.o.MaxAge)
			close(e.done)
			return Info{}
		}
	}
	go c.run(e)
	return c.wait(e)
}

// timers are reused: a timer per call is most of what the waiting costs.
var timers = sync.Pool{New: func() any { return time.NewTimer(time.Hour) }}

// wait returns e's answer, or Unknown when it does not come in time.
func (c *Checker) wait(e *entry) Info {
	if e.late.Load() {
		select {
		case <-e.done:
			return e.info
		default:
			return Info{}
		}
	}
	t := timers.Get().(*time.Timer)
	t.Reset(c.o.Timeout)
	select {
	case <-e.done:
		t.Stop()
		timers.Put(t)
		return e.info
	case <-t.C:
		timers.Put(t)
		c.giveUp(e)
		return Info{}
	}
}

// run makes the call.
func (c *Checker) run(e *entry) {
	info, err := c.o.Stat(c.root + e.rel)
	switch {
	case info.State != Absent && err == nil:
	case !c.rootThere():
		info = Info{}
		if c.trouble() {
			c.o.Logger.Warn("local root is missing or empty, the index is trusted instead", "root", c.root)
		}
	case err != nil:
		info = Info{}
		if c.trouble() {
			c.o.Logger.Warn("local files cannot be checked, the index is trusted instead", "path", c.root+e.rel, "err", err)
		}
	}
	e.info, e.at = info, int64(time.Since(c.start))
	close(e.done)
	<-c.calls
	if e.late.Load() {
		c.back(e)
	}
	if info.State == Regular && c.stuck.Load() == 0 && c.warned.CompareAndSwap(true, false) {
		c.o.Logger.Info("local files can be checked again", "root", c.root)
	}
}

// rootThere reports whether the root is a folder with something in it. It may
// hang; it runs where stat runs.
func (c *Checker) rootThere() bool {
	now := int64(time.Since(c.start))
	if at := c.rootAt.Load(); at != 0 && now-at < int64(c.o.MaxAge) {
		return c.rootOK.Load()
	}
	ok := hasEntry(c.root)
	c.rootOK.Store(ok)
	c.rootAt.Store(now)
	return ok
}
