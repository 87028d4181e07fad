package main

import (
	"context"
	"fmt"
	"mime"
	"net/netip"
	"os"
	gopath "path"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/explain"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/redirector"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// explaining is a file whose redirects are explained: everything that they
// depend on but the client.
type explaining struct {
	f       explainFlags
	path    string // as asked for
	file    *knownFile
	site    *nodeSite
	geo     *geo
	set     *redirector.Set
	held    copiesHeld
	rules   *redirector.Rules
	rest    explain.Site
	notes   []string
	node    explain.Node
	instant time.Time
}

// copiesHeld tells which versions of the one file mirrors have, by the index of
// the mirror.
type copiesHeld struct {
	current []bool
	former  []mirror.Version // the latest; ID 0: none
}

// Holds implements redirector.Holder for the file's current version.
func (h copiesHeld) Holds(i int, _ mirror.FileID) bool { return h.current[i] }

// stale gives the former version that a mirror has in the place of the current.
func (h copiesHeld) stale(i int) (mirror.Version, bool) {
	return h.former[i], !h.current[i] && h.former[i].ID != 0
}

// newExplaining reads what the database has of one path; nothing is read of the
// other files.
func (a *app) newExplaining(ctx context.Context, path string, f explainFlags) (*explaining, error) {
	db, err := a.store(ctx)
	if err != nil {
		return nil, err
	}
	e := &explaining{f: f, path: path, instant: time.Now()}
	target, err := db.Resolve(ctx, path)
	if err != nil {
		return nil, err
	}
	if e.file, err = a.known(ctx, target); err != nil {
		return nil, err
	}
	if e.file.current().ID == 0 {
		return nil, a.unknownPath(ctx, e.file)
	}
	if e.site, err = a.nodeSite(ctx, f.node, f.site); err != nil {
		return nil, err
	}
	if e.geo, err = a.openGeoAs(ctx, e.site); err != nil {
		return nil, err
	}
	if err := e.readSite(ctx, db); err != nil {
		return nil, err
	}
	return e, e.readMirrors(ctx, a, db)
}

// readMirrors compiles the mirrors as the node does, and reads which of them have
// the file.
func (e *explaining) readMirrors(ctx context.Context, a *app, db *store.Store) error {
	key, err := db.Key(ctx)
	if err != nil {
		return err
	}
	all, err := db.Mirrors(ctx)
	if err != nil {
		return err
	}
	list, at := make([]*mirror.Mirror, len(all), len(all)+1), make(map[mirror.ID]int, len(all))
	for i := range all {
		list[i], at[all[i].ID] = &all[i], i
	}
	policy := e.site.Compile(key)
	if policy.MaxScanAge, err = a.nodeScanAge(ctx, e.site); err != nil {
		return err
	}
	policy.Edges = e.geo.rules.Edges()
	if o := e.site.OriginMirror; o != nil {
		list = append(list, o.Mirror())
	}
	e.set = redirector.Compile(list, policy)
	e.held = copiesHeld{make([]bool, len(list)), make([]mirror.Version, len(list))}
	if e.site.OriginMirror != nil {
		e.held.current[len(all)] = e.originHolds()
	}
	return db.Read(ctx, func(n *store.Snapshot) error {
		e.node.Revision = n.Head().Revision
		return n.Holdings(0, func(h store.Holdings) error {
			if i, ok := at[h.Mirror]; ok {
				e.note(i, h)
			}
			return nil
		})
	})
}

// originHolds reports whether the node takes part as a mirror for the file: where
// it may serve it, or knows where it is had from.
func (e *explaining) originHolds() bool {
	if e.rest.NoRoot {
		return e.rest.Origin != ""
	}
	return e.rest.LocalMaxSize == 0 || e.file.current().Size <= e.rest.LocalMaxSize
}

// note keeps which versions of the file a mirror has.
func (e *explaining) note(i int, h store.Holdings) {
	for _, v := range e.file.versions { // the latest first
		switch {
		case !h.Held.Contains(uint32(v.ID)):
		case v.Current():
			e.held.current[i] = true
		case e.held.former[i].ID == 0:
			e.held.former[i] = v.Version
		}
	}
}

// readSite prepares what the node's settings say besides the choice of mirrors.
func (e *explaining) readSite(ctx context.Context, db *store.Store) error {
	s := e.site
	e.node.Name, e.node.Seen = s.Node, s.Seen
	switch silent := e.instant.Sub(s.Seen); {
	case s.Node == "":
		e.remark("No node has reported itself yet, so this goes by the default settings.")
	case silent > 5*time.Minute:
		e.node.Site = e.f.site
		e.remark("Node %s last reported itself %s ago.", s.Node, age(s.Seen, e.instant))
	default:
		e.node.Site = e.f.site
	}
	if e.site.ShareBy == redirector.ShareByBytes {
		e.remark("The node shares by bytes, with weights that only it knows; here the scores stand for them: ask the node itself (?explain, or Caddy's admin API).")
	}
	for _, file := range []string{s.GeoIP, s.GeoIPASN} {
		if _, err := os.Stat(file); file != "" && err != nil {
			e.remark("The node's %s is not on this host, so the client's place or network may be another there.", file)
		}
	}
	e.remarkRules()
	origin := s.OriginURL
	if origin == "" {
		err := db.Read(ctx, func(n *store.Snapshot) error {
			o, err := n.Origin()
			origin = o.HTTP
			return err
		})
		if err != nil {
			return err
		}
	}
	e.rest = explain.Site{
		NoMirror: s.NoMirror, LocalMaxSize: s.LocalMaxSize, NoRoot: s.Root == "off", RootOff: s.Root == "off", Origin: origin,
	}
	e.compileRules()
	return nil
}

// remark adds a note to the reports.
func (e *explaining) remark(format string, args ...any) {
	e.notes = append(e.notes, fmt.Sprintf(format, args...))
}

// remarkRules says which of the node's settings bear on the file and are not
// known here.
func (e *explaining) remarkRules() {
	s := e.site
	for _, rules := range []struct {
		what string
		list []pathSetting
	}{{"allow_outdated", s.AllowOutdated}, {"repository", s.Repositories}} {
		for _, r := range rules.list {
			if rule, err := redirector.CompilePathRule(r.Path); err == nil && rule.Match(e.file.path) {
				e.remark("The node has %s for this path, which is not considered here: ask the node itself (?explain, or Caddy's admin API).", rules.what)
				break
			}
		}
	}
}

// compileRules prepares exemptions and fallbacks. What has placeholders is known
// to the node alone.
func (e *explaining) compileRules() {
	o, unknown := e.site.rules()
	for _, text := range unknown {
		e.remark("exclude_network %s is not considered: only the node knows what it stands for.", text)
	}
	var err error
	if e.rules, err = redirector.CompileRules(o); err != nil {
		e.remark("The node's exemptions are not considered: %v.", err)
	}
	for _, f := range e.site.fallbacks() {
		one, err := redirector.NewFallbacks([]redirector.Fallback{f})
		if err != nil {
			e.remark("A fallback is not considered: %v.", err)
			continue
		}
		e.rest.Fallbacks = append(e.rest.Fallbacks, one...)
	}
}

// input is the request of the client with an address.
func (e *explaining) input(addr netip.Addr) *explain.Input {
	v := e.file.current()
	in := &explain.Input{
		Set: e.set, Holder: e.held, Path: e.path, Version: &v, Settings: e.site.Settings, Site: e.rest,
		Former: e.held.stale, Notes: e.notes, Private: true, Node: &e.node,
	}
	if sum, ok := e.file.sha256[v.ID]; ok {
		in.SHA256 = &sum
	}
	in.Query = redirector.Query{
		File: v.ID, Size: v.Size, Path: e.file.path, TLS: !e.f.http, HTTPSUpgrade: e.site.HTTPSUpgrade != "never",
		Now: e.instant.UnixNano(), Avoid: e.f.avoid, AvoidCountries: e.f.avoidCountry,
	}
	in.Exempt = e.exempt(addr, v)
	e.locate(in, addr)
	return in
}

// exempt says why the node does not redirect the file; "" it does.
func (e *explaining) exempt(addr netip.Addr, v mirror.Version) string {
	kind := func() string { return mime.TypeByExtension(gopath.Ext(e.path)) }
	check := func(size int64) string {
		why := e.rules.Exempt(e.file.path, size, kind, e.f.agent, addr)
		if why == "" && e.path != e.file.path { // a link may be named what its target is not
			why = e.rules.Exempt(e.path, size, kind, e.f.agent, addr)
		}
		return why
	}
	why := check(v.Size)
	if why == redirector.ExemptMinSize && e.rest.NoRoot && e.rest.Origin == "" {
		return check(1 << 62) // there is no other place to get it from
	}
	return why
}

// locate fills in who asks.
func (e *explaining) locate(in *explain.Input, addr netip.Addr) {
	c := mirror.Client{}
	if addr.IsValid() {
		c = e.geo.client(addr)
	}
	if c.Country != "" || c.Continent != "" || c.HasCoords {
		in.PlaceFrom = explain.FromGeoIP
	}
	if _, ok := e.geo.rules.Override(c.Addr); ok {
		in.PlaceFrom = explain.FromOverride
	}
	if c.ASN != 0 || c.Prefix.IsValid() {
		in.NetworkFrom = explain.FromASFile
		if _, _, announced, _ := e.geo.network(c.Addr); announced {
			in.NetworkFrom = explain.FromPrefixes
		}
	}
	if in.Simulated = e.f.place(&c); in.Simulated {
		in.NetworkFrom = ""
		if c.ASN != 0 {
			in.NetworkFrom = explain.FromRequest
		}
		if e.f.country != "" {
			in.PlaceFrom = explain.FromRequest
		}
	}
	in.Query.Client = c
}
