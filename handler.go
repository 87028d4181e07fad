package mirrorbrain

import (
	"math"
	"mime"
	"net/http"
	"net/netip"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/catalog"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/filecheck"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/redirector"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/retry"
)

// ServeHTTP redirects, or passes the request on.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if h.Health != "" && r.URL.Path == h.Health {
		return h.serveHealth(w, r)
	}
	if h.statusPages != nil && h.statusPages.mine(r.URL.Path) {
		return h.statusPages.serve(w, r, next)
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return next.ServeHTTP(w, r)
	}
	if r.URL.RawQuery != "" && serveAsset(w, r) {
		return nil
	}
	file, ok := mirror.RequestPath(r.URL.Path)
	unclean := false
	if !ok && !strings.HasSuffix(r.URL.Path, "/") {
		// file_server would find the file all the same; so must we.
		file, ok = mirror.RequestPath(path.Clean("/" + r.URL.Path))
		unclean = ok
	}
	folder := !ok
	if folder {
		if file, ok = h.folderList(r); !ok {
			return next.ServeHTTP(w, r)
		}
	}
	ctx := r.Context()
	repl := ctx.Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	vars, _ := ctx.Value(caddyhttp.VarsCtxKey).(map[string]any)
	o := publish(ctx, repl, vars, h.rt)

	q := work.Get().(*question)
	q.reset(h, r, vars, repl, o, file)
	q.unclean = unclean
	act := q.answer(w, folder) //nolint:contextcheck // the question has the request, and its context
	work.Put(q)

	h.counts.count(o)
	h.forwarded.look(r, vars)
	switch act {
	case pass:
		return h.pass(w, r, next, o)
	case done:
	case badRequest:
		http.Error(w, o.err.Error(), http.StatusBadRequest)
	case notFound:
		return caddyhttp.Error(http.StatusNotFound, problem(o.reason))
	case unavailable:
		w.Header().Set("Retry-After", retryAfter)
		return caddyhttp.Error(http.StatusServiceUnavailable, problem(o.reason))
	}
	return nil
}

// action is what became of a request.
type action uint8

const (
	pass        action = iota // to the next handler
	done                      // answered
	badRequest                // 400
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
	tls    bool   // the client asked over https
	now    time.Time

	ask        redirector.Ask
	as         redirector.Representation
	unrooted   bool   // root is "" because it is not known here
	unclean    bool   // the path has empty or dotted segments
	degraded   bool   // the database did not say all that a document should
	suffix     bool   // as comes of the URL's suffix
	negotiated bool   // as comes of the Accept fields
	exempted   string // why no mirror may be named; "" they may
	identified bool   // query.Client is filled in

	anyOf    catalog.AnyOf
	older    []catalog.KeptVersion
	related  [3]redirector.Related
	query    redirector.Query
	decision redirector.Decision
	origined withOrigin
	visit    retry.Visit
	tried    [retry.Most]mirror.ID
	buf      []byte
}

var work = sync.Pool{New: func() any { return new(question) }}

func (q *question) reset(h *Handler, r *http.Request, vars map[string]any, repl *caddy.Replacer, o *outcome, file string) {
	q.h, q.r, q.vars, q.repl, q.o = h, r, vars, repl, o
	q.file, q.target = file, file
	q.entry = catalog.Entry{}
	q.ask, q.as, q.suffix, q.negotiated, q.exempted, q.identified = redirector.Ask{}, redirector.AsFile, false, false, "", false
	q.degraded, q.unrooted = false, false
	q.older = q.older[:0]
	q.addr = clientAddr(vars)
	q.root = h.root(repl, vars)
	q.now = time.Now()
	q.tls = secure(r, vars)
	q.query = redirector.Query{
		TLS:          q.tls,
		HTTPSUpgrade: h.HTTPSUpgrade == "allow",
		Now:          q.now.UnixNano(),
	}
	o.addr = q.addr
}

