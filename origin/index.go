package origin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// DefaultKeepVersions is how long replaced and removed versions are kept:
// mirrors that are late still hold them.
const DefaultKeepVersions = mirror.DefaultKeepVersions

// LeaseName is the lease under which the index is written.
const LeaseName = "index"

const leaseTTL = time.Minute

// Options of an index run. Zero values are defaults.
type Options struct {
	// Root is the local tree, or else URL the upstream: rsync://, ftp://,
	// http:// or https://. One of them must be given.
	Root string
	URL  string
	// HTTP is where clients can fetch from the origin; "" nowhere. With an HTTP
	// URL it is that URL.
	HTTP string
	// Subtree limits the run to one folder of the tree.
	Subtree string
	DryRun  bool // compare and report, write nothing
	Force   bool // write even what would be refused
	// Same takes files whose mtime changed and size did not for the same
	// versions: the tree was touched, not changed.
	Same bool
	// KeepVersions is how long replaced and removed versions are kept. Default:
	// DefaultKeepVersions.
	KeepVersions time.Duration
	Exclude      []string      // see Globs
	Workers      int           // folders read at once; see WalkOptions
	Timeout      time.Duration // how long an upstream may stay silent; default 60s
	Holder       string        // who is at work, for others to see; default: host and process
	Log          *slog.Logger  // default: nobody
	// Open makes the lister of an upstream. Default: by the URL's scheme.
	Open func(url string, o listing.Options) (listing.Lister, error)
}

