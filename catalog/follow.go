package catalog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"
)

// FollowOptions for Follow. The zero value is good for use.
type FollowOptions struct {
	// File is where the catalog is kept between starts; "": nowhere. The table
	// of prefixes is kept beside it, in File + ".prefixes".
	File string
	// Poll is how often the head is asked for; 0: twice a second.
	Poll time.Duration
	// Timeout is how long the database may be silent; 0: 5 seconds, and two
	// minutes while everything is loaded.
	Timeout time.Duration
	// SaveEvery is the shortest time between two writes of File; 0: a minute
	// for each 64 MiB that the file has.
	SaveEvery time.Duration
	// Settings are the names of settings to follow, for View.Setting; nil:
	// max_scan_age.
	Settings []string
	// Prepare is called before anything is read, again at every poll until it
	// succeeds: store.Prepare, which sets an empty database up. nil: nothing.
	Prepare func(ctx context.Context) error
	// OnPrefixes is called with each new generation of the prefix table, the
	// one in the file too. It runs beside the polling. When it fails, it is
	// called again later. nil: the table is not read.
	OnPrefixes func(each func(yield func(Prefix) error) error) error
}

// limits are how long the database may be silent.
type limits struct{ poll, load time.Duration }

func (o *FollowOptions) limits() limits {
	if o.Timeout > 0 {
		return limits{o.Timeout, o.Timeout}
	}
	return limits{5 * time.Second, 2 * time.Minute}
}

// Follow keeps c up to date with the database until ctx ends. It loads the
// file first, if c is empty and there is one, and writes it from time to time
// and at the end. While the database cannot be reached, c goes on answering
// from what it has; that is logged once, and once when it is back. Follow
// returns when all that it started has ended, but does not wait for a database
// call that heeds no context.
func Follow(ctx context.Context, c *Catalog, src Source, o FollowOptions) {
	f := newFollower(c, src, o)
	f.loadFiles(ctx)
	for ctx.Err() == nil {
		start := time.Now()
		f.poll(ctx)
		f.prefixes.tick(ctx)
		f.save.tick(c)
		f.pause(ctx, start)
	}
	f.prefixes.stop()
	f.save.finish(c)
}

// follower is the state of one Follow.
type follower struct {
	c        *Catalog
	o        FollowOptions
	log      *slog.Logger
	src      *patient
	waiter   *patient // apart, so that a Wait that hangs stops no poll
	save     saver
	prefixes prefixFollower

	prepared bool
	asked    bool // a snapshot was read since the start
	lost     bool // the database is away, and that was said
	behind   bool // the replica is behind, and that was said
	empty    bool // the database is another one and empty, and that was said
}

func newFollower(c *Catalog, src Source, o FollowOptions) *follower {
	if o.Poll <= 0 {
		o.Poll = 500 * time.Millisecond
	}
	if o.Settings == nil {
		o.Settings = []string{"max_scan_age"}
	}
	return &follower{
		c: c, o: o, log: c.log,
		src: &patient{src: src}, waiter: &patient{src: src},
		save:     saver{path: o.File, every: o.SaveEvery, log: c.log},
		prefixes: prefixFollower{o: o, log: c.log, src: &patient{src: src}},
	}
}

func (f *follower) loadFiles(ctx context.Context) {
	if f.o.File == "" {
		return
	}
	if !f.c.Ready() {
		switch err := f.c.Load(f.o.File); {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			f.log.WarnContext(ctx, "catalog file is not used; everything is read from the database", "error", err)
		default:
			v := f.c.View()
			f.save.saved = v
			f.log.InfoContext(ctx, "catalog loaded from file", "files", v.Files(), "mirrors", len(v.world.Mirrors), "revision", v.head.Revision)
		}
	}
	f.prefixes.loadFile(ctx)
}

// poll asks the database for what is new, once.
func (f *follower) poll(ctx context.Context) {
	err := f.sync(ctx)
	switch {
	case ctx.Err() != nil:
	case err != nil && !f.lost:
		f.lost = true
		f.log.WarnContext(ctx, "database does not answer; going on with the catalog as it is", "error", err,
			"ready", f.c.Ready(), "revision", f.c.View().head.Revision)
	case err == nil && f.lost:
		f.lost = false
		f.log.InfoContext(ctx, "database is back; the catalog follows it again", "revision", f.c.View().head.Revision)
	}
}

// prepareTime is for setting up a database on a slow disk, beside others who do.
const prepareTime = 30 * time.Second

