package daemon

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

const (
	lookEvery = 15 * time.Second       // how often the database is looked at
	lookPause = 500 * time.Millisecond // between two looks at least
	tick      = 5 * time.Second        // how often the loop turns when nothing happens
	// ahead is how much earlier a mirror is scanned when another is being scanned:
	// both share the index in memory.
	ahead = 5 * time.Minute
	// stuck is how long the database may be neither there nor away before the
	// service manager is not told any more that all is well.
	stuck = 5 * time.Minute
	// folderTasks is how many folders are scanned at once.
	folderTasks = 2
	// breakOff is how long what was broken off may take to tidy up.
	breakOff = 15 * time.Second
)

// loop starts what is due. One goroutine owns it; look and do run in others.
type loop struct {
	o       *Options
	s       Settings
	log     *slog.Logger
	look    func(context.Context) (*world, error)
	do      func(context.Context, *Settings, task) outcome
	changes func(context.Context) // returns when the database may have changed
	// forgive lets mirrors be that were first found failing since a time.
	forgive func(context.Context, time.Time)

	see     *world // nil: nothing was seen yet
	heard   time.Time
	away    string // why the database cannot be looked at; "" it can
	ready   bool
	running map[string]task
	ended   map[string]time.Time // since when a task is over whose traces see may not show
	pauses  map[string]time.Time // until when a task is left alone
	after   map[string]bool      // jobs that are due because of another
	tried   map[string]bool      // with Options.Once
	failed  bool
	doubt   doubt
	states  states

	looks  chan look
	ends   chan outcome
	kick   chan struct{} // asks for a look
	cancel context.CancelFunc
}

type look struct {
	see *world
	err error
}

func newLoop(o *Options, see func(context.Context) (*world, error), do func(context.Context, *Settings, task) outcome) *loop {
	return &loop{
		o: o, s: o.Settings, log: o.Log, look: see, do: do, changes: func(ctx context.Context) { <-ctx.Done() },
		forgive: func(context.Context, time.Time) {},
		running: map[string]task{}, ended: map[string]time.Time{}, pauses: map[string]time.Time{},
		after: map[string]bool{}, tried: map[string]bool{}, states: newStates(),
		looks: make(chan look), ends: make(chan outcome), kick: make(chan struct{}, 1),
	}
}

// run works until ctx ends, then drains.
func (l *loop) run(ctx context.Context) error {
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	l.cancel = cancel
	watching, stop := context.WithCancel(ctx)
	defer stop()
	go l.watch(watching)
	go l.listen(watching)
	l.heard = time.Now()
	for {
		l.start(work)
		if l.o.Once && l.ready && len(l.running) == 0 && !l.pending() {
			l.lastStates(work)
			return l.verdict()
		}
		l.recordStates(work)
		l.tell()
		select {
		case <-ctx.Done():
			return l.drain()
		case seen := <-l.looks:
			if l.looked(seen); seen.err != nil && l.o.Once && len(l.running) == 0 {
				return seen.err
			}
		case o := <-l.ends:
			l.end(work, o)
		case <-l.o.Reloads:
			l.reload()
		case <-time.After(l.turn()):
		}
	}
}

// turn is how long the loop may wait at most.
func (l *loop) turn() time.Duration {
	if l.o.Unit != nil && l.o.Unit.Watchdog > 0 {
		return min(tick, l.o.Unit.Watchdog/2)
	}
	return tick
}

// watch looks at the database again and again, more slowly while it is away.
func (l *loop) watch(ctx context.Context) {
	wait := firstWait
	for ctx.Err() == nil {
		see, err := l.look(ctx)
		select {
		case l.looks <- look{see, err}:
		case <-ctx.Done():
			return
		}
		if err != nil {
			pause(ctx, wait)
			wait = min(2*wait, lastWait)
			continue
		}
		wait = firstWait
		pause(ctx, lookPause)
		select {
		case <-l.kick:
		case <-time.After(lookEvery):
		case <-ctx.Done():
		}
	}
}