// forget drops what must not be kept alive by a question that waits in the pool.
func (q *question) forget() {
	q.r, q.vars, q.repl, q.o, q.view = nil, nil, nil, nil, nil
	q.file, q.target, q.root, q.exempted = "", "", "", ""
	q.query, q.ask, q.anyOf, q.origined = redirector.Query{}, redirector.Ask{}, catalog.AnyOf{}, withOrigin{}
}

// answer goes through the steps; the first that knows what to do ends it.
func (q *question) answer(w http.ResponseWriter, folder bool) action {
	defer q.forget()
	h := q.h
	if raw := q.r.URL.RawQuery; raw != "" {
		if q.ask, q.o.err = redirector.ParseAsk(raw); q.o.err != nil {
			return q.o.say(resultError, "bad_query", badRequest)
		}
	}
	slot, ok := h.rt.db.enter()
	if !ok {
		if q.wantsDocument() {
			return q.o.say(resultError, "not_ready", unavailable)
		}
		return q.o.say(resultLocal, "closing", pass)
	}
	defer h.rt.db.leave(slot)

	q.view = h.rt.db.catalog.View()
	if !q.view.Ready() {
		return q.notReady(w)
	}
	if act, ok := q.yum(w); ok {
		return act
	}
	if folder {
		return q.folder(w)
	}
	found := q.find()
	if q.ask.As == redirector.AsExplain && q.as != redirector.AsMirrorList && h.documents.Has(redirector.AsExplain) {
		return q.explain(w, found)
	}
	switch found {
	case catalog.Found:
	case catalog.Ambiguous:
		if q.ask.As != redirector.AsFile || q.as != redirector.AsFile {
			return q.o.say(resultError, "ambiguous", notFound)
		}
		return q.stay(w, resultLocal, "ambiguous")
	case catalog.NotFound:
		return q.unknown(w)
	}
	return q.found(w)
}

// find looks the file up. A document's suffix counts where there is no such
// file itself.
func (q *question) find() catalog.Result {
	var found catalog.Result
	q.target, _ = q.view.Resolve(q.file)
	if q.entry, found = q.view.Lookup(q.target); found != catalog.NotFound {
		return found
	}
	file, as, ok := redirector.CutSuffix(q.file)
	if !ok || !q.h.documents.Has(as) {
		return found
	}
	target, _ := q.view.Resolve(file)
	entry, found := q.view.Lookup(target)
	if found != catalog.Found || q.onDisk(q.file) {
		return catalog.NotFound
	}
	q.file, q.target, q.entry, q.as, q.suffix = file, target, entry, as, true
	return found
}

// wantsDocument reports, without a catalog, whether a document is asked for.
func (q *question) wantsDocument() bool {
	if q.ask.As != redirector.AsFile {
		return true
	}
	_, as, ok := redirector.CutSuffix(q.file)
	return ok && q.h.documents.Has(as) && !q.onDisk(q.file)
}

// onDisk reports whether a file that the index does not know is there.
func (q *question) onDisk(file string) bool {
	return q.root != "" &&
		q.h.roots.get(q.root, q.h.checkAge, q.h.logger).check.Check(file, q.now).State == filecheck.Regular
}

// unknown is for a path that the index does not know.
func (q *question) unknown(w http.ResponseWriter) action {
	h := q.h
	switch {
	case q.ask.As == redirector.AsMirrorList && !q.onDisk(q.file): // a folder without its slash
		return q.folder(w)
	case q.removed(w):
		return done
	case h.Root == rootOff && !h.app.isListed(h.Instance): // else it may be a folder
		return q.o.say(resultError, "not_indexed", notFound)
	case h.closed(q.root, q.file, q.now):
		return q.o.say(resultError, "closed", notFound)
	case q.ask.As != redirector.AsFile && q.onDisk(q.file): // not the file in a document's place
		return q.o.say(resultError, "not_indexed", notFound)
	}
	return q.o.say(resultLocal, "not_indexed", pass)
}