func (f *follower) prepare(ctx context.Context) error {
	if f.prepared || f.o.Prepare == nil {
		return nil
	}
	_, err := ask(ctx, f.src, max(prepareTime, f.o.Timeout), func(ctx context.Context, _ func(time.Duration)) (struct{}, error) {
		return struct{}{}, f.o.Prepare(ctx)
	})
	f.prepared = err == nil
	return err
}

func (f *follower) sync(ctx context.Context) error {
	if err := f.prepare(ctx); err != nil {
		return err
	}
	base, start := f.c.View(), time.Now()
	if f.asked && base.ready && !f.behind {
		head, err := f.src.head(ctx, f.o.limits().poll)
		if err != nil {
			return fmt.Errorf("reading the head: %w", err)
		}
		if head == base.head {
			f.c.since.Store(start.UnixNano())
			return nil
		}
	}
	u, err := f.read(ctx, base)
	if err != nil {
		return err
	}
	f.asked = true
	f.sayBehind(ctx, base, u)
	switch u.kind {
	case nothingNew:
		f.c.since.Store(start.UnixNano())
	case change, reload:
		err = f.apply(ctx, base, u, start)
	case lagging:
		return nil // its prefixes are as old
	}
	f.prefixes.wanted = u.prefixes
	return err
}

// read gathers an update from a snapshot.
func (f *follower) read(ctx context.Context, base *View) (*update, error) {
	l := f.o.limits()
	return readSnapshot(ctx, f.src, l.poll, func(s Snapshot, progress func(time.Duration)) (*update, error) {
		r := reader{
			base: base, hash: f.c.hash, settings: f.o.Settings,
			limits: l, limit: l.poll, progress: progress,
		}
		return r.read(s)
	})
}

// apply publishes base with u.
func (f *follower) apply(ctx context.Context, base *View, u *update, at time.Time) error {
	v := u.view(base, f.c.hash)
	if u.kind == reload && base.Files() > 0 && v.Files() == 0 && len(v.world.Mirrors) == 0 {
		f.sayEmpty(ctx, base)
		return nil
	}
	f.empty = false
	if !f.c.publish(base, v, at) {
		return errors.New("the catalog was changed by another than its follower")
	}
	attrs := []any{"files", v.Files(), "mirrors", len(v.world.Mirrors), "revision", v.head.Revision}
	switch {
	case u.kind == change:
		f.log.DebugContext(ctx, "catalog follows a change", attrs...)
	case !base.ready:
		f.log.InfoContext(ctx, "catalog loaded from the database", attrs...)
	default:
		f.prefixes.have = -1 // generations of another history say nothing
		f.log.WarnContext(ctx, "the database has another history than the catalog, or one that went on for too long; "+
			"the catalog was read afresh", append(attrs, "before", base.head.Revision)...)
	}
	return nil
}

// sayEmpty logs that another database is in the place of the one that the
// catalog was read from, and has nothing in it: somebody set it up anew, or the
// file was deleted and mbctl made another. Following it would send all clients
// to the origin; as soon as anything is in it, it is followed.
func (f *follower) sayEmpty(ctx context.Context, base *View) {
	if !f.empty {
		f.log.ErrorContext(ctx, "the database is another one and empty; going on with the catalog as it is until 'mbctl index' has filled it",
			"files", base.Files(), "mirrors", len(base.world.Mirrors), "revision", base.head.Revision)
	}
	f.empty = true
}

// sayBehind logs when a replica falls behind and when it has caught up.
func (f *follower) sayBehind(ctx context.Context, base *View, u *update) {
	behind := u.kind == lagging
	if behind == f.behind {
		return
	}
	f.behind = behind
	if behind {
		f.log.WarnContext(ctx, "the replica is behind the catalog and ignored until it has caught up",
			"replica", u.head.Revision, "revision", base.head.Revision)
	} else {
		f.log.InfoContext(ctx, "the replica has caught up", "revision", u.head.Revision)
	}
}

// leastPause keeps a burst of notifications from becoming a burst of polls.
const leastPause = 50 * time.Millisecond

// pause waits for the next poll, which began at start.
func (f *follower) pause(ctx context.Context, start time.Time) {
	if f.lost {
		sleep(ctx, f.o.Poll) // what notifies is away too
		return
	}
	f.waiter.wait(ctx, f.o.Poll)
	sleep(ctx, min(leastPause, f.o.Poll)-time.Since(start))
}

func sleep(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
