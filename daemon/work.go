package daemon

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/scanner"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// outcome says how a task ended.
type outcome struct {
	key     string
	pause   time.Duration // before it is tried again, whatever the plan says
	changed bool          // others may have something to do
	failed  bool
	// first: it is the first failure of a mirror that was well, or a good scan.
	first, good bool
}

const (
	// takenPause is how long something is left alone that another host is at.
	takenPause = 15 * time.Second
	// failedPause is how long something is left alone whose failure the database
	// knows nothing of.
	failedPause = time.Minute
	lookTimeout = time.Minute
	tidyTime    = 5 * time.Second // for what is to be done after an interruption
)

// worker does tasks.
type worker struct {
	db      *store.Store
	o       *Options
	log     *slog.Logger
	session *scanner.Session
	laggard laggards

	mu   sync.Mutex
	said map[string]string // why this host does not do a job, by name
}

func newWorker(db *store.Store, o *Options) *worker {
	return &worker{db: db, o: o, log: o.Log, session: scanner.NewSession(db), laggard: laggards{db: db}, said: map[string]string{}}
}

// look reads what plan needs to know.
func (w *worker) look(ctx context.Context) (*world, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	see := &world{began: time.Now(), jobs: map[string]store.Job{}, leased: map[string]bool{}}
	origin, err := w.db.Origin(ctx)
	if err != nil {
		return nil, err
	}
	see.indexed = !origin.IndexedAt.IsZero()
	if see.mirrors, err = w.db.Mirrors(ctx); err != nil {
		return nil, err
	}
	if see.wishes, err = w.db.Wishes(ctx); err != nil {
		return nil, err
	}
	if see.misses, err = w.db.Misses(ctx); err != nil {
		return nil, err
	}
	jobs, err := w.db.Jobs(ctx)
	if err != nil {
		return nil, err
	}
	for _, j := range jobs {
		see.jobs[j.Name] = j
	}
	leases, err := w.db.Leases(ctx)
	if err != nil {
		return nil, err
	}
	for _, l := range leases {
		see.leased[l.Name] = true
	}
	if see.behind, err = w.laggard.find(ctx, see.mirrors); err != nil {
		return nil, err
	}
	return see, nil
}

// do does a task under what leases it needs.
func (w *worker) do(ctx context.Context, s *Settings, t task) outcome {
	o := outcome{key: t.key}
	var err error
	switch t.kind {
	case fullScan:
		err = w.fullScan(ctx, s.Scans, t, &o)
	case folderScan:
		err = w.folderScan(ctx, s.Scans, t)
	case missScan:
		err = w.missScan(ctx, s.Scans, t)
	case jobRun:
		err = w.job(ctx, t, &o)
	case granting:
		err = w.grant(ctx, t.wishes)
	}
	switch {
	case errors.Is(err, store.ErrLeased):
		o.pause = takenPause
	case err != nil && ctx.Err() == nil:
		o.failed, o.pause = true, max(o.pause, failedPause)
		w.log.Error("something that is due was not done", "task", t.key, "error", err)
	}
	return o
}

// under runs fn under a lease; began is when it was taken, by the database's
// clock. An error that is ErrLeased: another host has it.
func (w *worker) under(ctx context.Context, name string, fn func(ctx context.Context, began time.Time) error) error {
	lease, err := w.db.Acquire(ctx, name, w.o.Holder, w.o.LeaseTTL)
	if err != nil {
		return err
	}
	kept, stop := w.db.Keep(ctx, &lease, w.o.LeaseTTL)
	err = fn(kept, lease.Until.Add(-w.o.LeaseTTL))
	if cause := context.Cause(kept); err != nil && cause != nil {
		err = cause
	}
	stop()
	tidy, cancel := context.WithTimeout(context.WithoutCancel(ctx), tidyTime)
	defer cancel()
	if rerr := w.db.Release(tidy, lease); rerr != nil {
		w.log.Debug("releasing a lease failed, it ends by itself", "lease", name, "error", rerr)
	}
	return err
}

func (w *worker) options(s *Scans) scanner.Options {
	o := s.Options
	o.Jobs, o.Holder, o.LeaseTTL, o.Log = s.AtOnce, w.o.Holder, w.o.LeaseTTL, w.log
	return o
}

// fullScan scans a mirror, and grants the wishes for that.
func (w *worker) fullScan(ctx context.Context, s *Scans, t task, o *outcome) error {
	so := w.options(s)
	so.Jobs, so.Once = 1, true
	reports, err := w.session.Scan(ctx, t.mirrors, so)
	if err != nil {
		return err
	}
	r := &reports[0]
	w.report(r)
	switch {
	case r.Skipped != "":
		o.pause = takenPause
	case r.Err == nil:
		o.good = true
		err = w.grant(ctx, t.wishes)
	case ctx.Err() != nil: // broken off
	case noScan(r.Err):
		o.failed, o.pause = true, failedPause
	default:
		o.failed, o.pause, o.first = true, failedPause, t.mirrors[0].Scan.Failures == 0
		err = w.grant(ctx, t.wishes)
	}
	return err
}

// forgive forgets the failures of mirrors that were well until since.
func (w *worker) forgive(ctx context.Context, since time.Time) {
	mirrors, err := w.db.Mirrors(ctx)
	for i := range mirrors {
		if m := &mirrors[i]; err == nil && m.Scan.FailingSince.After(since) {
			err = w.db.ForgetFailures(ctx, m.ID, since)
		}
	}
	if err != nil {
		w.log.Error("forgetting the failures of mirrors failed; their next good scans will", "error", err)
	}
}

