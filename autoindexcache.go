package mirrorbrain

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/autoindex"
)

// listings remembers what is in folders (contents), and the pages made of it.
//
// The time of a folder does not tell that a file in it was written to, and
// nothing tells when the catalog has something new to say of its files. So contents are
// read again when they are older than `refresh`; if they come out the same, what
// was made of them stays. No request gets anything older, and one folder is read
// at most once in that time, however many ask for it, in whatever forms.
type listings struct {
	cache *otter.Cache[any, any]

	listed, searched queue
}

// queue are things being made, each by itself. Searches have one of their own:
// they take their time, and wait for each other, so listings must not wait for
// them.
type queue struct {
	most int           // that are there at once
	work chan struct{} // holds one for each that is being made

	mu      sync.Mutex
	flights map[any]*flight
}

func newQueue(most, work int) queue {
	return queue{most: most, work: make(chan struct{}, work), flights: map[any]*flight{}}
}

// flight is something being made that requests wait for.
type flight struct {
	done  chan struct{}
	value any
	err   error
}

const (
	listingPatience = 10 * time.Second // how long a request waits
	listingTime     = 30 * time.Second // how long making it may take

	// How many of each are made or wait at once. They go on when the clients are
	// gone, so without a limit they would fill the memory.
	listingsAtOnce = 1000
	searchesAtOnce = 100
)

func newListings(limit int64) *listings {
	return &listings{
		cache: otter.Must(&otter.Options[any, any]{
			MaximumWeight: uint64(limit),
			Weigher: func(k, v any) uint32 {
				const overhead = 512
				// Paths come from clients, whether there is such a folder or not.
				return uint32(min(overhead+k.(weighty).weight()+v.(weighty).weight(), 1<<31))
			},
			Logger: &otter.NoopLogger{},
		}),
		listed:   newQueue(listingsAtOnce, 2*runtime.GOMAXPROCS(0)),
		searched: newQueue(searchesAtOnce, searchesAtOnce), // they take turns themselves
	}
}

// weighty is a key or a value of the cache, which knows the bytes that it takes.
type weighty interface{ weight() int }

// queue is where what a key stands for is made.
func (l *listings) queue(key weighty) *queue {
	if k, ok := key.(contentsKey); ok && k.search != "" {
		return &l.searched
	}
	return &l.listed
}

func (l *listings) close() { l.cache.StopAllGoroutines() }

// get gives what is remembered, if it is still good, else what makes makes of
// it. Requests for the same wait for one making, which goes on without them. No
// lock is held meanwhile. errBusy: it takes too long, or too many are being made.
func (l *listings) get(ctx context.Context, key weighty, good func(any) bool, makes func(ctx context.Context, old any) (any, error)) (any, error) {
	old, _ := l.cache.GetIfPresent(key)
	if old != nil && good(old) {
		return old, nil
	}
	q := l.queue(key)
	q.mu.Lock()
	f := q.flights[key]
	if f == nil {
		if len(q.flights) >= q.most {
			q.mu.Unlock()
			return nil, errBusy
		}
		f = &flight{done: make(chan struct{})}
		q.flights[key] = f
		go l.fly(context.WithoutCancel(ctx), q, key, f, old, makes)
	}
	q.mu.Unlock()
	patience := time.NewTimer(listingPatience)
	defer patience.Stop()
	select {
	case <-f.done:
		return f.value, f.err
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-patience.C:
		return nil, errBusy
	}
}

// fly makes something, when it is its turn.
func (l *listings) fly(ctx context.Context, q *queue, key weighty, f *flight, old any, makes func(context.Context, any) (any, error)) {
	ctx, cancel := context.WithTimeout(ctx, listingTime)
	defer cancel()
	select {
	case q.work <- struct{}{}:
		f.value, f.err = guarded(ctx, old, makes)
		<-q.work
	case <-ctx.Done():
		f.err = errBusy
	}
	if f.err == nil {
		l.cache.Set(key, f.value)
	}
	q.mu.Lock()
	delete(q.flights, key)
	q.mu.Unlock()
	close(f.done)
}

// guarded turns a panic into an error: outside of a request it would end the
// process.
func guarded(ctx context.Context, old any, makes func(context.Context, any) (any, error)) (v any, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("making a listing: panic: %v\n%s", p, debug.Stack())
		}
	}()
	return makes(ctx, old)
}

// folderContents is what is in a folder, or what a search found.
type folderContents struct {
	at      time.Time // when it was read
	err     error     // there is no such folder, for instance; the rest is empty then
	index   bool      // a file stands for the folder
	listing autoindex.Listing
	print   uint64 // tells contents apart
	size    int
}

func (c *folderContents) weight() int { return c.size }

// view is a form of a listing.
type view struct {
	ask      autoindex.Ask
	format   autoindex.Format
	order    autoindex.Order
	language string
}

// The keys of what is remembered.
type (
	contentsKey struct {
		place

		search string
	}
	pageKey struct {
		place
		view
	}
)

func (p place) weight() int {
	return len(p.root) + len(p.system) + len(p.path) + len(p.url) + len(p.hide)
}

func (k contentsKey) weight() int { return k.place.weight() + len(k.search) }

func (k pageKey) weight() int {
	return k.place.weight() + len(k.ask.Pattern) + len(k.ask.Search) + len(k.ask.Latest)
}

// listingPage is a listing as it is sent.
type listingPage struct {
	print    uint64    // of the contents it was made of
	cell     time.Time // in which ages on it are right
	body     []byte
	tag      string
	modified time.Time
}

func (p *listingPage) weight() int { return len(p.body) }
