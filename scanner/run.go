package scanner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing/httphead"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

const (
	leaseTTL = time.Minute
	headTime = 20 * time.Second // longest wait for one HEAD
	tidyTime = 5 * time.Second  // for what is to be done after an interruption
)

// LeaseName is the lease under which a folder of a mirror is scanned; "" is all
// of the mirror.
func LeaseName(id mirror.ID, subtree string) string {
	return fmt.Sprintf("scan/%d/%s", id, mirror.EscapePath(subtree)) // names of leases are text
}

// scan is the scan of one mirror.
type scan struct {
	db     *store.Store
	ix     *index
	m      mirror.Mirror
	o      Options
	lease  store.Lease
	folder string          // of the tree, that the scan is about
	below  string          // the same, below the mirror's URLs
	before store.Holdings  // what the mirror was known to hold
	within *roaring.Bitmap // all ids known in folder
	web    *web            // asks the mirror's web server
	report *Report
}

// scanOne scans one mirror under its lease and says how that went.
func scanOne(ctx context.Context, db *store.Store, ix *index, m mirror.Mirror, o Options) Report {
	r := Report{Mirror: m.Name, Subtree: o.Subtree, Started: time.Now(), DryRun: o.DryRun}
	folder, below, ok := bound(&m, o.Subtree)
	if !ok {
		r.Skipped = fmt.Sprintf("carries %s/ alone", m.Subtree)
		return r
	}
	if err := ctx.Err(); err != nil {
		r.Skipped = "interrupted"
		return r
	}
	if below == "" {
		o.Subtree = "" // all that the mirror carries
	}
	lease, err := db.Acquire(ctx, LeaseName(m.ID, o.Subtree), o.Holder, o.LeaseTTL)
	if err != nil {
		if errors.Is(err, store.ErrLeased) {
			r.Skipped = "another scan of it is under way"
			if le, ok := errors.AsType[*store.LeasedError](err); ok {
				r.Skipped += " (" + le.Holder + ")"
			}
		} else {
			r.Err = err
		}
		return r
	}
	if m, ok = refresh(ctx, db, m, &o, &r); ok {
		s := &scan{db: db, ix: ix, m: m, o: o, lease: lease, folder: folder, below: below, within: ix.below[folder], report: &r}
		s.underLease(ctx)
	}
	tidy, cancel := context.WithTimeout(context.WithoutCancel(ctx), tidyTime)
	defer cancel()
	if err := db.Release(tidy, lease); err != nil {
		o.Log.Warn("releasing a lease failed, it ends by itself", "lease", lease.Name, "error", err)
	}
	r.finish()
	return r
}

// underLease scans while the lease is ours, and remembers a failure.
func (s *scan) underLease(ctx context.Context) {
	kept, stop := s.db.Keep(ctx, &s.lease, s.o.LeaseTTL)
	s.web = newWeb(&s.m, min(s.o.Timeout, headTime))
	err := s.run(kept)
	if err != nil && context.Cause(kept) != nil {
		err = context.Cause(kept) // interrupted, or the lease was lost
	}
	s.web.close()
	stop()
	if s.report.Err = err; err == nil || ctx.Err() != nil || notItsFault(err) {
		return
	}
	tidy, cancel := context.WithTimeout(context.WithoutCancel(ctx), tidyTime)
	defer cancel()
	s.fail(tidy)
}

// fail remembers why the scan failed. A folder's failure does not say that the
// mirror is bad.
func (s *scan) fail(ctx context.Context) {
	if s.o.DryRun || s.o.Subtree != "" {
		return
	}
	if err := s.db.ScanFailed(ctx, s.lease, s.m.ID, time.Now(), s.report.Err.Error()); err != nil {
		s.o.Log.Warn("remembering a failed scan failed", "mirror", s.m.Name, "error", err)
	}
}

func (s *scan) run(ctx context.Context) error {
	var err error
	if s.before, err = s.db.HoldingsOf(ctx, s.m.ID); err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if s.before.Held == nil {
		s.before.Held = roaring.New()
	}
	if s.before.Exact == nil {
		s.before.Exact = roaring.New()
	}
	var failed []string
	missing := ""
	ways := s.ways()
	end := time.Now().Add(s.o.MaxTime)
	for i, w := range ways {
		left := time.Until(end)
		if i < len(ways)-1 {
			left /= 2 // for the next, if this one dawdles
		}
		err := s.try(ctx, w, max(left, s.o.Timeout))
		switch _, next := errors.AsType[*listError](err); {
		case err == nil:
			return nil
		case !next || ctx.Err() != nil:
			return err
		case errors.Is(err, listing.ErrNoFolder):
			missing = w.protocol
		}
		failed = append(failed, err.Error())
		s.report.note("%v", err)
	}
	switch {
	case len(failed) == 0:
		return fmt.Errorf("has no URL for %s", strings.Join(s.o.Protocols, ", "))
	case missing != "" && (s.below != "" || s.before.Held.Intersects(s.within)):
		// What was there is gone, or the server is at fault: HEAD will tell. And a
		// mirror need not have every folder.
		return s.conclude(ctx, missing, s.newMatcher(nil, nil), listing.Summary{})
	}
	// The error says it all; the notes are for when one way failed and another
	// did.
	s.report.Notes = s.report.Notes[:len(s.report.Notes)-len(failed)]
	return errors.New(strings.Join(failed, "; "))
}