// found is for a file that the index knows.
func (q *question) found(w http.ResponseWriter) action {
	h := q.h
	q.o.found = true
	q.represent()
	explicit := q.as != redirector.AsFile && !q.negotiated
	if explicit && !h.documents.Has(q.as) {
		return q.o.say(resultError, "document_off", notFound)
	}
	why := q.exempt()
	if why != "" && !explicit {
		q.as, q.negotiated, q.exempted = redirector.AsFile, false, why
		if _, hashed := q.view.SHA256(q.entry.ID); hashed && !h.stale(q.root, q.file, q.entry, q.now) {
			q.known(why)
		}
		return q.stay(w, resultExempt, why)
	}
	if h.stale(q.root, q.file, q.entry, q.now) {
		if explicit { // of which version would it speak?
			return q.o.say(resultError, "changed", notFound)
		}
		if h.closed(q.root, q.file, q.now) {
			return q.o.say(resultError, "closed", notFound)
		}
		return q.o.say(resultLocal, "changed", pass)
	}
	if q.as == redirector.AsFile {
		return q.redirect(w)
	}
	if !*h.DocumentExemptions {
		why = ""
	}
	return q.document(w, why)
}

// known notes what is true of the file that is in the index, for whoever
// serves it. why: it is not redirected.
func (q *question) known(why string) {
	q.o.indexed = true
	q.o.sha256, q.o.hashed = q.view.SHA256(q.entry.ID)
	if why != "" {
		escaped := mirror.EscapePath(q.target)
		_, q.o.links = redirector.Fields(q.self(escaped), escaped, nil, nil, 0, q.about(q.o.hashed)...)
	}
}

// exempt says why the request is not redirected; "" if it is.
func (q *question) exempt() string {
	if q.r.Method == http.MethodHead && q.h.Head == "local" && q.as == redirector.AsFile {
		return exemptHead
	}
	return q.exemptFrom(q.addr)
}

// exemptFrom is exempt for a GET from an address.
func (q *question) exemptFrom(addr netip.Addr) string {
	h, agent := q.h, ""
	if a := q.r.Header["User-Agent"]; len(a) > 0 {
		agent = a[0]
	}
	why := h.rules.Exempt(q.target, q.entry.Size, q.mimeType, agent, addr)
	if why == "" && q.file != q.target { // a link may be named what its target is not
		why = h.rules.Exempt(q.file, q.entry.Size, q.mimeType, agent, addr)
	}
	if why == redirector.ExemptMinSize && q.root == "" && !q.unrooted && q.origin() == "" {
		// There is no other place to get it from, unless it is exempt for another
		// reason.
		return h.rules.Exempt(q.target, math.MaxInt64, q.mimeType, agent, addr)
	}
	return why
}

// exemptHead is the reason for which HEAD requests are not redirected.
const exemptHead = "head"

// mimeType is what file_server would call the file.
func (q *question) mimeType() string { return mime.TypeByExtension(path.Ext(q.file)) }

// redirect sends the client to a mirror, if there is one.
func (q *question) redirect(w http.ResponseWriter) action {
	q.identify()
	q.allow()
	q.recall()
	s := q.h.selection(q.view)
	q.choose(s, nil)
	if !q.decision.Found() {
		q.known("")
		return q.noMirror(w)
	}
	same := q.agree()
	if q.settleOrigin(s, true); q.decision.Picks[0].Mirror == s.origin {
		return q.fromOrigin(w)
	}
	return q.toMirror(w, s, reasonMirror, same)
}

