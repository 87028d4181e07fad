package mirrorbrain

import (
	"mime"
	"net/http"
	"net/netip"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/catalog"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/redirector"
)

// ServeHTTP redirects, or passes the request on.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if h.Health != "" && r.URL.Path == h.Health {
		return h.serveHealth(w, r)
	}
	file, ok := mirror.RequestPath(r.URL.Path)
	if !ok || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return next.ServeHTTP(w, r)
	}
	ctx := r.Context()
	repl := ctx.Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	vars, _ := ctx.Value(caddyhttp.VarsCtxKey).(map[string]any)
	o := publish(ctx, repl, vars, h.rt)

	q := work.Get().(*question)
	q.reset(h, r, vars, repl, o, file)
	act := q.answer(w)
	work.Put(q)

	h.counts.count(o)
	h.forwarded.look(r, vars)
	switch act {
	case pass:
	case done:
		return nil
	case notFound:
		return caddyhttp.Error(http.StatusNotFound, errNoMirror)
	case unavailable:
		w.Header().Set("Retry-After", retryAfter)
		return caddyhttp.Error(http.StatusServiceUnavailable, errNoMirror)
	}
	return next.ServeHTTP(w, r)
}

// action is what became of a request.
type action uint8

const (
	pass        action = iota // to the next handler
	done                      // answered
	notFound                  // 404
	unavailable               // 503
)

// question is one request while it is being answered. It is used again for
// others; what is needed later is in its outcome.
type question struct {
	h    *Handler
	r    *http.Request
	vars map[string]any
	repl *caddy.Replacer
	o    *outcome

	file   string // path in the tree as asked for
	target string // the same with aliases resolved
	entry  catalog.Entry
	view   *catalog.View
	addr   netip.Addr
	root   string // local root; "": none
	now    time.Time

	query    redirector.Query
	decision redirector.Decision
	buf      []byte
}

var work = sync.Pool{New: func() any { return new(question) }}

func (q *question) reset(h *Handler, r *http.Request, vars map[string]any, repl *caddy.Replacer, o *outcome, file string) {
	q.h, q.r, q.vars, q.repl, q.o = h, r, vars, repl, o
	q.file, q.target = file, file
	q.entry = catalog.Entry{}
	q.addr = clientAddr(vars)
	q.root = h.root(repl, vars)
	q.now = time.Now()
	q.query = redirector.Query{
		TLS:          secure(r, vars),
		HTTPSUpgrade: h.HTTPSUpgrade == "allow",
		Now:          q.now.UnixNano(),
	}
	o.addr = q.addr
}

// forget drops what must not be kept alive by a question that waits in the pool.
func (q *question) forget() {
	q.r, q.vars, q.repl, q.o, q.view = nil, nil, nil, nil, nil
	q.file, q.target, q.root = "", "", ""
	q.query = redirector.Query{}
}

// answer goes through the steps; the first that knows what to do ends it.
func (q *question) answer(w http.ResponseWriter) action {
	defer q.forget()
	h := q.h
	slot, ok := h.rt.db.enter()
	if !ok {
		return q.o.say(resultLocal, "closing", pass)
	}
	defer h.rt.db.leave(slot)

	q.view = h.rt.db.catalog.View()
	if !q.view.Ready() {
		return q.notReady(w)
	}
	q.target, _ = q.view.Resolve(q.file)
	var found catalog.Result
	if q.entry, found = q.view.Lookup(q.target); found != catalog.Found {
		if found == catalog.Ambiguous {
			return q.stay(w, resultLocal, "ambiguous")
		}
		if h.Root == rootOff {
			return q.o.say(resultError, "not_indexed", notFound)
		}
		if h.closed(q.root, q.file, q.now) {
			return q.o.say(resultError, "closed", notFound)
		}
		return q.o.say(resultLocal, "not_indexed", pass)
	}
	if why := q.exempt(); why != "" {
		return q.stay(w, resultExempt, why)
	}
	if h.stale(q.root, q.file, q.entry, q.now) {
		return q.o.say(resultLocal, "changed", pass)
	}
	return q.redirect(w)
}

