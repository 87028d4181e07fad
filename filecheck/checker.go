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
	// MaxAge is how old an answer may be. Default: 1s. From 100ms on, a system
	// that tells of changes to local files is asked to do so, and an answer is
	// believed until it does, for five minutes at most.
	MaxAge  time.Duration
	Timeout time.Duration // how long a caller waits. Default: 100ms.
	// MaxCalls bounds the stat calls under way at one time, and with them the
	// goroutines and threads that a hung disk can hold. Default: 64.
	MaxCalls int
	// Entries is the number of answers kept, rounded up to a power of two; each
	// takes about 200 bytes once it is used. Default: 262144.
	Entries int
	Logger  *slog.Logger // default: slog.Default()

	// Stat replaces the system call. Default: the operating system's stat, with
	// an Absent for what is not there. No answer of another is older than MaxAge.
	Stat func(path string) (Info, error)
}

// stuckLimit is the number of stuck calls after which no path is asked for
// until one of them returns. Fewer only keep others away from their folders.
const stuckLimit = 8

// Checker checks the files below one root. It is safe for concurrent use.
type Checker struct {
	root string
	o    Options

	table   table
	look    func(path string) (info Info, holds bool, err error)
	changes *changes // nil: nobody tells of changes

	// Calls are handed to workers, which wait for the next one: a new goroutine
	// for each would cost more than most calls do. One more goroutine watches
	// that they return, so that no call needs a timer of its own.
	jobs     chan *entry
	workers  atomic.Int32
	pending  atomic.Int32 // calls that somebody waits for
	watching atomic.Bool
	quit     chan struct{}
	closing  sync.Once

	stuck  atomic.Int32 // calls that were given up and have not returned
	mu     sync.Mutex
	crew   []*worker
	where  map[*entry]string // folders of the stuck calls
	warned atomic.Bool       // the present trouble is in the log

	rootAt atomic.Int64 // when the root was last looked at, ns since start; 0: never
	rootOK atomic.Bool
	start  time.Time
}

// entry is one answer, or the call that will give it.
type entry struct {
	path  string
	asked int64         // when the call began, ns since Checker.start
	state atomic.Uint32 // pending, then done; or pending, late, and perhaps done
	ended sync.WaitGroup
	info  Info  // valid once done, as what follows
	at    int64 // of info, ns since Checker.start
	hold  hold  // until when info can be believed beyond MaxAge
}

const (
	pending uint32 = iota
	late           // given up: nobody waits for it
	done
)

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
		o.Entries = 1 << 18
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	c := &Checker{
		root:  strings.TrimRight(filepath.Clean(root), "/") + "/",
		o:     o,
		look:  look,
		jobs:  make(chan *entry),
		quit:  make(chan struct{}),
		where: map[*entry]string{},
		start: time.Now().Add(-time.Second), // so that 0 is never a time
	}
	c.table.init(o.Entries, c.root)
	if o.Stat != nil {
		c.look = func(path string) (Info, bool, error) {
			info, err := o.Stat(path)
			return info, false, err
		}
	} else if o.MaxAge >= minHold {
		c.changes = newChanges(o.Logger)
	}
	return c
}

// Check tells what the file rel (a path below the root without leading slash,
// valid by mirror.ValidPath) looks like at now or not longer ago than MaxAge.
func (c *Checker) Check(rel string, now time.Time) Info {
	hash := c.table.seed.hash(rel)
	at := int64(now.Sub(c.start))
	old := c.table.find(rel, hash)
	if old != nil {
		switch old.state.Load() {
		case pending:
			return c.wait(old) // somebody is asking already
		case late:
			return Info{}
		case done:
			age := at - old.at
			if age < int64(c.o.MaxAge) || age < int64(maxHold) && old.hold.good() {
				return old.info
			}
		}
	}
	if c.stuck.Load() > 0 && c.avoid(rel) {
		return Info{}
	}
	e := &entry{asked: int64(time.Since(c.start))} // now is the caller's, and may be what it likes
	if old != nil {
		e.path = old.path
	} else {
		// The path is mostly a piece of the request line, which may be a megabyte of
		// query and must not be kept with it; so the entry has its own copy.
		e.path = c.root + rel
	}
	e.ended.Add(1)
	if other := c.table.put(hash, e, old); other != e {
		return c.wait(other)
	}
	return c.ask(e)
}

// ask has a worker make the call for e, when there can be one in time, and
// waits for it.
func (c *Checker) ask(e *entry) Info {
	c.pending.Add(1)
	if !c.watching.Load() && c.watching.CompareAndSwap(false, true) {
		go c.watch()
	}
	select {
	case c.jobs <- e:
		return c.wait(e)
	default:
	}
	if c.workers.Add(1) <= int32(c.o.MaxCalls) {
		go c.work(c.hire(), e)
		return c.wait(e)
	}
	c.workers.Add(-1)
	t := time.NewTimer(c.o.Timeout)
	defer t.Stop()
	select {
	case c.jobs <- e:
		return c.wait(e)
	case <-t.C:
	case <-c.quit:
	}
	// Never asked. The entry ends as Unknown and, being old from the start, is not
	// believed by anybody later.
	e.at = -int64(c.o.MaxAge)
	c.finish(e)
	return Info{}
}

// wait returns e's answer, or Unknown when it does not come in time.
func (c *Checker) wait(e *entry) Info {
	e.ended.Wait()
	if e.state.Load() == done {
		return e.info
	}
	return Info{}
}

// finish ends a call whose answer is in e.
func (c *Checker) finish(e *entry) {
	if e.state.Swap(done) == late {
		c.back(e)
		return
	}
	c.pending.Add(-1)
	e.ended.Done()
}

// run makes a call.
func (c *Checker) run(e *entry) {
	// Before the call: what happens after it must end the hold.
	until := c.changes.hold(e.path)
	info, holds, err := c.look(e.path)
	if holds {
		e.hold = until
	}
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
			c.o.Logger.Warn("local files cannot be checked, the index is trusted instead", "path", e.path, "err", err)
		}
	}
	e.info, e.at = info, int64(time.Since(c.start))
	c.finish(e)
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
