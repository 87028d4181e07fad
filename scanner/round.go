package scanner

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// busyPauses are between the turns of a mirror whose server is busy; after them
// the next protocol is tried.
var busyPauses = []time.Duration{30 * time.Second, 90 * time.Second, 4 * time.Minute}

// busyError is a scan to be tried again when the server is less busy.
type busyError struct{ error }

func (e *busyError) Unwrap() error { return e.error }

// round is one call of Scan.
type round struct {
	db      *store.Store
	ix      *index
	o       Options
	mirrors []mirror.Mirror
	reports []Report

	mu    sync.Mutex
	tally tally
	held  []*failure // not remembered yet
}

func newRound(db *store.Store, ix *index, mirrors []mirror.Mirror, o Options) *round {
	r := &round{db: db, ix: ix, o: o, mirrors: mirrors, reports: make([]Report, len(mirrors))}
	for i := range mirrors {
		if wasWell(&mirrors[i]) {
			r.tally.all++
		}
	}
	r.tally.open = r.tally.all
	return r
}

// turn is one attempt at a mirror.
type turn struct{ mirror, attempt int }

// run scans all mirrors. One whose server is busy waits for its next turn
// without keeping others from theirs.
func (r *round) run(ctx context.Context) {
	ready := make(chan turn, len(r.mirrors)) // each mirror is in it once at most
	var open, workers sync.WaitGroup
	open.Add(len(r.mirrors))
	for i := range r.mirrors {
		ready <- turn{mirror: i}
	}
	for range min(r.o.Jobs, len(r.mirrors)) {
		workers.Go(func() {
			for t := range ready {
				if pause := r.take(ctx, t); pause > 0 {
					go func() {
						sleep(ctx, pause)
						ready <- turn{t.mirror, t.attempt + 1}
					}()
					continue
				}
				open.Done()
			}
		})
	}
	open.Wait()
	close(ready)
	workers.Wait()
	r.finish(ctx)
}

// take scans a mirror, and says how long to wait for the next turn; 0: there is
// none, it is done.
func (r *round) take(ctx context.Context, t turn) (pause time.Duration) {
	m := &r.mirrors[t.mirror]
	rep, f := r.scanOne(ctx, *m, t.attempt < len(r.o.busyPauses))
	if _, busy := errors.AsType[*busyError](rep.Err); busy && ctx.Err() == nil {
		pause = r.o.busyPauses[t.attempt]
		r.o.Log.Info("a mirror's server is busy", "mirror", rep.Mirror, "again in", pause, "said", rep.Err)
		return pause
	}
	if t.attempt > 0 && rep.Err == nil {
		rep.note("its server was busy; scanned at the %d. attempt", t.attempt+1)
	}
	r.reports[t.mirror] = rep
	if f != nil {
		f.report = &r.reports[t.mirror]
	}
	for _, f := range r.book(m, &rep, f) {
		r.remember(ctx, f)
	}
	r.o.Progress(Progress{Mirror: m.Name, Protocol: rep.Protocol, Listed: rep.Listed, Done: true})
	return 0
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// failure is a scan that failed by the mirror's fault, as far as one can tell
// from it alone. It is remembered once it is clear that not all fails at once.
type failure struct {
	m       mirror.Mirror // as it was
	subtree string
	at      time.Time
	lost    *roaring.Bitmap // what the mirror loses in any case; nil: nothing
	report  *Report
}

func (s *scan) failure() *failure {
	return &failure{m: s.m, subtree: s.o.Subtree, at: time.Now(), lost: s.lost}
}

// book counts a mirror that is done, and gives the failures that can be
// remembered now.
func (r *round) book(m *mirror.Mirror, rep *Report, f *failure) []*failure {
	r.mu.Lock()
	defer r.mu.Unlock()
	if wasWell(m) {
		r.tally.open--
		switch {
		case f != nil:
			r.tally.failed++
		case rep.Err == nil && rep.Skipped == "":
			r.tally.good++
		}
	}
	if f != nil {
		r.held = append(r.held, f)
	}
	if r.tally.mayDoubt() {
		return nil
	}
	now := r.held
	r.held = nil
	return now
}

// finish decides about what is still held back when all are done.
func (r *round) finish(ctx context.Context) {
	if !r.tally.doubts() {
		for _, f := range r.held {
			r.remember(ctx, f)
		}
		return
	}
	doubt := r.tally.text()
	if ctx.Err() == nil {
		doubt += r.ownTrouble(ctx)
	} else {
		doubt += "the scan was interrupted before that could be looked into"
	}
	for _, f := range r.held {
		f.report.Doubt = doubt
	}
}

// remember stores a failure and takes away what the mirror loses in any case,
// unless another scan has been there since. A folder's failure does not say that
// the mirror is bad.
func (r *round) remember(ctx context.Context, f *failure) {
	if r.o.DryRun || f.subtree != "" && f.lost == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tidyTime)
	defer cancel()
	if err := r.store(ctx, f); err != nil {
		r.o.Log.Warn("remembering a failed scan failed", "mirror", f.m.Name, "error", err)
	}
}

func (r *round) store(ctx context.Context, f *failure) error {
	lease, err := r.db.Acquire(ctx, LeaseName(f.m.ID, f.subtree), r.o.Holder, r.o.LeaseTTL)
	if errors.Is(err, store.ErrLeased) {
		return nil // that scan will tell
	} else if err != nil {
		return err
	}
	defer func() {
		if err := r.db.Release(ctx, lease); err != nil {
			r.o.Log.Warn("releasing a lease failed, it ends by itself", "lease", lease.Name, "error", err)
		}
	}()
	all, err := r.db.Mirrors(ctx)
	if err != nil {
		return err
	}
	same := func(m mirror.Mirror) bool {
		return m.ID == f.m.ID && m.Scan.Succeeded.Equal(f.m.Scan.Succeeded) && m.Scan.Attempted.Equal(f.m.Scan.Attempted)
	}
	if !slices.ContainsFunc(all, same) {
		return nil
	}
	if f.lost != nil {
		if err := r.db.SetHeld(ctx, f.m.ID, nil, f.lost, r.o.Holder); err != nil {
			return err
		}
		f.report.Removed = f.lost.GetCardinality()
		f.report.note("%d files that are listed as something else are no longer credited", f.report.Removed)
	}
	if f.subtree != "" {
		return nil
	}
	return r.db.ScanFailed(ctx, lease, store.ScanFailure{
		Mirror: f.m.ID, Started: f.report.Started, At: f.at, Protocol: f.report.Protocol, Response: f.report.Response, Reason: f.report.Err.Error(),
	})
}
