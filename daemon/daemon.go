// Package daemon does what is to be done again and again: scans of all mirrors,
// each at its own times, and jobs such as index runs. Any number of hosts may
// run it on one database: leases and the times stored there see to it that
// everything is done by one of them, and that another goes on when one dies.
//
// What is due follows from what the database says (plan.go); what is done about
// it is in work.go, and the loop that knows both in loop.go.
package daemon

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/scanner"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// Settings are what may change while the daemon runs.
type Settings struct {
	Scans *Scans // nil: mirrors are not scanned by this host
	Jobs  []Job
	// MaxScanAge takes mirrors out whose last good scan is older; 0: 14 days. It
	// matters for what is recorded of their states.
	MaxScanAge time.Duration
}

// Scans are the scans of mirrors.
type Scans struct {
	// Interval is the time between two full scans of a mirror that has none of
	// its own; 0: 6 hours.
	Interval time.Duration
	// AtOnce is how many mirrors are fully scanned at once; scans of folders that
	// somebody asked for have as many places of their own. 0: 4.
	AtOnce int
	// Options of each scan. Jobs, Subtree, Once, Holder, LeaseTTL and Log are the
	// daemon's.
	Options scanner.Options
}

// Job is work that comes again and again, on one host at a time.
type Job struct {
	Name     string
	Interval time.Duration // from the begin of one run to the next
	After    string        // name of another job: this one is due, too, when that one changed something
	Grants   string        // kind of wishes (store.WishIndex) that it grants; "": none
	// Here reports why this host cannot do the job; nil: it always can.
	Here func(ctx context.Context) error
	// Run does it for some folders of the tree; none: for the whole.
	Run func(ctx context.Context, folders []string) (Result, error)
}

// Result says what a run of a job did.
type Result struct {
	Changed bool  // others may have something to do now
	Said    []any // keys and values for the log
}

// Options of Run. Zero values are defaults.
type Options struct {
	Settings
	// Reload gives new settings, or says why the old ones stay. nil: never.
	Reload func() (Settings, error)
	// Reloads asks for Reload with each signal.
	Reloads <-chan os.Signal

	Holder   string        // who is at work, for others to see
	LeaseTTL time.Duration // after which others go on with what a dead host was at; default one minute
	// Drain is how long scans under way may take to end after the daemon was told
	// to; default 0, they are broken off at once. Nothing is lost then.
	Drain time.Duration
	// Once ends when all that was due at the begin is done.
	Once bool
	Unit *Unit        // nil: no service manager is told anything
	Log  *slog.Logger // default: nobody
}

func (o Options) withDefaults() Options {
	o.Settings = o.Settings.withDefaults()
	if o.Holder == "" {
		o.Holder = "daemon"
	}
	if o.LeaseTTL <= 0 {
		o.LeaseTTL = time.Minute
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

const (
	defaultInterval = 6 * time.Hour
	defaultAtOnce   = 4
)

func (s Settings) withDefaults() Settings {
	if s.MaxScanAge <= 0 {
		s.MaxScanAge = mirror.DefaultMaxScanAge
	}
	if s.Scans != nil {
		scans := *s.Scans
		if scans.Interval <= 0 {
			scans.Interval = defaultInterval
		}
		if scans.AtOnce <= 0 {
			scans.AtOnce = defaultAtOnce
		}
		s.Scans = &scans
	}
	return s
}

// ErrSomeFailed is what Run with Once gives when not everything went well.
var ErrSomeFailed = errors.New("some of what was due failed")

const (
	firstWait = time.Second
	lastWait  = 30 * time.Second
)

// Run works until ctx ends and what is under way has, too. It waits for a
// database that is away, at the begin and later. An error is one that waiting
// does not mend; with Once also ErrSomeFailed.
func Run(ctx context.Context, db *store.Store, o Options) error {
	o = o.withDefaults()
	if err := prepare(ctx, db, &o); err != nil || ctx.Err() != nil {
		return err
	}
	w := newWorker(db, &o)
	l := newLoop(&o, w.look, w.do)
	l.forgive = w.forgive
	l.states.record = w.recordStates
	l.changes = func(ctx context.Context) { db.Wait(ctx, lookEvery) }
	return l.run(ctx)
}

// prepare waits for the database.
func prepare(ctx context.Context, db *store.Store, o *Options) error {
	said := false
	for wait := firstWait; ctx.Err() == nil; wait = min(2*wait, lastWait) {
		o.Unit.Extend(2*wait + time.Minute)
		err := db.Prepare(ctx)
		if err == nil || ctx.Err() == nil && (o.Once || !errors.Is(err, store.ErrUnreachable)) {
			return err
		}
		if !said {
			o.Log.Warn("the database is away, waiting for it", "database", db.Describe(), "error", err)
			said = true
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
	return nil // there is nothing to end
}
