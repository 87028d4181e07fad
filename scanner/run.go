package scanner

import (
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

// leaseTTL is how long a scan's lease outlives a host that died.
const leaseTTL = time.Minute

const (
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
	target

	db     *store.Store
	ix     *index
	m      mirror.Mirror
	o      Options
	lease  store.Lease
	before store.Holdings  // what the mirror was known to hold
	within *roaring.Bitmap // all ids known in folder
	filter *filter         // what is not looked at; nil: all is
	web    *web            // asks the mirror's web server
	large  *roaring.Bitmap // ids of large files that the listing shows
	lost   *roaring.Bitmap // what a scan that failed takes away nevertheless; nil: nothing
	later  bool            // there is another turn for a server that is busy
	waits  waits           // for the answers about samples
	report *Report
}

// scanOne scans one mirror under its lease and says how that went, and what is
// to be remembered if it failed by the mirror's fault.
func (r *round) scanOne(ctx context.Context, m mirror.Mirror, later bool) (rep Report, f *failure) {
	o := r.o
	rep = Report{Mirror: m.Name, Subtree: o.Subtree, Started: time.Now(), DryRun: o.DryRun}
	t, ok := targetOf(&m, o.Subtree)
	if !ok {
		rep.Skipped = fmt.Sprintf("carries %s/ alone", m.Subtree)
		return rep, nil
	}
	if err := ctx.Err(); err != nil {
		rep.Skipped = "interrupted"
		return rep, nil
	}
	if t.whole {
		o.Subtree = ""
	}
	lease, err := r.db.Acquire(ctx, LeaseName(m.ID, o.Subtree), o.Holder, o.LeaseTTL)
	if err != nil {
		rep.notLeased(err)
		return rep, nil
	}
	if m, ok = refresh(ctx, r.db, m, &o, &rep); ok {
		s := &scan{target: t, db: r.db, ix: r.ix, m: m, o: o, lease: lease, within: r.ix.below[t.folder], later: later, report: &rep}
		f = s.underLease(ctx)
	}
	tidy, cancel := context.WithTimeout(context.WithoutCancel(ctx), tidyTime)
	defer cancel()
	if err := r.db.Release(tidy, lease); err != nil {
		o.Log.Warn("releasing a lease failed, it ends by itself", "lease", lease.Name, "error", err)
	}
	rep.finish()
	return rep, f
}

// underLease scans while the lease is ours.
func (s *scan) underLease(ctx context.Context) *failure {
	var err error
	if s.filter, err = newFilter(&s.m, &s.o); err == nil {
		s.web, err = openWeb(&s.m, min(s.o.Timeout, headTime))
	}
	if err != nil { // its settings are not to be understood
		s.report.Err = err
		return nil
	}
	defer s.web.close()
	kept, stop := s.db.Keep(ctx, &s.lease, s.o.LeaseTTL)
	defer stop()
	err = s.run(kept)
	s.report.Response = s.waits.median()
	if err != nil && context.Cause(kept) != nil {
		err = context.Cause(kept) // interrupted, or the lease was lost
	}
	if s.report.Err = err; err == nil || ctx.Err() != nil || notItsFault(err) {
		return nil
	}
	return s.failure()
}

// notLeased says why the lease could not be had.
func (r *Report) notLeased(err error) {
	le, ok := errors.AsType[*store.LeasedError](err)
	r.Leased = errors.Is(err, store.ErrLeased)
	switch {
	case ok:
		r.Skipped = "another scan of it is under way (" + le.Holder + ")"
	case errors.Is(err, store.ErrLeased):
		r.Skipped = "another scan of it is under way"
	default:
		r.Err = err
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
		case s.later && errors.Is(err, listing.ErrBusy):
			return &busyError{err}
		case errors.Is(err, listing.ErrNoFolder):
			missing = w.protocol
		}
		failed = append(failed, err.Error())
		s.report.note("%v", err)
	}
	switch {
	case len(failed) == 0:
		return fmt.Errorf("%w %s", errNoURL, strings.Join(s.o.Protocols, ", "))
	case missing != "" && (!s.whole || s.before.Held.Intersects(s.within)):
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
	l, err := s.o.Open(w.url, s.listing(w))
	if err != nil {
		return &listError{w, err}
	}
	l = listing.Bounded(severalFolders{l, s.below}, listing.Limits{Time: limit, Idle: listing.IdleFor(s.o.Timeout), Entries: s.o.MaxEntries})
	asking, done := context.WithTimeout(ctx, limit) // entries wait for questions
	defer done()
	q := newQueue(asking, s.asking())
	proof := &sample{before: s.before.Held}
	s.large = roaring.New()
	m := s.newMatcher(q, func(path string, v mirror.Version) {
		proof.add(path, v)
		if v.Size > largeFile {
			s.large.Add(uint32(v.ID))
		}
	})
	n := 0
	sum, err := l.List(ctx, "", func(e listing.Entry) error {
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
	m.alias, m.onHeld, m.folder, m.digestSize = s.ix.alias, onHeld, s.folder, s.o.DigestSize
	if len(s.m.Renames) > 0 {
		m.renamed = s.m.InTree
	}
	if s.filter != nil {
		m.skip = s.filter.skips
	}
	return m
}

// listing gives the options for a way to list.
func (s *scan) listing(w way) listing.Options {
	o := listing.Options{
		Timeout: s.o.Timeout, PasswordFile: passwordFile(&s.m, w.protocol), RsyncProgram: s.o.RsyncProgram,
		Source: s.m.Rules.Source, Proxy: s.m.Rules.Proxy, Redirects: s.m.Redirects,
		Log: func(msg string) {
			s.o.Log.Info("listing a mirror", "mirror", s.m.Name, "protocol", w.protocol, "oddity", msg)
		},
	}
	if s.filter != nil {
		o.Skip = s.filter.skips
	}
	return o
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
	there, ok := s.m.There(path)
	if !ok { // of a folder that the mirror does not stand for: it is not there
		there = path
	}
	return base + mirror.EscapePath(there)
}

// conclude decides what the listing means, proves it and commits it.
func (s *scan) conclude(ctx context.Context, protocol string, m *matcher, sum listing.Summary) error {
	if err := s.late(ctx, m); err != nil {
		return err
	}
	if err := s.settleDoubts(ctx, m); err != nil {
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
	s.leaveOut(&set)
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
		s.keepLost(roaring.And(s.before.Held, m.lost), set.found)
		return err
	}
	if err := s.checkRanges(ctx, &set); err != nil {
		return err
	}
	s.forgetOutside(&set)
	return s.commit(ctx, protocol, set, m.lost)
}

// forgetOutside takes away what the mirror was credited with outside of the
// folder that it stands for now: it stood for another one before, and none of
// its URLs lead there. No listing could show it, nor miss it.
func (s *scan) forgetOutside(set *sets) {
	if s.whole && s.folder != "" {
		set.knew.Or(roaring.AndNot(s.ix.below[""], s.within))
	}
}

// leaveOut takes away what is not looked at, whatever the listing shows.
func (s *scan) leaveOut(set *sets) {
	if s.filter == nil {
		return
	}
	out := roaring.And(s.ix.excluded[s.filter.key], s.within)
	set.knew.Or(out)
	for _, b := range []*roaring.Bitmap{set.found, set.sized, set.undecided} {
		b.AndNot(out)
	}
	s.report.Excluded = roaring.And(out, s.ix.current).GetCardinality()
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
		FilesPerSec: s.report.speed(), Response: s.waits.median(), Knew: set.knew, Found: set.found, Exact: set.sized,
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