// folderScan scans a folder at some mirrors, for the wishes that this host is
// the first to take up.
func (w *worker) folderScan(ctx context.Context, s *Scans, t task) error {
	return w.under(ctx, "wish/"+mirror.EscapePath(t.folder), func(ctx context.Context, _ time.Time) error {
		now, err := w.db.Wishes(ctx)
		if err != nil {
			return err
		}
		// What another host has granted since is done; what was asked for again
		// since then is done now.
		var left []store.Wish
		for _, wish := range now {
			if slices.ContainsFunc(t.wishes, func(o store.Wish) bool { return o.ID == wish.ID }) {
				left = append(left, wish)
			}
		}
		if len(left) == 0 {
			return nil
		}
		busy, err := w.scanFolder(ctx, s, t, t.folder)
		if err != nil {
			return err
		}
		return w.grant(ctx, slices.DeleteFunc(left, func(wish store.Wish) bool { return busy[wish.Mirror] }))
	})
}

// missScan scans what clients asked for in vain.
func (w *worker) missScan(ctx context.Context, s *Scans, t task) error {
	return w.under(ctx, missLease, func(ctx context.Context, began time.Time) error {
		now, err := w.db.Misses(ctx)
		if err != nil {
			return err
		}
		var folders []string
		var left []store.Miss
		for _, m := range now {
			if m.Wanted() && slices.ContainsFunc(t.misses, func(o store.Miss) bool { return o.ID == m.ID && o.Scans == m.Scans }) {
				folders, left = append(folders, m.Folder), append(left, m)
			}
		}
		for _, folder := range gather(folders, missFolders) {
			some := t
			some.mirrors = slices.Clone(t.mirrors)
			some.mirrors = slices.DeleteFunc(some.mirrors, func(m mirror.Mirror) bool { return !carries(&m, folder) })
			if _, err := w.scanFolder(ctx, s, some, folder); err != nil {
				return err
			}
		}
		for _, m := range left {
			if err := w.db.MissScanned(ctx, m, began); err != nil {
				return err
			}
		}
		return nil
	})
}

// scanFolder scans a folder of the mirrors of a task. That some mirrors fail is
// no error: their next scan will see to it. Those are busy that another scans
// just now: that scan may have passed already what was to be seen.
func (w *worker) scanFolder(ctx context.Context, s *Scans, t task, folder string) (busy map[mirror.ID]bool, err error) {
	if len(t.mirrors) == 0 {
		return nil, nil
	}
	began, held, failed := time.Now(), uint64(0), 0
	so := w.options(s)
	so.Subtree = folder
	reports, err := w.session.Scan(ctx, t.mirrors, so)
	if err != nil {
		return nil, err
	}
	if ctx.Err() != nil { // some may have been left out
		err = context.Cause(ctx)
	}
	busy = map[mirror.ID]bool{}
	for i := range reports {
		w.report(&reports[i])
		if reports[i].Leased {
			for _, m := range t.mirrors {
				busy[m.ID] = busy[m.ID] || m.Name == reports[i].Mirror
			}
		}
		held += reports[i].Added
		if reports[i].Err != nil {
			failed++
			err = errors.Join(err, notOver(ctx, reports[i].Err))
		}
	}
	w.log.Info("folder scanned", "folder", folder, "mirrors", len(reports), "failed", failed, "added", held,
		"took", time.Since(began).Round(time.Millisecond).String())
	return busy, err
}

// notOver gives an error that says that a scan was not one.
func notOver(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if noScan(err) {
		return err
	}
	return nil
}

// noScan reports whether a scan came to nothing by no fault of the mirror's, so
// that what asked for it still does.
func noScan(err error) bool {
	for _, e := range []error{store.ErrUnreachable, store.ErrLeaseLost, store.ErrFull, store.ErrReadOnly, scanner.ErrEdited} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// report logs one scan.
func (w *worker) report(r *scanner.Report) {
	attrs := []any{"mirror", r.Mirror, "took", r.Took.Round(time.Millisecond).String()}
	if r.Subtree != "" {
		attrs = append(attrs, "folder", r.Subtree)
	}
	switch {
	case r.Skipped != "":
		w.log.Debug("scan skipped", append(attrs, "why", r.Skipped)...)
		return
	case errors.Is(r.Err, context.Canceled):
		w.log.Info("scan broken off, nothing changed", attrs...)
		return
	}
	if len(r.Notes) > 0 {
		attrs = append(attrs, "notes", r.Notes)
	}
	if r.Advice != "" {
		attrs = append(attrs, "advice", r.Advice)
	}
	if r.Err != nil {
		w.log.Warn("scan failed", append(attrs, "error", r.Err)...)
		return
	}
	w.log.Info("mirror scanned", append(attrs, "protocol", r.Protocol, "listed", r.Listed, "held", r.Held,
		"added", r.Added, "removed", r.Removed, "stale", r.Stale, "unknown", r.Unknown)...)
}

// grant takes wishes away, also after an interruption: they are granted.
func (w *worker) grant(ctx context.Context, wishes []store.Wish) error {
	if len(wishes) == 0 {
		return nil
	}
	tidy, cancel := context.WithTimeout(context.WithoutCancel(ctx), tidyTime)
	defer cancel()
	for _, wish := range wishes {
		if err := w.db.Grant(tidy, wish); err != nil {
			return err
		}
	}
	return nil
}
