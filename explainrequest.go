package mirrorbrain

import (
	"fmt"
	"net/http"
	"net/netip"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/catalog"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/explain"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirrorlist"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/redirector"
)

// explain answers why the file would be answered as it would be. It is no
// download, however often it is asked for.
func (q *question) explain(w http.ResponseWriter, found catalog.Result) action {
	r := q.report(found, q.h.mayDebug(q.addr))
	status := http.StatusOK
	if r.Outcome.Reason == explain.ReasonNotIndexed || r.Outcome.Reason == explain.ReasonClosed {
		status = http.StatusNotFound
	}
	if err := writeReport(w, r, status); err != nil {
		q.h.logger.Debug("an explanation broke off", "path", q.target, "err", err)
	}
	if status != http.StatusOK {
		return q.o.say(resultError, r.Outcome.Reason, done)
	}
	q.o.as = redirector.AsExplain
	if !q.o.simulated {
		documentsTotal.WithLabelValues(q.h.Instance, redirector.AsExplain.String()).Inc()
	}
	return q.o.say(resultDocument, reasonRequested, done)
}

// writeReport sends a report, which nobody is to keep.
func writeReport(w http.ResponseWriter, r *explain.Report, status int) error {
	body, err := r.AppendJSON(nil)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", redirector.TypeJSON)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Length", fmt.Sprint(len(body)))
	w.WriteHeader(status)
	_, err = w.Write(body) // of HEAD, net/http leaves it out
	return err
}

// report says what becomes of a GET request for the file, and why. private: it
// is for somebody who may know of all mirrors.
func (q *question) report(found catalog.Result, private bool) *explain.Report {
	in := &explain.Input{Path: q.file, Settings: q.h.Settings, Private: private, Site: q.site()}
	switch {
	case found == catalog.Ambiguous:
		in.Local = explain.ReasonAmbiguous
	case found == catalog.NotFound:
		return q.reportUnknown(in)
	case !q.h.stale(q.root, q.file, q.entry, q.now):
		in.Exempt = q.exemptFrom(q.seenFrom(private))
	case !q.h.closed(q.root, q.file, q.now):
		in.Local = explain.ReasonChanged
	case private:
		in.Refused = explain.ReasonClosed
	default: // not to be told from what does not exist
		q.entry, found = catalog.Entry{}, catalog.NotFound
		in.Local = explain.ReasonNotIndexed
	}
	if found == catalog.Found {
		q.allow()
		q.tell(in)
	}
	return q.finish(in)
}

// seenFrom is the address that decides about exempt networks: whoever may see
// everything asks about the one of ip=.
func (q *question) seenFrom(private bool) netip.Addr {
	if private && q.ask.IP.IsValid() {
		return q.ask.IP
	}
	return q.addr
}

// reportUnknown is for a path that the index does not know. Whether there is
// something that others may not read is told to nobody who may not know it.
func (q *question) reportUnknown(in *explain.Input) *explain.Report {
	if q.findRemoved() && q.exemptFrom(q.seenFrom(in.Private)) == "" {
		removed := *in
		removed.Redirect = explain.ReasonRemoved
		q.tell(&removed)
		if r := q.finish(&removed); r.Outcome.Reason == explain.ReasonRemoved {
			return r
		}
	}
	q.entry = catalog.Entry{}
	if in.Private && q.h.Root != rootOff && q.h.closed(q.root, q.file, q.now) {
		in.Refused = explain.ReasonClosed
	}
	in.Local = explain.ReasonNotIndexed
	return q.finish(in)
}

// tell adds what is known of the version and who has it.
func (q *question) tell(in *explain.Input) {
	e := q.entry
	in.Version = &mirror.Version{ID: e.ID, Size: e.Size, MTime: e.MTime, Precision: e.Precision}
	if sum, ok := q.view.SHA256(e.ID); ok {
		in.SHA256 = &sum
	}
	if q.repository() != nil {
		in.Notes = append(in.Notes, "The file is part of a package repository's index: only mirrors that hold all of the index count as having it.")
	}
	if world := q.view.Holdings(); len(q.older) > 0 {
		former := catalog.AnyOf{World: world, Older: q.older}
		in.Former = func(i int) (mirror.Version, bool) {
			if world.Holds(i, e.ID) {
				return mirror.Version{}, false
			}
			v, ok := former.Version(i)
			return mirror.Version{ID: v.ID, Size: v.Size, MTime: v.MTime, Precision: v.Precision}, ok
		}
	}
}

// finish adds who asks, and makes the report.
func (q *question) finish(in *explain.Input) *explain.Report {
	q.identify()
	if in.Private { // of those who may ask for everything nobody is kept out
		q.query.NoReserved = false
	}
	in.Simulated = q.o.simulated
	in.PlaceFrom, in.NetworkFrom = q.whence()
	if !in.Private && in.PlaceFrom == explain.FromOverride { // which networks have rules is the operator's
		in.PlaceFrom = explain.FromGeoIP
	}
	s := q.h.selection(q.view)
	q.query.Load = s.load
	q.recall()
	in.Set, in.Query, in.Holder = s.Set, q.query, q.holder()
	if in.Private {
		in.Node = q.h.node(q.view)
	}
	return explain.New(in)
}

// site is what becomes of requests that no mirror gets.
func (q *question) site() explain.Site {
	h := q.h
	return explain.Site{
		NoMirror: h.NoMirror, LocalMaxSize: h.LocalMaxSize, Fallbacks: h.fallbacks,
		NoRoot: q.root == "" && !q.unrooted, RootOff: h.Root == rootOff, Origin: q.origin(),
	}
}

// whence says where the client's place and network are known from.
func (q *question) whence() (place, network string) {
	c, w := &q.query.Client, &q.ask.Wishes
	switch {
	case w.Country != "":
		place = explain.FromRequest
	case c.Country != "" || c.Continent != "" || c.HasCoords:
		place = explain.FromGeoIP
	}
	if _, ok := q.h.rt.geoRules(q.view).Override(c.Addr); ok && place == explain.FromGeoIP {
		place = explain.FromOverride
	}
	switch {
	case w.ASN != 0:
		return place, explain.FromRequest
	case c.ASN == 0 && !c.Prefix.IsValid():
		return place, ""
	}
	if _, _, ok := q.h.rt.db.prefixes.Lookup(c.Addr); ok {
		return place, explain.FromPrefixes
	}
	return place, explain.FromASFile
}

// addWhy adds to a list why it is what it is, where the query asks for that.
func (q *question) addWhy(f *mirrorlist.File) {
	if !q.ask.Explain || q.ask.All || !q.h.documents.Has(redirector.AsExplain) {
		return
	}
	r := q.report(catalog.Found, q.h.mayDebug(q.addr))
	q.older = q.older[:0] // which are for redirects
	f.Why = &mirrorlist.Why{Summary: append(r.Summary, r.Notes...)}
	for _, s := range r.Settings {
		f.Why.Settings = append(f.Why.Settings, mirrorlist.Setting{Name: s.Name, Value: s.Value, Effect: s.Effect})
	}
	known := map[string]mirrorlist.Excluded{}
	for _, e := range f.Excluded {
		known[e.Name] = e
	}
	f.Excluded = nil
	for _, o := range r.Out {
		reason := o.Reason
		if o.Detail != "" {
			reason += ", " + o.Detail
		}
		e := known[o.Name]
		e.Name, e.Country, e.Reason = o.Name, o.Country, reason
		f.Excluded = append(f.Excluded, e)
	}
}
