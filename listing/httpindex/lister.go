// Package httpindex lists what web servers show in their index pages: Apache
// (plain, fancy, table), nginx (HTML, JSON, XML), lighttpd, Caddy and this
// project's own index (JSON or HTML).
//
// JSON gives sizes and times exactly; HTML rounds sizes, each server by its own
// rule, and gives times to the minute in a zone it does not name. Most servers
// leave out names that begin with a dot, so their absence means nothing.
package httpindex

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing/frontier"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing/reach"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// Lister lists one web server.
type Lister struct {
	base     *url.URL // without user and password
	user     *url.Userinfo
	opts     listing.Options
	client   *http.Client
	most     pageLimits
	onlyHTML atomic.Bool // its JSON is no index
}

// New makes a lister for an http or https URL.
func New(rawURL string, opts listing.Options) (*Lister, error) {
	base, err := mirror.BaseURL(rawURL, "http", "https")
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(base)
	if err != nil {
		return nil, fmt.Errorf("URL %q: %w", mirror.Redact(rawURL), withoutURL(err))
	}
	opts = opts.WithDefaults()
	client, err := newClient(base, opts)
	if err != nil {
		return nil, fmt.Errorf("listing %s: %w", u.Redacted(), err)
	}
	l := &Lister{base: u, user: u.User, opts: opts, client: client, most: usual}
	u.User = nil
	return l, nil
}

// Protocol is "http", for https too.
func (l *Lister) Protocol() string { return "http" }

// url is where the index page of a folder is.
func (l *Lister) url(path string) string {
	if path == "" {
		return l.base.String()
	}
	return l.base.String() + mirror.EscapePath(path) + "/"
}

// List lists everything below sub, several folders at once. yield is never
// called twice at the same time.
func (l *Lister) List(ctx context.Context, sub string, yield func(listing.Entry) error) (listing.Summary, error) {
	if err := mirror.ValidPath(sub); err != nil {
		return listing.Summary{}, fmt.Errorf("listing %s: %w", mirror.Redact(l.base.String()), err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer l.client.CloseIdleConnections()
	c := &crawl{
		l: l, top: sub, waiting: frontier.New(sub), limit: l.opts.Parallel,
		yield: yield, cancel: cancel, seed: maphash.MakeSeed(),
	}
	c.wake.L = &c.mu
	var workers sync.WaitGroup
	for range l.opts.Parallel {
		workers.Go(func() { c.work(ctx) })
	}
	workers.Wait()
	if c.err == nil {
		return c.sum, nil
	}
	if stop, ok := errors.AsType[stopError](c.err); ok {
		return c.sum, stop.error
	}
	return c.sum, fmt.Errorf("listing %s: %w", l.url(sub), listing.Plain(c.err))
}

// Bounds of what is remembered of one folder: names to hand on nothing twice, and
// bytes of the names of folders to visit.
const (
	maxSeen        = 1 << 20
	maxFolderNames = 32 << 20
)

// failuresInARow is after how many folders that failed one after the other,
// without an answer, the server is given up.
const failuresInARow = 5

// crawl is one run of List.
type crawl struct {
	l      *Lister
	top    string
	cancel context.CancelCauseFunc
	seed   maphash.Seed

	yieldMu  sync.Mutex // guards what follows
	yield    func(listing.Entry) error
	yieldErr error // yield is not called again

	mu       sync.Mutex // guards what follows
	wake     sync.Cond
	waiting  *frontier.Frontier
	working  int
	limit    int // of folders at once; less when the server is busy
	failures int
	sum      listing.Summary
	err      error // ends the crawl
}

// work visits folders until none is left.
func (c *crawl) work(ctx context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		folder := (*frontier.Folder)(nil)
		for c.err == nil {
			if c.working < c.limit {
				if folder = c.waiting.Next(); folder != nil || c.working == 0 {
					break
				}
			}
			c.wake.Wait()
		}
		if folder == nil || c.err != nil {
			c.wake.Broadcast()
			return
		}
		c.working++
		c.mu.Unlock()
		v := visit{c: c, folder: folder, seen: map[uint64]struct{}{}}
		p, err := c.l.folder(ctx, folder.Path, v.item, c.busy)
		c.mu.Lock()
		c.working--
		c.done(ctx, &v, p, err)
		c.wake.Broadcast()
	}
}

// busy makes the crawl ask for fewer folders at once.
func (c *crawl) busy() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.limit = max(c.limit-1, 1)
}