// toMirror redirects to the first of the decision's picks. same: they have the
// version that the index has.
func (q *question) toMirror(w http.ResponseWriter, s *selection, reason string, same bool) action {
	best := &q.decision.Picks[0]
	q.o.mirror, q.o.realm = best.Name, q.decision.Tier.String()
	q.send(w, q.decision.Picks, same, q.h.stamp)
	if !same && reason == reasonMirror {
		reason = "outdated"
	}
	if !q.o.simulated {
		s.redirects[best.Mirror].Inc()
		q.credit(q.h.counts.mirror)
		if q.r.Method == http.MethodGet {
			q.h.rt.db.traffic.Credit(s.Mirror(best.Mirror).ID, q.entry.Size, q.now)
		}
	}
	q.remember(s.Mirror(best.Mirror).ID)
	return q.o.say(resultRedirect, reason, done)
}

// credit counts the bytes of a file that the client will fetch elsewhere.
func (q *question) credit(c prometheus.Counter) {
	if q.r.Method == http.MethodGet {
		c.Add(float64(q.entry.Size))
	}
}

// identify fills in who asks, once, and for what.
func (q *question) identify() {
	if !q.identified {
		q.o.simulated = q.h.identify(&q.query, q.addr, &q.ask.Wishes)
		q.o.client, q.o.located = q.query.Client, true
		q.identified = true
	}
	q.query.File, q.query.Size, q.query.Path = q.entry.ID, q.entry.Size, q.target
}

// choose fills in the decision. What mirrors carry counts for redirects alone,
// which are drawn by chance: documents are the same on all nodes.
func (q *question) choose(s *selection, rnd redirector.Rand) {
	if rnd == nil {
		q.query.Load = s.load
	}
	s.Choose(&q.query, q.holder(), rnd, &q.decision)
}

// noMirror does what is configured for files that no mirror will serve to this
// client.
func (q *question) noMirror(w http.ResponseWriter) action {
	if *q.h.BringScansForward && !q.o.simulated {
		q.h.rt.db.misses.count(q.entry.ID)
	}
	switch q.h.NoMirror {
	case "404":
		return q.o.say(resultError, "no_mirror", notFound)
	case "503":
		return q.o.say(resultError, "no_mirror", unavailable)
	case "fallback":
		if q.elsewhere(w, q.h.fallbacks, "fallback", q.h.counts.fallback) {
			return done
		}
	}
	if limit := q.h.LocalMaxSize; limit > 0 && q.entry.Size > limit {
		return q.o.say(resultError, "local_max_size", unavailable)
	}
	q.exempted = "no_mirror"
	return q.stay(w, resultLocal, "no_mirror")
}

// notReady does what is configured for the time before there is a catalog.
func (q *question) notReady(w http.ResponseWriter) action {
	if q.wantsDocument() {
		return q.o.say(resultError, "not_ready", unavailable)
	}
	switch q.h.NotReady {
	case "503":
		return q.o.say(resultError, "not_ready", unavailable)
	case "fallback":
		q.identify()
		if q.elsewhere(w, q.h.fallbacks, "not_ready", q.h.counts.fallback) {
			return done
		}
	}
	return q.stay(w, resultLocal, "not_ready")
}

// stay leaves the request to this server: to the next handler, or, without a
// local root, to where the tree comes from.
func (q *question) stay(w http.ResponseWriter, result, reason string) action {
	if q.root == "" {
		if origin := q.origin(); origin != "" && q.elsewhere(w, redirector.Fallbacks{{URL: origin}}, reason, q.h.counts.origin) {
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
// false if none suits. Their bytes are counted in sent.
func (q *question) elsewhere(w http.ResponseWriter, list redirector.Fallbacks, reason string, sent prometheus.Counter) bool {
	f, ok := list.Choose(&q.query, nil)
	if !ok {
		return false
	}
	q.o.mirror, q.o.realm = hostOf(f.URL), realmFallback
	pick := redirector.Pick{BaseURL: f.URL, Country: f.Country}
	q.decision.Picks = append(q.decision.Picks[:0], pick)
	q.send(w, q.decision.Picks, true, nil)
	if !q.o.simulated {
		q.credit(sent)
	}
	q.o.say(resultRedirect, reason, done)
	return true
}
