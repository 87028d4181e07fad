package mirrorbrain

import (
	"context"
	"sync"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirrorstatus"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/survey"
)

const (
	// statusAge is how old what the pages show may be before it is asked for again.
	statusAge = 30 * time.Second
	// statusOld is how old it may be to be shown while that goes on; older, it is
	// shown only when the database does not answer.
	statusOld = 2 * time.Minute
	// statusPatience is how long a request waits for the database.
	statusPatience = 2 * time.Second
	// statusGone is how old it may be at all: then what the catalog knows is better.
	statusGone = 15 * time.Minute
	// pastsKept is how many mirrors' pasts are kept.
	pastsKept = 200
	// pastsAtOnce is for how many mirrors' pasts the database is asked at once: who
	// looks at all of them in a row takes no connections from others.
	pastsAtOnce = 2
)

// statusCache keeps what the pages about mirrors show. The database is asked by
// one at a time, and at most every statusAge; nobody waits for it for long.
type statusCache struct {
	rt      *instance
	options survey.Options
	reader  *survey.Reader

	mu    sync.Mutex
	now   *mirrorstatus.Site // nil: none yet
	read  time.Time          // when it was read, or that was tried
	done  chan struct{}      // closed when the question under way is answered; nil: none
	pasts map[mirror.ID]*past

	asking chan struct{} // holds one for each past that is asked for
}

// past is the history of a mirror.
type past struct {
	history *mirrorstatus.History // nil: not known
	read    time.Time
	done    chan struct{} // as of statusCache
}

func newStatusCache(rt *instance, o survey.Options) *statusCache {
	return &statusCache{rt: rt, options: o, reader: survey.New(rt.db.store), pasts: map[mirror.ID]*past{}, asking: make(chan struct{}, pastsAtOnce)}
}

// site gives what is known of the mirrors; nil: nothing.
func (c *statusCache) site(ctx context.Context) *mirrorstatus.Site {
	c.mu.Lock()
	if c.done == nil && time.Since(c.read) >= statusAge {
		c.ask() //nolint:contextcheck // for all who ask, not for this one alone
	}
	now, done := c.now, c.done
	c.mu.Unlock()
	if done != nil && (now == nil || time.Since(now.AsOf) > statusOld) {
		wait(ctx, done)
		c.mu.Lock()
		now = c.now
		c.mu.Unlock()
	}
	if now != nil && time.Since(now.AsOf) < statusGone {
		return now
	}
	view := c.rt.db.catalog.View()
	if !view.Ready() {
		return now
	}
	return survey.Partial(view.Holdings(), time.Now().Truncate(statusAge), c.rt.scanAge(view))
}

// wait waits for an answer, for a while.
func wait(ctx context.Context, done <-chan struct{}) {
	patience := time.NewTimer(statusPatience)
	defer patience.Stop()
	select {
	case <-done:
	case <-patience.C:
	case <-ctx.Done():
	}
}

// ask asks the database in the background. The caller has the lock.
func (c *statusCache) ask() {
	done := make(chan struct{})
	c.done = done
	c.background(done, func(ctx context.Context) {
		view := c.rt.db.catalog.View()
		o := c.options
		o.MaxScanAge = c.rt.scanAge(view)
		var site *mirrorstatus.Site
		if view.Ready() { // before it is, there is nothing to say of what is held
			site, _ = c.reader.Site(ctx, view.Holdings(), o) // the catalog says why the database is away
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.done, c.read = nil, time.Now(); site != nil {
			c.now = site
		} else if !view.Ready() {
			c.read = time.Time{}
		}
	})
}

// background runs fn while the database is open, then closes done.
func (c *statusCache) background(done chan struct{}, fn func(context.Context)) {
	go func() {
		defer close(done)
		ctx, cancel := context.WithTimeout(context.Background(), askTimeout)
		defer cancel()
		if slot, ok := c.rt.db.enter(); ok {
			defer c.rt.db.leave(slot)
			fn(ctx)
		}
	}()
}

// askPast asks the database when it is its turn.
func (c *statusCache) askPast(ctx context.Context, id mirror.ID) (*mirrorstatus.History, error) {
	select {
	case c.asking <- struct{}{}:
		defer func() { <-c.asking }()
		return c.reader.History(ctx, id, time.Now())
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// history gives the past of a mirror; nil: it is not known now.
func (c *statusCache) history(m *mirrorstatus.Mirror) *mirrorstatus.History {
	c.mu.Lock()
	p := c.pasts[m.ID]
	if p == nil {
		if len(c.pasts) >= pastsKept {
			clear(c.pasts)
		}
		p = new(past)
		c.pasts[m.ID] = p
	}
	if p.done == nil && time.Since(p.read) >= statusAge {
		done := make(chan struct{})
		p.done = done
		c.background(done, func(ctx context.Context) {
			h, err := c.askPast(ctx, m.ID)
			c.mu.Lock()
			defer c.mu.Unlock()
			if p.done, p.read = nil, time.Now(); err == nil {
				p.history = h
			}
		})
	}
	h, done := p.history, p.done
	c.mu.Unlock()
	if done == nil || h != nil {
		return h
	}
	wait(context.Background(), done)
	c.mu.Lock()
	defer c.mu.Unlock()
	return p.history
}
