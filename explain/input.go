package explain

import (
	"encoding/hex"
	"math"
	"slices"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/redirector"
)

// Input is a request and what it is answered from.
type Input struct {
	Set    *redirector.Set
	Query  redirector.Query // Limit and Explain are set here
	Holder redirector.Holder

	Path     string              // as asked for
	Version  *mirror.Version     // what Query asks for; nil: nothing is known
	SHA256   *[32]byte           // of the version; nil: not hashed
	Settings redirector.Settings // in effect, defaults filled in
	Site     Site

	// What is decided before mirrors are looked at; the first that is set counts.
	Refused string // why the answer is 404: closed
	Local   string // why the file comes from here: not_indexed, ambiguous, changed
	Exempt  string // why the file is not redirected

	// Redirect is the reason for a redirect to a mirror; "" is mirror.
	Redirect string

	Simulated   bool // the client is a simulated one
	PlaceFrom   string
	NetworkFrom string

	// Former gives the latest former version that a mirror has in the place of
	// the one asked for, by its index in Set; false: it has none, or that one. It
	// may be nil.
	Former func(i int) (mirror.Version, bool)

	Node    *Node
	Notes   []string
	Private bool // the report is for somebody who may see everything
}

// Site is what a site's settings say about requests that no mirror gets.
type Site struct {
	NoMirror     string // local, fallback, 404 or 503
	LocalMaxSize int64  // bytes; 0: no limit
	Fallbacks    redirector.Fallbacks
	NoRoot       bool   // there is no local copy of the tree
	RootOff      bool   // likewise, and no other handler has one
	Origin       string // base URL of the tree where it comes from; "": none
}

// The reasons of outcomes. Those for which a file is exempt are redirector's,
// and head.
const (
	ReasonMirror       = "mirror"
	ReasonOriginMirror = "origin_mirror"
	ReasonNotIndexed   = "not_indexed"
	ReasonAmbiguous    = "ambiguous"
	ReasonChanged      = "changed"
	ReasonClosed       = "closed"
	ReasonNoMirror     = "no_mirror"
	ReasonLocalMaxSize = "local_max_size"
	ReasonRemoved      = "removed"
	ReasonOutdated     = "outdated"
)

// The results of outcomes.
const (
	ResultRedirect = "redirect"
	ResultLocal    = "local"
	ResultExempt   = "exempt"
	ResultError    = "error"
)

// New answers why. It asks every mirror whether it holds the file.
func New(in *Input) *Report {
	e := &explainer{Input: in, escaped: mirror.EscapePath(in.Query.Path)}
	r := &Report{
		At:      time.Unix(0, in.Query.Now).UTC(),
		Node:    in.Node,
		Private: in.Private,
		Notes:   in.Notes,
		Request: e.request(),
		Client:  e.client(),
		File:    e.file(),
		Mirrors: []Mirror{},
		Out:     []Out{},
	}
	if in.Version != nil {
		e.decide()
	}
	r.Outcome = e.outcome()
	e.sent = r.Outcome.Result == ResultRedirect && e.toMirror
	r.Mirrors, r.Out, r.Truncated = e.mirrors()
	r.Settings = e.settings()
	r.Summary = e.summary(r)
	return r
}

// explainer is an Input being explained.
type explainer struct {
	*Input

	escaped  string // path in URLs
	decision redirector.Decision
	// closest are the candidates of the tiers that those are in which can be the
	// chosen one: the first of all.
	closest  []redirector.Candidate
	beyond   bool // closest are of continents that come before the rest of the world
	toMirror bool // the outcome is a redirect to a mirror
	sent     bool // likewise, once that is settled
}

// decide asks for the choice among all mirrors.
func (e *explainer) decide() {
	q := e.Query
	q.Limit, q.Explain = -1, true
	e.Set.Choose(&q, e.Holder, nil, &e.decision)
	cs := e.decision.Candidates
	if len(cs) == 0 {
		return
	}
	last, group := cs[0].Tier, cs[0].Group
	for _, c := range cs {
		if c.Share > 0 {
			last, group = max(last, c.Tier), max(group, c.Group)
		}
	}
	if last > mirror.TierAS && e.byDistance() {
		last = mirror.TierWorld
	} else if last == mirror.TierWorld {
		if n := slices.IndexFunc(cs, func(c redirector.Candidate) bool { return c.Group > group }); n > 0 && cs[n].Tier == last {
			e.closest, e.beyond = cs[:n], true
			return
		}
	}
	for n := len(cs); n > 0; n-- {
		if cs[n-1].Tier <= last {
			e.closest = cs[:n]
			return
		}
	}
}

// byDistance reports whether borders do not count.
func (e *explainer) byDistance() bool { return e.Settings.Policy == redirector.PolicyDistance }

func (e *explainer) request() Request {
	q := &e.Query
	r := Request{
		Path: e.Path, Target: q.Path, Scheme: "http", HTTPSUpgrade: q.HTTPSUpgrade && !q.TLS,
		Avoid: slices.Clone(q.Avoid), AvoidCountry: slices.Clone(q.AvoidCountries),
	}
	if q.TLS {
		r.Scheme = "https"
	}
	switch addr := q.Client.Addr.Unmap(); {
	case addr.Is4():
		r.IPVersion = 4
	case addr.Is6():
		r.IPVersion = 6
	}
	return r
}

func (e *explainer) client() Client {
	c := &e.Query.Client
	out := Client{
		Simulated: e.Simulated, Country: c.Country, Continent: c.Continent, ASN: c.ASN,
		PlaceFrom: e.PlaceFrom, NetworkFrom: e.NetworkFrom,
	}
	if c.Addr.IsValid() && !c.Addr.IsUnspecified() { // which stands for a client that is only said to be somewhere
		out.Address = c.Addr.String()
	}
	if c.HasCoords {
		lat, lng := tenth(c.Lat), tenth(c.Lng)
		out.Lat, out.Lng = &lat, &lng
	}
	if c.Prefix.IsValid() {
		out.Prefix = c.Prefix.String()
	}
	return out
}

// tenth rounds a coordinate: to about ten kilometres, which is more than what
// such data knows.
func tenth(degrees float64) float64 { return math.Round(degrees*10) / 10 }

func (e *explainer) file() *File {
	v := e.Version
	if v == nil {
		return nil
	}
	f := &File{ID: uint32(v.ID), Size: v.Size}
	if v.Precision > 0 {
		f.MTime = time.Unix(0, v.MTime).UTC()
	}
	if v.Seen != 0 {
		f.Seen = time.Unix(0, v.Seen).UTC()
	}
	if e.SHA256 != nil {
		f.SHA256 = hex.EncodeToString(e.SHA256[:])
	}
	return f
}
