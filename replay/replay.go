// Package replay asks of every download in a log where it would go now: by the
// catalog and the mirrors as they are, and as they would be after a change. All
// worlds are asked in one pass with the same random numbers, so that what differs
// between them is the change and not luck.
package replay

import (
	"mime"
	"net/http"
	"net/netip"
	"path"
	"strings"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/accesslog"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/catalog"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/geoip"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror/glob"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/redirector"
)

// Files is the index of the tree; a [catalog.View] is one.
type Files interface {
	Resolve(path string) (target string, isAlias bool)
	Lookup(path string) (catalog.Entry, catalog.Result)
}

// Options say what is replayed, and how. Files is needed.
type Options struct {
	Files  Files
	Worlds []World
	// Locate finds out about a client; it is asked once for addresses that come
	// again soon. nil: what the log says is all there is.
	Locate func(netip.Addr) mirror.Client

	Rules        *redirector.Rules // which files the site serves itself; nil: none
	Fallbacks    redirector.Fallbacks
	NoMirror     string // what becomes of files that no mirror has: local, fallback, 404, 503; "": local
	HTTPSUpgrade bool   // clients on http may be sent to https
	// Scheme of clients of which the log does not say it: http or https. "": they
	// are sent by either.
	Scheme string

	Strip    string        // folder of URLs that the tree stands in, without slashes around it
	Host     string        // requests to other sites are left out; "": none are
	Path     *glob.Pattern // other files are left out; nil: none are
	From, To time.Time     // requests outside are left out; zero: none are

	Seed  uint64    // of the draws: the same seed gives the same result
	Exact bool      // count probabilities instead of drawing; slower
	By    Grouping  // what the report is grouped by, besides mirrors
	Now   time.Time // for entries without a time
}

// Why an entry is left out.
const (
	SkipFilter    = "filtered"  // by From, To, Path or Host
	SkipMethod    = "method"    // not GET
	SkipStatus    = "status"    // an error, or not modified
	SkipDocument  = "document"  // a list, a Metalink, a digest
	SkipSimulated = "simulated" // a test
	SkipFolder    = "folder"    // or what no file can be called
	SkipUnknown   = "not in the index"
)

// Replay is one run. It is used by one goroutine.
type Replay struct {
	o      Options
	worlds []*world
	places places
	report report
	n      uint64 // entries that were counted
}

// New begins a run.
func New(o Options) *Replay {
	r := &Replay{o: o, places: newPlaces(o.Locate)}
	r.report.init(o.By)
	for i := range o.Worlds {
		r.worlds = append(r.worlds, newWorld(&o.Worlds[i], &r.report))
	}
	return r
}

// request is an entry that counts.
type request struct {
	entry  *accesslog.Entry
	query  redirector.Query
	bytes  float64
	group  int
	client mirror.Client
}

// Add replays one entry.
func (r *Replay) Add(e *accesslog.Entry) {
	req, why := r.take(e)
	if why != "" {
		r.report.skipped[why]++
		return
	}
	r.n++
	r.report.begin(req)
	then := r.report.then(req)
	local := r.exempt(req, e)
	for i, w := range r.worlds {
		c := r.report.column(i + 1)
		if local {
			c.exempt(req)
			continue
		}
		rnd := newDraws(r.o.Seed, r.n)
		if !w.choose(&req.query, &rnd, r.o.Exact, func(m int, share float64) {
			c.mirror(req, then, w.rows[m], share)
		}) {
			c.nobody(req, r.instead(req, &rnd))
		}
	}
}