// listen asks for a look when the database says that it changed.
func (l *loop) listen(ctx context.Context) {
	for ctx.Err() == nil {
		l.changes(ctx)
		l.lookSoon()
		pause(ctx, lookPause)
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

func (l *loop) lookSoon() {
	select {
	case l.kick <- struct{}{}:
	default:
	}
}

// looked takes what was seen.
func (l *loop) looked(seen look) {
	l.heard = time.Now()
	if seen.err != nil {
		why := "away"
		if !errors.Is(seen.err, store.ErrUnreachable) {
			why = seen.err.Error()
		}
		if l.away != why {
			l.log.Error("the database cannot be read, trying again", "error", seen.err)
		}
		l.away = why
		return
	}
	if l.away != "" {
		l.log.Info("the database is back")
		l.away = ""
	}
	l.see = seen.see
	for key, at := range l.ended {
		if at.Before(seen.see.began) {
			delete(l.ended, key)
		}
	}
	if !l.ready {
		l.ready = true
		l.log.Info("ready", "mirrors", len(l.see.mirrors), "jobs", len(l.s.Jobs))
		l.o.Unit.Ready()
	}
}

// start begins what is due and has a place.
func (l *loop) start(ctx context.Context) {
	if l.see == nil || l.away != "" {
		return
	}
	now := time.Now()
	for _, t := range l.due(now) {
		if l.places(t.kind) == 0 {
			continue
		}
		l.running[t.key] = t
		l.tried[t.key] = true
		if t.job != nil {
			delete(l.after, t.job.Name)
		}
		s := l.s
		go func() { l.ends <- l.do(ctx, &s, t) }()
	}
}

// due gives the tasks that may begin now.
func (l *loop) due(now time.Time) []task {
	var out []task
	for _, t := range plan(&l.s, l.see, now) {
		_, running := l.running[t.key]
		_, over := l.ended[t.key]
		switch {
		case running, over, now.Before(l.pauses[t.key]), l.o.Once && l.tried[t.key]:
		case t.kind == fullScan && l.doubt.holds(now), l.crowds(t):
		case l.o.Once && l.indexing(): // the others profit from it
		case !t.due.After(now), t.job != nil && l.after[t.job.Name]:
			out = append(out, t)
		case t.kind == fullScan && !l.o.Once && l.count(fullScan) > 0 && !t.due.After(now.Add(min(ahead, l.s.Scans.Interval/10))):
			out = append(out, t)
		}
	}
	if i := slices.IndexFunc(out, task.indexes); l.o.Once && i >= 0 {
		return out[i : i+1]
	}
	return out
}

// crowds reports whether a task would take a second place for one mirror alone:
// notes of a mirror that dawdles must not keep others from theirs.
func (l *loop) crowds(t task) bool {
	if t.kind != folderScan || len(t.mirrors) != 1 {
		return false
	}
	for _, o := range l.running {
		if o.kind == folderScan && len(o.mirrors) == 1 && o.mirrors[0].ID == t.mirrors[0].ID {
			return true
		}
	}
	return false
}

// indexing reports whether the index is being brought up to date here.
func (l *loop) indexing() bool {
	for _, t := range l.running {
		if t.indexes() {
			return true
		}
	}
	return false
}

func (t task) indexes() bool { return t.job != nil && t.job.Grants == store.WishIndex }

// places is how many more tasks of a kind may begin.
func (l *loop) places(k kind) int {
	switch k {
	case fullScan:
		return max(0, l.s.Scans.AtOnce-l.count(fullScan))
	case folderScan, missScan:
		return max(0, folderTasks-l.count(folderScan)-l.count(missScan))
	default: // as many as there are keys
		return 1
	}
}

func (l *loop) count(k kind) (n int) {
	for _, t := range l.running {
		if t.kind == k {
			n++
		}
	}
	return n
}

// end takes the outcome of a task.
func (l *loop) end(ctx context.Context, o outcome) {
	t := l.running[o.key]
	delete(l.running, o.key)
	now := time.Now()
	l.ended[o.key] = now
	if o.pause > 0 {
		l.pauses[o.key] = now.Add(o.pause)
	}
	for key, until := range l.pauses {
		if until.Before(now) {
			delete(l.pauses, key)
		}
	}
	if o.changed && t.job != nil {
		for _, j := range l.s.Jobs {
			if j.After == t.job.Name {
				l.after[j.Name] = true
				delete(l.tried, LeaseName(j.Name))
			}
		}
	}
	l.failed = l.failed || o.failed
	l.states.soon()
	if l.doubt.note(now, o) {
		l.log.Error("most scans fail: is something wrong with this host's network or DNS? Scans pause, and the failures are not held against the mirrors", "pause", doubtPause.String())
		l.forgiving(ctx, now.Add(-doubtAge))
	}
	l.lookSoon()
}

// forgiving has the failures since a time forgotten, in the background.
func (l *loop) forgiving(ctx context.Context, since time.Time) {
	go func() {
		bounded, cancel := context.WithTimeout(ctx, lookTimeout)
		defer cancel()
		l.forgive(bounded, since)
		l.lookSoon()
	}()
}

// recordStates has the states of mirrors recorded, if it is time and the database
// is there.
func (l *loop) recordStates(ctx context.Context) {
	if l.see != nil && l.away == "" {
		l.states.turn(ctx, time.Now(), l.s.MaxScanAge)
	}
}

// lastStates has the states recorded before the end.
func (l *loop) lastStates(ctx context.Context) {
	bounded, cancel := context.WithTimeout(ctx, tidyTime)
	defer cancel()
	l.states.end(bounded, l.s.MaxScanAge)
}

// pending reports, with Once, whether something is still to be done.
func (l *loop) pending() bool { return len(l.ended) > 0 || len(l.due(time.Now())) > 0 }

func (l *loop) verdict() error {
	if l.failed {
		return ErrSomeFailed
	}
	return nil
}

// reload takes new settings over.
func (l *loop) reload() {
	if l.o.Reload == nil {
		return
	}
	l.o.Unit.Reloading()
	s, err := l.o.Reload()
	if err != nil {
		l.log.Error("the configuration stays as it was", "error", err)
	} else {
		l.s = s.withDefaults()
		l.log.Info("configuration read again")
	}
	if l.ready {
		l.o.Unit.Ready()
	}
}

// drain lets what is under way end for a while, then breaks it off.
func (l *loop) drain() error {
	l.o.Unit.Stopping()
	l.o.Unit.Extend(l.o.Drain + breakOff)
	if len(l.running) > 0 {
		l.log.Info("ending: waiting for what is under way", "tasks", len(l.running), "at_most", l.o.Drain.String())
	}
	over := time.After(l.o.Drain)
	if l.o.Drain <= 0 {
		l.cancel()
	}
	for broken := false; len(l.running) > 0; {
		l.o.Unit.Alive()
		l.o.Unit.Status(l.status("ending: "))
		select {
		case o := <-l.ends:
			delete(l.running, o.key)
			l.failed = l.failed || o.failed
		case <-l.looks: // one that was on its way
		case <-time.After(l.turn()):
		case <-over:
			if broken {
				l.log.Warn("ended without what does not end", "tasks", len(l.running))
				return nil
			}
			l.cancel()
			broken, over = true, time.After(breakOff)
		}
	}
	l.log.Info("ended")
	return nil
}