// done takes in what came of a folder.
func (c *crawl) done(ctx context.Context, v *visit, p page, err error) {
	c.sum.Entries += v.entries
	c.sum.Refused += v.refused + p.refused
	if err != nil {
		c.failed(ctx, v.folder, err)
		return
	}
	c.failures = 0
	if p.cut != "" {
		c.sum.AddIncomplete(fmt.Sprintf("folder %q: %s", v.folder.Path, p.cut))
	}
	if v.dropped {
		c.sum.AddIncomplete(fmt.Sprintf("folder %q: too many folders", v.folder.Path))
	}
	if v.folder.Loops(v.print) {
		if !v.dated {
			c.sum.AddIncomplete(fmt.Sprintf("folder %q: seems to be a folder above it again", v.folder.Path))
		}
		c.l.opts.Log(fmt.Sprintf("folder %q shows a folder above it again; not descending", v.folder.Path))
		return
	}
	for _, name := range v.folders {
		if err := c.waiting.Add(v.folder, name); err != nil {
			c.sum.AddIncomplete(err.Error())
		}
	}
}

// failed decides whether a folder that could not be read ends the crawl.
func (c *crawl) failed(ctx context.Context, folder *frontier.Folder, err error) {
	_, stop := errors.AsType[stopError](err)
	_, answered := errors.AsType[*statusError](err)
	offSite := errors.Is(err, reach.ErrRedirect)
	if !answered && !offSite && !errors.Is(err, listing.ErrNotIndex) {
		c.failures++
	}
	switch {
	case c.err != nil:
		return // the others were stopped by it
	case ctx.Err() != nil:
		c.err = context.Cause(ctx)
	case offSite && folder.Path == c.top:
		c.err = fmt.Errorf("%w: %w", listing.ErrNotIndex, err)
	case stop, folder.Path == c.top, errors.Is(err, listing.ErrBusy), c.failures >= failuresInARow:
		c.err = err
	default:
		c.sum.AddIncomplete(fmt.Sprintf("folder %q: %v", folder.Path, err))
		return
	}
	c.cancel(c.err)
}

// visit is the reading of one folder, over all tries.
type visit struct {
	c       *crawl
	folder  *frontier.Folder
	seen    map[uint64]struct{} // hashes of the names handed on
	folders []string
	names   int  // bytes of their names
	dropped bool // there were too many
	entries int
	refused int
	print   uint64 // hash of all that was listed, in any order
	dated   bool
}

// item hands on a row of the page.
func (v *visit) item(it item) error {
	id := maphash.String(v.c.seed, it.name)
	if _, twice := v.seen[id]; twice {
		return nil
	}
	if len(v.seen) < maxSeen {
		v.seen[id] = struct{}{}
	}
	v.print += maphash.Comparable(v.c.seed, it)
	v.dated = v.dated || it.precision > 0
	e := listing.Entry{
		Path: it.name, Kind: it.kind, SizeMin: it.sizeMin, SizeMax: it.sizeMax,
		MTime: it.mtime, Precision: it.precision, ZoneUnknown: it.zoneUnknown,
		Mode: it.mode, HasMode: it.hasMode,
	}
	if v.folder.Path != "" {
		e.Path = v.folder.Path + "/" + it.name
	}
	if mirror.ValidPath(e.Path) != nil {
		v.refused++
		return nil
	}
	v.c.yieldMu.Lock()
	defer v.c.yieldMu.Unlock()
	if v.c.l.opts.Skip(e.Path, e.Kind == listing.Dir) {
		return v.c.yieldErr
	}
	if it.kind == listing.Dir {
		v.descend(it.name)
	}
	v.entries++
	if v.c.yieldErr == nil {
		v.c.yieldErr = v.c.yield(e)
	}
	return v.c.yieldErr
}

// descend notes a folder to visit.
func (v *visit) descend(name string) {
	if len(v.folders) == frontier.MaxWaiting || v.names+len(name) > maxFolderNames {
		v.dropped = true
		return
	}
	v.folders = append(v.folders, name)
	v.names += len(name)
}

func isHTML(contentType string) bool {
	media, _, _ := mime.ParseMediaType(contentType) // what cannot be read is not HTML
	return media == "" || strings.HasSuffix(media, "html") || strings.HasSuffix(media, "html+xml")
}

func isJSONType(contentType string) bool {
	media, _, _ := mime.ParseMediaType(contentType) // what cannot be read is not JSON
	return strings.HasSuffix(media, "json")
}
