package explain

import (
	"math"
	"net/http"
	"strings"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/redirector"
)

// The kinds of targets.
const (
	kindMirror   = "mirror"
	kindFallback = "fallback"
	kindOrigin   = "origin"
)

// outcome goes through the steps as the handler does; the first that knows what
// to do ends it.
func (e *explainer) outcome() Outcome {
	switch {
	case e.Refused != "":
		return failed(e.Refused, http.StatusNotFound)
	case e.Local == ReasonNotIndexed && e.Site.RootOff:
		return failed(e.Local, http.StatusNotFound)
	case e.Local == ReasonAmbiguous:
		return e.stay(ResultLocal, e.Local)
	case e.Local != "":
		return Outcome{Result: ResultLocal, Reason: e.Local, To: []Target{}}
	case e.Exempt != "":
		return e.stay(ResultExempt, e.Exempt)
	case len(e.decision.Candidates) > 0:
		return e.redirect()
	}
	return e.noMirror()
}

func failed(reason string, status int) Outcome {
	return Outcome{Result: ResultError, Reason: reason, Status: status, To: []Target{}}
}

// redirect is to one of the mirrors that can be the chosen one.
func (e *explainer) redirect() Outcome {
	o := Outcome{Result: ResultRedirect, Reason: e.Redirect, Status: http.StatusFound, To: []Target{}}
	if o.Reason == "" {
		o.Reason = ReasonMirror
	}
	e.toMirror = true
	outdated := e.Former != nil
	for i := range e.decision.Candidates {
		c := &e.decision.Candidates[i]
		if c.Share <= 0 {
			continue
		}
		if o.Realm == "" {
			o.Realm = c.Tier.String()
		}
		if outdated {
			_, outdated = e.Former(c.Mirror)
		}
		o.To = append(o.To, e.target(c))
		if len(o.To) == e.listed() {
			break
		}
	}
	switch {
	case len(o.To) == 1 && o.To[0].Kind == kindOrigin:
		o.Reason = ReasonOriginMirror
		if o.To[0].URL == "" {
			o.Result, o.Status, o.Realm, o.To = ResultLocal, 0, "", []Target{}
		}
	case outdated && o.Reason == ReasonMirror:
		o.Reason = ReasonOutdated
	}
	return o
}

// target is a mirror that may be the chosen one, or this server as one of them.
func (e *explainer) target(c *redirector.Candidate) Target {
	t := Target{Name: e.Set.Mirror(c.Mirror).Name, Kind: kindMirror, URL: e.url(c.Mirror), Probability: rounded(c.Share)}
	if t.Name == redirector.OriginName {
		t.Kind = kindOrigin
	}
	return t
}

// rounded keeps as many digits of a probability as mean something.
func rounded(p float64) float64 { return math.Round(p*1e6) / 1e6 }

// url is where a mirror has the file; "": nobody is sent there.
func (e *explainer) url(i int) string {
	if e.Set.Mirror(i).Name == redirector.OriginName { // it serves files itself where it has them
		if !e.Site.NoRoot || e.Site.Origin == "" {
			return ""
		}
		p := redirector.Pick{BaseURL: e.Site.Origin}
		return mirror.Redact(string(p.AppendURL(nil, e.escaped)))
	}
	for k := range e.decision.Picks {
		if p := &e.decision.Picks[k]; p.Mirror == i {
			return mirror.Redact(string(p.AppendURL(nil, e.escaped)))
		}
	}
	return ""
}

// noMirror is what is configured for files that no mirror will serve.
func (e *explainer) noMirror() Outcome {
	s := &e.Site
	switch s.NoMirror {
	case "404":
		return failed(ReasonNoMirror, http.StatusNotFound)
	case "503":
		return failed(ReasonNoMirror, http.StatusServiceUnavailable)
	case "fallback":
		if o, ok := e.elsewhere(s.Fallbacks, kindFallback, kindFallback); ok {
			return o
		}
	}
	if s.LocalMaxSize > 0 && e.Query.Size > s.LocalMaxSize {
		return failed(ReasonLocalMaxSize, http.StatusServiceUnavailable)
	}
	return e.stay(ResultLocal, ReasonNoMirror)
}

// stay leaves the request to this server, or, without a local root, to where
// the tree comes from.
func (e *explainer) stay(result, reason string) Outcome {
	if e.Site.NoRoot && e.Site.Origin != "" {
		if o, ok := e.elsewhere(redirector.Fallbacks{{URL: e.Site.Origin}}, kindOrigin, reason); ok {
			return o
		}
	}
	if e.Site.RootOff {
		return failed(reason, http.StatusServiceUnavailable)
	}
	return Outcome{Result: result, Reason: reason, To: []Target{}}
}

// elsewhere is one of some servers that have everything; false if none suits.
func (e *explainer) elsewhere(list redirector.Fallbacks, kind, reason string) (Outcome, bool) {
	ranked := list.Rank(&e.Query)
	if len(ranked) == 0 {
		return Outcome{}, false
	}
	o := Outcome{Result: ResultRedirect, Reason: reason, Status: http.StatusFound, Realm: "fallback"}
	for _, f := range ranked[:min(len(ranked), e.listed())] {
		p := redirector.Pick{BaseURL: f.URL}
		o.To = append(o.To, Target{Name: hostOf(f.URL), Kind: kind, URL: mirror.Redact(string(p.AppendURL(nil, e.escaped)))})
	}
	if len(o.To) == 1 {
		o.To[0].Probability = 1
	}
	return o, true
}

// hostOf is the host of a URL, without a user.
func hostOf(url string) string {
	_, host, _ := strings.Cut(url, "://")
	host, _, _ = strings.Cut(host, "/")
	return host[strings.LastIndexByte(host, '@')+1:]
}