// take gives the request of an entry, or why there is none.
func (r *Replay) take(e *accesslog.Entry) (*request, string) {
	switch {
	case e.Simulated:
		return nil, SkipSimulated
	case e.Document:
		return nil, SkipDocument
	case r.filtered(e):
		return nil, SkipFilter
	case e.Method != http.MethodGet:
		return nil, SkipMethod
	case e.Status != http.StatusOK && e.Status != http.StatusPartialContent && !e.Redirected():
		return nil, SkipStatus
	case asksForMore(e.Query):
		return nil, SkipDocument
	}
	file, ok := r.file(e.Path)
	if !ok {
		return nil, SkipFolder
	}
	target, _ := r.o.Files.Resolve(file)
	entry, found := r.o.Files.Lookup(target)
	switch {
	case found == catalog.NotFound && r.isDocument(file):
		return nil, SkipDocument
	case found != catalog.Found:
		return nil, SkipUnknown
	case r.o.Path != nil && !r.o.Path.Match(file):
		return nil, SkipFilter
	}
	req := &request{entry: e, client: r.client(e), bytes: float64(bytesOf(e, entry.Size))}
	now := e.Time
	if now.IsZero() {
		now = r.o.Now
	}
	req.query = redirector.Query{
		Client: req.client, File: entry.ID, Size: entry.Size, Path: target, Now: now.UnixNano(),
		TLS:          schemeOf(e, r.o.Scheme) == "https",
		HTTPSUpgrade: r.o.HTTPSUpgrade || schemeOf(e, r.o.Scheme) == "",
		Limit:        1,
	}
	return req, ""
}

func (r *Replay) filtered(e *accesslog.Entry) bool {
	return !r.o.From.IsZero() && e.Time.Before(r.o.From) || !r.o.To.IsZero() && !e.Time.Before(r.o.To) ||
		r.o.Host != "" && e.Host != r.o.Host
}

// file gives the path in the tree for the path of a URL.
func (r *Replay) file(urlPath string) (string, bool) {
	if r.o.Strip != "" {
		rest, ok := strings.CutPrefix(urlPath, "/"+r.o.Strip+"/")
		if !ok {
			return "", false
		}
		urlPath = "/" + rest
	}
	if file, ok := mirror.RequestPath(urlPath); ok || strings.HasSuffix(urlPath, "/") {
		return file, ok
	}
	return mirror.RequestPath(path.Clean("/" + urlPath))
}

// isDocument reports whether a path that is no file's stands for a document.
func (r *Replay) isDocument(path string) bool {
	file, _, ok := redirector.CutSuffix(path)
	if !ok {
		return false
	}
	target, _ := r.o.Files.Resolve(file)
	_, found := r.o.Files.Lookup(target)
	return found != catalog.NotFound
}

// asksForMore reports whether a query asks for a document, or for what another
// client would get.
func asksForMore(query string) bool {
	if query == "" {
		return false
	}
	ask, err := redirector.ParseAsk(query)
	return err != nil || ask.As != redirector.AsFile || ask.Simulated() || ask.Query.Has("explain")
}

func schemeOf(e *accesslog.Entry, unknown string) string {
	if e.Scheme != "" {
		return e.Scheme
	}
	return unknown
}

// client gives what is known of the client now; where that is nothing, what the log
// says.
func (r *Replay) client(e *accesslog.Entry) mirror.Client {
	c := r.places.find(e.Addr)
	if c.Country == "" && c.Continent == "" && !c.HasCoords {
		c.Country, c.Continent = e.Country, e.Continent
		if c.Continent == "" {
			c.Continent = geoip.Continent(c.Country)
		}
	}
	if c.ASN == 0 {
		c.ASN = e.ASN
	}
	if !c.Prefix.IsValid() {
		c.Prefix = e.Prefix
	}
	return c
}

// exempt reports whether the site serves the file itself, by its rules.
func (r *Replay) exempt(req *request, e *accesslog.Entry) bool {
	file, _ := r.file(e.Path)
	q := &req.query
	kind := func() string { return mime.TypeByExtension(path.Ext(file)) }
	why := r.o.Rules.Exempt(q.Path, q.Size, kind, e.Agent, q.Client.Addr)
	if why == "" && file != q.Path {
		why = r.o.Rules.Exempt(file, q.Size, kind, e.Agent, q.Client.Addr)
	}
	return why != ""
}

// instead says what becomes of a request that no mirror is there for.
func (r *Replay) instead(req *request, rnd redirector.Rand) Place {
	switch r.o.NoMirror {
	case "404", "503":
		return Nowhere
	case "fallback":
		if _, ok := r.o.Fallbacks.Choose(&req.query, rnd); ok {
			return Fallback
		}
	}
	return Local
}