func (o Options) withDefaults() (Options, error) {
	if o.KeepVersions <= 0 {
		o.KeepVersions = DefaultKeepVersions
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Holder == "" {
		host, _ := os.Hostname()
		o.Holder = fmt.Sprintf("%s (process %d)", host, os.Getpid())
	}
	sub, err := mirror.CleanSubtree(o.Subtree)
	if err != nil {
		return o, fmt.Errorf("subtree: %w", err)
	}
	o.Subtree = sub
	switch {
	case o.Root == "" && o.URL == "":
		return o, errors.New("no origin is given")
	case o.Root != "" && o.URL != "":
		return o, errors.New("an origin is a folder or a URL, not both")
	case o.Root != "":
		abs, err := filepath.Abs(o.Root)
		if err != nil {
			return o, fmt.Errorf("origin %q: %w", o.Root, err)
		}
		o.Root, o.URL = abs, "file://"+mirror.EscapePath(abs)
	case strings.HasPrefix(o.URL, "http://"), strings.HasPrefix(o.URL, "https://"):
		if o.HTTP == "" { // without the password, which clients are not told
			if u, err := url.Parse(o.URL); err == nil {
				u.User = nil
				o.HTTP = u.String()
			}
		}
	}
	if o.HTTP != "" {
		if o.HTTP, err = mirror.BaseURL(o.HTTP, "http", "https"); err != nil {
			return o, fmt.Errorf("where clients can fetch from: %w", err)
		}
	}
	if o.Open == nil {
		o.Open = defaultOpen
	}
	return o, nil
}

// source lists the tree's files; see Walk for how yield is called.
type source interface {
	list(ctx context.Context, yield func([]File) error) (Listed, error)
}

type local struct {
	root string
	o    WalkOptions
}

func (l local) list(ctx context.Context, yield func([]File) error) (Listed, error) {
	return Walk(ctx, l.root, l.o, yield)
}

// Index compares the origin with the index and writes the differences, under
// the lease "index". A run that finds no difference changes nothing that
// redirectors see. What it refuses to do is an ErrRefused; the Report is valid
// then too.
func Index(ctx context.Context, db *store.Store, o Options) (Report, error) {
	o, err := o.withDefaults()
	if err != nil {
		return Report{}, err
	}
	globs, err := NewGlobs(o.Exclude)
	if err != nil {
		return Report{}, err
	}
	lease, err := db.Acquire(ctx, LeaseName, o.Holder, leaseTTL)
	if err != nil {
		return Report{}, err
	}
	kept, stop := db.Keep(ctx, &lease, leaseTTL)
	defer func() {
		stop()
		free, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if err := db.Release(free, lease); err != nil {
			o.Log.Warn("releasing the lease failed, it ends by itself", "lease", LeaseName, "error", err)
		}
	}()
	r := &run{db: db, o: o, lease: lease, globs: globs, began: time.Now()}
	err = r.index(kept)
	r.report.Took = time.Since(r.began)
	if err != nil {
		if cause := context.Cause(kept); cause != nil {
			err = cause
		}
		return r.report, fmt.Errorf("index of %s: %w", mirror.Redact(o.URL), err)
	}
	return r.report, nil
}

// run is one index run.
type run struct {
	db     *store.Store
	o      Options
	lease  store.Lease
	globs  *Globs
	began  time.Time
	d      *differ
	alias  map[string]store.Alias // of the index, below the subtree
	report Report
	w      writer
}

func (r *run) index(ctx context.Context) error {
	src, err := r.source()
	if err != nil {
		return err
	}
	if err := r.load(ctx); err != nil {
		return err
	}
	if m, ok := src.(*remote); ok {
		m.d = r.d
	}
	return r.compare(ctx, src)
}

// compare lists the origin and writes what differs.
func (r *run) compare(ctx context.Context, src source) error {
	r.report.Origin, r.report.Subtree, r.report.DryRun = mirror.Redact(r.o.URL), r.o.Subtree, r.o.DryRun
	r.report.Before = r.d.live
	r.w = writer{db: r.db, lease: r.lease, same: r.o.Same, dry: r.o.DryRun}
	// A first run has nothing to be careful about: it writes as it goes, so that
	// it needs no memory for the tree.
	first := r.d.live == 0
	listed, err := src.list(ctx, func(files []File) error {
		for i := range files {
			r.d.file(files[i])
		}
		if first && r.d.spool.n >= store.MaxBatch {
			return r.d.spool.each(func(c change) error { return r.w.change(ctx, c) })
		}
		return nil
	})
	r.report.Listed = listed
	if err != nil {
		if errors.Is(err, errMissing) {
			return fmt.Errorf("%w: %w", ErrRefused, err)
		}
		return err
	}
	removed, err := r.absent(ctx, listed)
	if err != nil {
		return err
	}
	links := r.links(listed)
	r.report.Counts = r.d.counts
	if err := r.guard(); err != nil && !r.o.Force {
		return err
	}
	return r.write(ctx, removed, links)
}

func (r *run) source() (source, error) {
	if r.o.Root != "" {
		return local{r.o.Root, WalkOptions{Subtree: r.o.Subtree, Exclude: r.globs, Workers: r.o.Workers}}, nil
	}
	return newRemote(r)
}

// load reads the live index below the subtree.
func (r *run) load(ctx context.Context) error {
	for range 3 { // a collision of hashes: once more with another key
		err := r.db.Read(ctx, func(s *store.Snapshot) error {
			n, err := s.FileCount()
			if err != nil {
				return err
			}
			r.d = &differ{t: newTable(n), adds: r.o.Root == ""}
			sub := []byte(r.o.Subtree)
			err = s.Files(0, func(f store.FileRow) error {
				if len(sub) > 0 && !mirror.Below(string(f.Path), r.o.Subtree) {
					return nil
				}
				return r.d.load(f.Path, f.Version, f.CTime)
			})
			if err != nil {
				return err
			}
			r.alias = map[string]store.Alias{}
			return s.Aliases(0, func(a store.Alias) error {
				if mirror.Below(a.Path, r.o.Subtree) {
					r.alias[a.Path] = a
				}
				return nil
			})
		})
		if !errors.Is(err, errCollision) {
			return err
		}
	}
	return errCollision
}

// write applies what differs, remembers the run and clears away what is old.
func (r *run) write(ctx context.Context, removed []mirror.FileID, links linkDiff) error {
	if err := r.d.spool.each(func(c change) error { return r.w.change(ctx, c) }); err != nil {
		return err
	}
	for _, id := range removed {
		if err := r.w.remove(ctx, id); err != nil {
			return err
		}
	}
	for _, pair := range links {
		if err := r.w.alias(ctx, pair); err != nil {
			return err
		}
	}
	if err := r.w.flush(ctx); err != nil || r.o.DryRun {
		return err
	}
	host, _ := os.Hostname()
	c := r.d.counts
	stats := store.IndexStats{
		Files: r.report.Listed.Files, Bytes: r.report.Listed.Bytes, Added: c.Added, Changed: c.Changed,
		Removed: c.Removed, Touched: c.Touched, Aliases: int64(len(r.report.Listed.Links)),
		Problems: r.report.problems(), Took: time.Since(r.began),
	}
	org := store.Origin{URL: r.o.URL, HTTP: r.o.HTTP, IndexedAt: time.Now(), Host: host}
	if err := r.db.FinishIndex(ctx, r.lease, org, stats); err != nil {
		return err
	}
	if err := r.tellKept(ctx); err != nil {
		return err
	}
	_, err := r.db.Purge(ctx, r.o.KeepVersions)
	return err
}

// tellKept notes how long versions are kept: nodes warn where they are told to
// use them for longer.
func (r *run) tellKept(ctx context.Context) error {
	now := r.o.KeepVersions.String()
	if was, err := r.db.Setting(ctx, store.SettingKeepVersions); err != nil || was == now {
		return err
	}
	return r.db.SetSetting(ctx, store.SettingKeepVersions, now)
}
