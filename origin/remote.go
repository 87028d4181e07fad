package origin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing/httphead"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/origin/zone"
)

const (
	askers     = 8      // questions by HEAD at once
	maxBuffer  = 20_000 // entries held back until the server's time zone is known
	maxVotes   = 2_000
	maxSamples = 24 // files asked for to learn the zone

	// maxListing is how long a listing may take; questions by HEAD are part of it.
	maxListing = 24 * time.Hour
)

// remote is an upstream that is listed instead of walked.
type remote struct {
	lister  listing.Lister
	subtree string
	exclude *Globs
	web     string // base URL for questions by HEAD; "" none
	client  *http.Client
	d       *differ

	yield  func([]File) error
	hidden prefixes
	links  []rawLink
	target map[string]string

	mu    sync.Mutex // guards what follows, and d
	res   Listed
	batch []File
	err   error // of yield

	zone     zone.Zone
	zoneDone bool
	held     []listing.Entry // until the zone is known
	votes    []zone.Vote
}

func newRemote(r *run) (source, error) {
	l, err := r.o.Open(r.o.URL, listing.Options{
		Timeout: r.o.Timeout, Log: func(msg string) { r.o.Log.Info("listing the origin", "origin", mirror.Redact(r.o.URL), "oddity", msg) },
	})
	if err != nil {
		return nil, err
	}
	m := &remote{
		lister: listing.Bounded(l, listing.Limits{Time: maxListing, Idle: listing.IdleFor(r.o.Timeout)}), subtree: r.o.Subtree, exclude: r.globs, web: r.o.HTTP,
		client: httphead.NewClient(httphead.Options{Timeout: min(cmp.Or(r.o.Timeout, time.Minute), 30*time.Second), PerHost: askers}),
		hidden: prefixes{}, target: map[string]string{},
	}
	if u, err := url.Parse(r.o.URL); err == nil && (u.Scheme == "http" || u.Scheme == "https") {
		m.web = r.o.URL // with its password, which clients are not told
	}
	if m.web != "" {
		if m.web, err = mirror.BaseURL(m.web, "http", "https"); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// list implements source.
func (m *remote) list(ctx context.Context, yield func([]File) error) (Listed, error) {
	defer m.client.CloseIdleConnections()
	m.yield = yield
	q := newQuestions(ctx, m)
	sum, err := m.lister.List(ctx, m.subtree, func(e listing.Entry) error {
		m.entry(ctx, e, q)
		m.mu.Lock()
		defer m.mu.Unlock()
		return m.err
	})
	if err == nil && !m.zoneDone {
		m.settleZone(ctx, q)
	}
	q.wait()
	switch {
	case errors.Is(err, listing.ErrNoFolder) && m.subtree != "":
		return m.res, nil
	case errors.Is(err, listing.ErrNoFolder):
		return m.res, fmt.Errorf("%w: %w", errMissing, err)
	case err != nil:
		return m.res, err
	}
	m.res.Incomplete = sum.Incomplete
	if sum.Refused > 0 {
		m.res.Skips.add(BadName, int64(sum.Refused))
	}
	if m.flush(); m.err != nil {
		return m.res, m.err
	}
	m.resolve()
	return m.res, ctx.Err()
}

// entry takes one entry of the listing.
func (m *remote) entry(ctx context.Context, e listing.Entry, q *questions) {
	if e.Path == "" {
		return
	}
	if why := m.leftOut(&e); why != "" {
		m.mu.Lock()
		m.res.Skips.Add(why, e.Path)
		m.mu.Unlock()
		return
	}
	switch e.Kind {
	case listing.Other: // leftOut lets none pass
	case listing.Dir:
		m.mu.Lock()
		m.res.Folders++
		m.d.folder(e.Path)
		m.mu.Unlock()
	case listing.Symlink:
		if e.Target != "" {
			m.links = append(m.links, rawLink{e.Path, e.Target})
			m.target[e.Path] = e.Target
		}
	case listing.File:
		if e.ZoneUnknown && e.Precision > 0 && !m.zoneDone {
			m.hold(ctx, e, q)
			return
		}
		m.file(e, q)
	}
}

// leftOut says why an entry is not indexed, by the rules that hold for a local
// tree as far as the listing tells.
func (m *remote) leftOut(e *listing.Entry) Reason {
	name := e.Path[strings.LastIndexByte(e.Path, '/')+1:]
	st := stat{mode: 0o777}
	switch e.Kind {
	case listing.File:
	case listing.Dir:
		st.mode |= fs.ModeDir
	case listing.Symlink:
		st.mode |= fs.ModeSymlink
	case listing.Other:
		st.mode |= fs.ModeIrregular
	}
	if e.HasMode {
		st.mode = st.mode&^0o777 | fs.FileMode(e.Mode&0o777)
	}
	why := leftOut(e.Path, name, st, m.exclude)
	switch {
	case m.hidden.cover(e.Path):
		return Closed
	case why != "" && e.Kind == listing.Dir:
		m.hidden[e.Path] = true
	}
	return why
}

// file decides whether an entry tells enough, or the web server must.
func (m *remote) file(e listing.Entry, q *questions) {
	times := []int64{e.MTime}
	slack := time.Duration(0)
	if e.ZoneUnknown {
		times, slack = m.zone.Times(e.MTime, nil), m.zone.Slack()
	}
	m.mu.Lock()
	known, same := m.unchanged(&e, times)
	m.mu.Unlock()
	if same {
		m.add(known)
		return
	}
	clear := e.SizeExact() && e.Precision > 0 && len(times) == 1 && slack == 0
	if !clear && m.web != "" {
		q.ask(e)
		return
	}
	if !e.SizeExact() {
		m.unsure(e.Path)
		return
	}
	m.add(spread(e, times, slack))
}

// spread makes a file of an entry whose time can be several: its precision
// covers them all.
func spread(e listing.Entry, times []int64, slack time.Duration) File {
	first, last := times[0], times[0]
	for _, t := range times[1:] {
		first, last = min(first, t), max(last, t)
	}
	f := File{Path: e.Path, Size: e.SizeMin, MTime: first - int64(slack), Precision: e.Precision}
	if e.Precision > 0 {
		f.Precision += time.Duration(last-first) + 2*slack
	} else {
		f.MTime = 0
	}
	return f
}

// unchanged finds the file as the index has it, if the entry agrees with that.
func (m *remote) unchanged(e *listing.Entry, times []int64) (File, bool) {
	r := m.d.t.find(e.Path)
	if r == nil || r.id == 0 || !e.SizeFits(r.size) || e.Precision <= 0 {
		return File{}, false
	}
	old := mirror.Version{MTime: r.mtime, Precision: m.d.t.precs[r.prec]}
	for _, t := range times {
		f := File{Path: e.Path, Size: r.size, MTime: t, Precision: e.Precision}
		if sameTime(old, f) {
			f.MTime, f.Precision = old.MTime, old.Precision
			return f, true
		}
	}
	return File{}, false
}

// answered takes what the web server said about an entry.
func (m *remote) answered(e listing.Entry, h httphead.Answer, err error) {
	switch {
	case err != nil || !h.Found() && h.Status != http.StatusNotFound && h.Status != http.StatusGone, h.Found() && h.Size < 0:
		m.unsure(e.Path)
		return
	case !h.Found(): // listed, but nobody can have it
		m.mu.Lock()
		m.res.Skips.Add(NoSize, e.Path)
		m.mu.Unlock()
		return
	}
	e.SizeMin, e.SizeMax = h.Size, h.Size
	if !h.LastModified.IsZero() {
		m.add(File{Path: e.Path, Size: h.Size, MTime: h.LastModified.UnixNano(), Precision: time.Second})
		return
	}
	if e.ZoneUnknown {
		m.add(spread(e, m.zone.Times(e.MTime, nil), m.zone.Slack()))
		return
	}
	m.add(spread(e, []int64{e.MTime}, 0))
}

// unsure keeps a path as the index has it: something is there, but not known
// well enough.
func (m *remote) unsure(path string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.res.Skips.Add(NoSize, path)
	m.res.Unknown = append(m.res.Unknown, path)
}

func (m *remote) add(f File) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.res.Files++
	m.res.Bytes += f.Size
	if m.batch = append(m.batch, f); len(m.batch) >= chunk {
		m.flush()
	}
}

// flush gives the batch to yield. Callers hold mu, or are the last.
func (m *remote) flush() {
	if m.err == nil && len(m.batch) > 0 {
		m.err = m.yield(m.batch)
	}
	m.batch = m.batch[:0]
}

// resolve finds what the symlinks stand for, among what was listed.
func (m *remote) resolve() {
	res := &resolver{look: m.look}
	for _, l := range m.links {
		target, folder, why := res.resolve(l.path, l.target)
		if why != "" {
			m.res.Skips.Add(why, l.path)
			continue
		}
		m.res.Links = append(m.res.Links, Link{Path: l.path, Target: target, Folder: folder})
	}
}

func (m *remote) look(p string) node {
	if t, ok := m.target[p]; ok {
		return node{st: stat{mode: fs.ModeSymlink}, target: t}
	}
	r := m.d.t.find(p)
	switch {
	case m.hidden.cover(p):
		return node{why: Closed}
	case r != nil && r.folder, m.subtree != "" && !mirror.Below(p, m.subtree):
		return node{st: stat{mode: fs.ModeDir}}
	case r != nil && r.seen:
		return node{}
	}
	return node{err: fs.ErrNotExist}
}