// try lists in one way, within limit, and brings the result to its end.
func (s *scan) try(ctx context.Context, w way, limit time.Duration) error {
	l, err := s.o.Open(w.url, listing.Options{
		Timeout: s.o.Timeout, PasswordFile: s.m.RsyncPasswordFile, RsyncProgram: s.o.RsyncProgram,
		Log: func(msg string) {
			s.o.Log.Info("listing a mirror", "mirror", s.m.Name, "protocol", w.protocol, "oddity", msg)
		},
	})
	if err != nil {
		return &listError{w, err}
	}
	l = listing.Bounded(l, listing.Limits{Time: limit, Idle: listing.IdleFor(s.o.Timeout), Entries: s.o.MaxEntries})
	asking, done := context.WithTimeout(ctx, limit) // entries wait for questions
	defer done()
	q := newQueue(asking, s.asking())
	proof := &sample{before: s.before.Held}
	m := s.newMatcher(q, proof.add)
	n := 0
	sum, err := l.List(ctx, s.below, func(e listing.Entry) error {
		if n++; n&1023 == 0 {
			s.o.Progress(Progress{Mirror: s.m.Name, Protocol: w.protocol, Listed: n})
		}
		m.entry(e)
		return ctx.Err()
	})
	if err == nil {
		m.end()
	}
	q.finish(m)
	if err != nil {
		return &listError{w, listing.Plain(err)}
	}
	s.report.proof = proof
	return s.conclude(ctx, w.protocol, m, sum)
}

func (s *scan) newMatcher(q asker, onHeld func(string, mirror.Version)) *matcher {
	m := newMatcher(s.ix, s.m.Subtree, s.before.Exact, q)
	m.alias, m.onHeld = s.ix.alias, onHeld
	return m
}

// asking gives the function that asks the mirror for a path; nil without a web
// server.
func (s *scan) asking() func(context.Context, string) (httphead.Answer, error) {
	if len(s.m.HTTP) == 0 {
		return nil
	}
	return func(ctx context.Context, path string) (httphead.Answer, error) {
		return s.web.head(ctx, s.url(s.m.HTTP[0], path))
	}
}

// url is where a base URL has a path of the tree.
func (s *scan) url(base, path string) string {
	return base + mirror.EscapePath(stripPrefix(path, s.m.Subtree))
}

// conclude decides what the listing means, proves it and commits it.
func (s *scan) conclude(ctx context.Context, protocol string, m *matcher, sum listing.Summary) error {
	if err := s.late(ctx, m); err != nil {
		return err
	}
	s.report.take(protocol, m, sum)
	if advice := m.grounds.advice(m.counts, s.ix, &s.m, s.ix.folders); advice != "" {
		s.report.Advice = advice
	}
	all := s.within
	if protocol == "http" && m.counts.Listed > 0 {
		// Web servers leave names that begin with a dot out of their pages.
		all = roaring.AndNot(all, s.ix.hidden)
	}
	set := m.sets(all, sum.Complete())
	if err := s.guard(ctx, &set, m.lost, sum.Complete()); err != nil {
		return err
	}
	if !sum.Complete() {
		if err := s.checkAbsent(ctx, &set); err != nil {
			return err
		}
	}
	if err := s.prove(ctx, &set); err != nil {
		if ctx.Err() != nil {
			return err
		}
		// What is listed as something else is that, whatever HEAD says.
		return cmp.Or(s.keepLost(ctx, roaring.And(s.before.Held, m.lost), set.found), err)
	}
	return s.commit(ctx, protocol, set, m.lost)
}

// late tries what fitted nothing against versions that the index has added
// since the scan began.
func (s *scan) late(ctx context.Context, m *matcher) error {
	wanted := make(map[string]bool, len(m.late))
	for i := range m.late {
		wanted[m.late[i].path] = true
	}
	news, err := s.ix.since(ctx, s.db, wanted)
	if err != nil {
		return err
	}
	m.retry(func(path string) ([]mirror.Version, bool) {
		vs, ok := news[path]
		return vs, ok
	})
	return nil
}

func (s *scan) commit(ctx context.Context, protocol string, set sets, lost *roaring.Bitmap) error {
	if s.o.DryRun {
		was := roaring.And(s.before.Held, set.knew)
		s.report.Added = roaring.AndNot(set.found, was).GetCardinality()
		s.report.Removed = roaring.AndNot(was, set.found).GetCardinality()
		s.report.Held = set.found.GetCardinality()
		return nil
	}
	out, err := s.db.CommitScan(ctx, s.lease, store.ScanResult{
		Mirror: s.m.ID, Subtree: s.o.Subtree, Started: s.report.Started, Protocol: protocol,
		FilesPerSec: s.report.speed(), Knew: set.knew, Found: set.found, Exact: set.sized,
		Before: s.before.Held, Lost: roaring.AndNot(lost, set.found), Still: s.still,
		Enable: s.o.Enable, Who: s.o.Holder,
	})
	switch {
	case errors.Is(err, store.ErrNotFound):
		return fmt.Errorf("the mirror was deleted during the scan: %w", err)
	case err != nil:
		return err
	}
	s.report.Added, s.report.Removed, s.report.Held = out.Added, out.Removed, out.Held
	return nil
}
