package catalog

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

// BesideOptions for FollowKept and FollowRepositories. The zero value is good
// for use.
type BesideOptions struct {
	// File is FollowOptions.File, beside which the table is kept between
	// starts, with an ending of its own; "": nowhere.
	File string
	// Every is the shortest time between two readings; 0: a second.
	Every time.Duration
	// Timeout is how long the database may be silent; 0: two minutes.
	Timeout time.Duration
}

// beside keeps a table that goes with a catalog up to date, in a goroutine of
// its own: what it asks the database may take long, and stops no poll. It
// reads when files have changed in the catalog. While the database is away the
// catalog stands still, and so does the table.
type beside struct {
	name string // of the table, for messages
	c    *Catalog
	log  *slog.Logger
	src  *patient
	o    BesideOptions

	at      position // what the table is a copy of
	seen    Head     // View.filesAt that at covers
	started time.Time
	failed  bool // that was said
}

// position is a revision of one database; the zero position is none.
type position struct {
	head Head
	key  [16]byte
	ok   bool
}

func newBeside(name string, c *Catalog, src Source, o BesideOptions) *beside {
	if o.Every <= 0 {
		o.Every = time.Second
	}
	if o.Timeout <= 0 {
		o.Timeout = 2 * time.Minute
	}
	return &beside{name: name, c: c, log: c.log, src: &patient{src: src}, o: o}
}

// look is how often the catalog is looked at, which costs nothing.
const look = 100 * time.Millisecond

// run calls tick again and again, and at once when woken, until ctx ends.
func (b *beside) run(ctx context.Context, wake <-chan struct{}, tick func(context.Context)) {
	t := time.NewTicker(min(look, b.o.Every))
	defer t.Stop()
	for ctx.Err() == nil {
		tick(ctx)
		select {
		case <-ctx.Done():
		case <-wake:
		case <-t.C:
		}
	}
}

// due reports whether there is something to read, and it is time.
func (b *beside) due() bool {
	v := b.c.View()
	return v.ready && (!b.at.ok || v.filesAt != b.seen) && time.Since(b.started) >= b.o.Every
}

// forget makes the next reading one of everything.
func (b *beside) forget() { b.at, b.started = position{}, time.Time{} }

// gather reads from a snapshot what is new since a revision, for a reload
// everything, and gives what is to be done with it. A call that hangs is given
// up but goes on, so gather must not touch what the follower uses.
type gather func(s Snapshot, kind updateKind, since int64, row func()) (publish func(), err error)

// reading is what came of a snapshot.
type reading struct {
	at      position // none: the snapshot is not one to follow
	publish func()   // nil: nothing
}

// read brings the table up to date. When that fails, the next reading is one
// of everything.
func (b *beside) read(ctx context.Context, fn gather) {
	b.started = time.Now()
	v, from := b.c.View(), b.at
	r, err := readSnapshot(ctx, b.src, b.o.Timeout, func(s Snapshot, progress func(time.Duration)) (reading, error) {
		return from.follow(s, v, fn, func() { progress(b.o.Timeout) })
	})
	switch {
	case err != nil:
		b.at = position{}
		if !b.failed && ctx.Err() == nil {
			b.log.WarnContext(ctx, "a table beside the catalog was not read; the one before stays", "table", b.name, "error", err)
			b.failed = true
		}
	case r.at.ok:
		b.at, b.seen, b.failed = r.at, v.filesAt, false
		if r.publish != nil {
			r.publish()
		}
	}
}

// follow reads what a snapshot has that p has not.
func (p position) follow(s Snapshot, v *View, fn gather, progress func()) (r reading, err error) {
	to := position{head: s.Head(), ok: true}
	if to.key, err = s.Key(); err != nil {
		return r, fmt.Errorf("reading the key: %w", err)
	}
	kind, err := p.classify(s, v, to)
	if err != nil || kind == lagging {
		return r, err
	}
	if r.at = to; kind == nothingNew {
		return r, nil
	}
	rows := 0
	r.publish, err = fn(s, kind, p.head.Revision, func() {
		if rows++; rows&255 == 1 {
			progress()
		}
	})
	return r, err
}

// classify says what a snapshot is to the table. One that does not know the
// catalog's own position is left alone: a replica that is behind, or another
// history, which the catalog will follow first.
func (p position) classify(s Snapshot, v *View, to position) (updateKind, error) {
	known, err := s.Known(v.head)
	if err != nil {
		return 0, fmt.Errorf("looking up revision %d: %w", v.head.Revision, err)
	}
	switch {
	case !known || to.key != v.hash.key:
		return lagging, nil
	case !p.ok || p.key != to.key:
		return reload, nil
	case p.head == to.head:
		return nothingNew, nil
	}
	if known, err = s.Known(p.head); err != nil {
		return 0, fmt.Errorf("looking up revision %d: %w", p.head.Revision, err)
	}
	if !known {
		return reload, nil
	}
	return change, nil
}