// exempt says why the request is not redirected; "" if it is.
func (q *question) exempt() string {
	h := q.h
	if q.r.Method == http.MethodHead && h.Head == "local" {
		return "head"
	}
	agent := ""
	if a := q.r.Header["User-Agent"]; len(a) > 0 {
		agent = a[0]
	}
	why := h.rules.Exempt(q.target, q.entry.Size, q.mimeType, agent, q.addr)
	if why == "" && q.file != q.target { // a link may be named what its target is not
		why = h.rules.Exempt(q.file, q.entry.Size, q.mimeType, agent, q.addr)
	}
	if why == redirector.ExemptMinSize && q.root == "" && q.origin() == "" {
		return "" // there is no other place to get it from
	}
	return why
}

// mimeType is what file_server would call the file.
func (q *question) mimeType() string { return mime.TypeByExtension(path.Ext(q.file)) }

// redirect sends the client to a mirror, if there is one.
func (q *question) redirect(w http.ResponseWriter) action {
	h, query := q.h, &q.query
	q.o.simulated = h.identify(query, q.addr, q.r.URL.RawQuery)
	q.o.client, q.o.located = query.Client, true
	query.File, query.Size, query.Path = q.entry.ID, q.entry.Size, q.target

	world := q.view.Holdings()
	s := h.selection(q.view)
	s.Choose(query, world, nil, &q.decision)
	if !q.decision.Found() {
		return q.noMirror(w)
	}
	best := &q.decision.Picks[0]
	q.o.mirror, q.o.realm = best.Name, q.decision.Tier.String()
	q.send(w, q.decision.Picks)
	if !q.o.simulated {
		s.redirects[best.Mirror].Inc()
	}
	return q.o.say(resultRedirect, "mirror", done)
}

// noMirror does what is configured for files that no mirror will serve to this
// client.
func (q *question) noMirror(w http.ResponseWriter) action {
	switch q.h.NoMirror {
	case "404":
		return q.o.say(resultError, "no_mirror", notFound)
	case "503":
		return q.o.say(resultError, "no_mirror", unavailable)
	case "fallback":
		if q.elsewhere(w, q.h.fallbacks, "fallback") {
			return done
		}
	}
	if limit := q.h.LocalMaxSize; limit > 0 && q.entry.Size > limit {
		return q.o.say(resultError, "local_max_size", unavailable)
	}
	return q.stay(w, resultLocal, "no_mirror")
}

// notReady does what is configured for the time before there is a catalog.
func (q *question) notReady(w http.ResponseWriter) action {
	switch q.h.NotReady {
	case "503":
		return q.o.say(resultError, "not_ready", unavailable)
	case "fallback":
		q.o.simulated = q.h.identify(&q.query, q.addr, q.r.URL.RawQuery)
		q.o.client, q.o.located = q.query.Client, true
		if q.elsewhere(w, q.h.fallbacks, "not_ready") {
			return done
		}
	}
	return q.stay(w, resultLocal, "not_ready")
}

// stay leaves the request to this server: to the next handler, or, without a
// local root, to where the tree comes from.
func (q *question) stay(w http.ResponseWriter, result, reason string) action {
	if q.root == "" {
		if origin := q.origin(); origin != "" && q.elsewhere(w, redirector.Fallbacks{{URL: origin}}, reason) {
			return done
		}
	}
	if q.h.Root == rootOff { // nobody behind this handler has it either
		return q.o.say(resultError, reason, unavailable)
	}
	return q.o.say(result, reason, pass)
}

// origin is where clients can fetch what is here only in the index; "" nowhere.
func (q *question) origin() string {
	if q.h.originURL != "" {
		return q.h.originURL
	}
	return q.view.Setting(settingOrigin)
}

// elsewhere sends the client to one of some servers that have everything;
// false if none suits.
func (q *question) elsewhere(w http.ResponseWriter, list redirector.Fallbacks, reason string) bool {
	f, ok := list.Choose(&q.query, nil)
	if !ok {
		return false
	}
	_, host, _ := strings.Cut(f.URL, "://")
	host, _, _ = strings.Cut(host, "/")
	q.o.mirror, q.o.realm = host[strings.LastIndexByte(host, '@')+1:], realmFallback
	pick := redirector.Pick{BaseURL: f.URL, Country: f.Country}
	q.decision.Picks = append(q.decision.Picks[:0], pick)
	q.send(w, q.decision.Picks)
	q.o.say(resultRedirect, reason, done)
	return true
}
