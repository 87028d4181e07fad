package mirrorbrain

import (
	"net/http"
	"slices"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/catalog"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/redirector"
)

// This server as one of the mirrors (`origin_mirror`) is the last in the list
// that a selection is compiled from, behind those of the catalog's World. Which
// files it has, and where, depends on the request: it serves them itself where
// there is a local root, else the origin's URL does.

// reasonOrigin is for files that this server serves because it is a mirror.
const reasonOrigin = "origin_mirror"

// noOrigin is the index of an origin that is no mirror.
const noOrigin = -1

// withOrigin is a holder that knows about the origin, too.
type withOrigin struct {
	redirector.Holder

	origin int // index
	holds  bool
}

// Holds implements redirector.Holder.
func (w *withOrigin) Holds(i int, id mirror.FileID) bool {
	if i == w.origin {
		return w.holds
	}
	return w.Holder.Holds(i, id)
}

// addOrigin makes a holder of the catalog's mirrors one of the selection's.
func (q *question) addOrigin(held redirector.Holder, holds bool) redirector.Holder {
	if q.h.OriginMirror == nil {
		return held
	}
	q.origined = withOrigin{Holder: held, origin: len(q.view.Holdings().Mirrors), holds: holds}
	return &q.origined
}

// originHolds reports whether the origin takes part in the choice: it has the
// version that the index has, and that one is asked for. What differs on disk
// does not come this far.
func (q *question) originHolds() bool {
	if q.h.OriginMirror == nil {
		return false
	}
	if now, found := q.view.Lookup(q.target); found != catalog.Found || now.ID != q.entry.ID {
		return false // a version that the origin does not have any more
	}
	if q.root == "" {
		return q.originURL() != ""
	}
	limit := q.h.LocalMaxSize
	return limit == 0 || q.entry.Size <= limit
}

// originURL is where clients are sent who get the origin, or where they are told
// that it is; "" nowhere. With a local root what the database knows may be the
// tree's upstream, which is not this server: then only the configuration counts.
func (q *question) originURL() string {
	base := q.h.originURL
	if q.root == "" {
		base = q.origin()
	}
	if base == "" || len(redirector.Fallbacks{{URL: base}}.Rank(&q.query)) == 0 { // not by the client's scheme
		return ""
	}
	return base
}

// settleOrigin gives the origin its URL among the decision's picks, and takes it
// away where it has none, except from the first place with keepFirst.
func (q *question) settleOrigin(s *selection, keepFirst bool) {
	at := slices.IndexFunc(q.decision.Picks, func(p redirector.Pick) bool { return p.Mirror == s.origin })
	if s.origin == noOrigin || at < 0 {
		return
	}
	p := &q.decision.Picks[at]
	if base := q.originURL(); base != "" && q.h.stamp == nil { // it takes no stamps
		p.BaseURL, p.Trim, p.Name = base, 0, hostOf(base)
		return
	}
	if at > 0 || !keepFirst {
		q.decision.Picks = slices.Delete(q.decision.Picks, at, at+1)
	}
}

// fromOrigin answers a request whose lot has fallen on the origin.
func (q *question) fromOrigin(w http.ResponseWriter) action {
	if *q.h.BringScansForward && !q.o.simulated && len(q.decision.Picks) == 1 {
		q.h.rt.db.misses.count(q.entry.ID) // whether a mirror has it is looked at later
	}
	if q.root == "" {
		return q.toOrigin(w)
	}
	q.known("")
	q.o.links = q.alternatives()
	return q.o.say(resultLocal, reasonOrigin, pass)
}

// toOrigin redirects to the origin's URL.
func (q *question) toOrigin(w http.ResponseWriter) action {
	base := q.originURL()
	picks := q.decision.Picks
	picks[0].BaseURL, picks[0].Trim = base, 0
	if q.h.stamp != nil { // the others' URLs would need one
		picks = picks[:1]
	}
	q.o.mirror, q.o.realm = hostOf(base), q.decision.Tier.String()
	q.send(w, picks, true, nil)
	if !q.o.simulated {
		q.credit(q.h.counts.origin)
	}
	q.remember(0)
	return q.o.say(resultRedirect, reasonOrigin, done)
}

// alternatives are the Link fields of a file that is served from here while
// mirrors have it too: the documents about it, and these mirrors.
func (q *question) alternatives() []string {
	escaped := mirror.EscapePath(q.target)
	others := q.decision.Picks[1:]
	if !q.h.links {
		others = nil
	}
	_, links := redirector.Fields(q.self(escaped), escaped, others, q.h.stamp, q.now.Unix(), q.about(q.o.hashed)...)
	return links
}
