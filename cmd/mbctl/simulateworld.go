package main

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/catalog"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/redirector"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/replay"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/traffic"
)

// simulation is what a replay needs of the database and the nodes.
type simulation struct {
	site    *nodeSite
	geo     *geo
	options replay.Options
}

func (a *app) newSimulation(ctx context.Context, f *simulateFlags, o replay.Options) (*simulation, error) {
	site, err := a.nodeSite(ctx, f.node, f.site)
	if err != nil {
		return nil, err
	}
	db, err := a.store(ctx)
	if err != nil {
		return nil, err
	}
	view, err := catalog.ReadOnce(ctx, catalog.FromStore(db))
	if err != nil {
		return nil, fmt.Errorf("reading the catalog: %w", err)
	}
	switch {
	case view.Files() == 0:
		return nil, fmt.Errorf("the index is empty: begin with 'mbctl index'")
	case len(view.Holdings().Mirrors) == 0 && len(f.changes.add_) == 0:
		return nil, fmt.Errorf("there are no mirrors yet: add one with 'mbctl new'")
	}
	s := &simulation{site: site, options: o}
	s.options.Files = view
	if err := s.site.fill(&s.options); err != nil {
		return nil, err
	}
	maxAge, err := a.nodeScanAge(ctx, site)
	if err != nil {
		return nil, err
	}
	if s.geo, err = a.openGeoAs(ctx, site); err != nil {
		return nil, err
	}
	if s.options.Worlds, err = a.worlds(view, s, f, o.Now, maxAge); err != nil {
		return nil, err
	}
	if s.geo.places == nil {
		a.note("note: without a GeoIP database (geoip in %s) clients are only where the log says that they are", a.configFile())
	}
	s.options.Locate = func(addr netip.Addr) mirror.Client { return s.geo.client(addr) }
	return s, nil
}

// fill takes over what a site says of files that go to no mirror.
func (s *nodeSite) fill(o *replay.Options) error {
	rules, _ := s.rules() // what only the node knows is a placeholder's value
	var err error
	if o.Rules, err = redirector.CompileRules(rules); err != nil {
		return fmt.Errorf("the settings of node %s: %w", s.Node, err)
	}
	if o.Fallbacks, err = redirector.NewFallbacks(s.fallbacks()); err != nil {
		return fmt.Errorf("the settings of node %s: %w", s.Node, err)
	}
	o.NoMirror, o.HTTPSUpgrade = s.NoMirror, s.HTTPSUpgrade != "never"
	if o.NoMirror == "" && len(o.Fallbacks) > 0 {
		o.NoMirror = "fallback"
	}
	return nil
}

// worlds gives the world as it is and, if anything is to change, the changed one.
func (a *app) worlds(view *catalog.View, s *simulation, f *simulateFlags, now time.Time, maxAge time.Duration) ([]replay.World, error) {
	have, site := view.Holdings(), s.site
	world := func(name string, settings *redirector.Settings, mirrors []*mirror.Mirror, held replay.Held) replay.World {
		mirrors = replay.Settled(mirrors, now, maxAge)
		if o := settings.OriginMirror; o != nil { // which has everything
			mirrors, held = append(mirrors, o.Mirror()), append(slices.Clip(held), nil)
		}
		w := replay.World{Name: name, Mirrors: mirrors, Held: held, Policy: settings.Compile(view.Key())}
		w.Policy.Edges = s.geo.rules.Edges()
		carry(&w, settings.ShareBy == redirector.ShareByBytes)
		return w
	}
	mirrors := have.Mirrors
	if f.allUp {
		mirrors = replay.AllUp(mirrors, now)
	}
	out := []replay.World{world("now", &site.Settings, mirrors, have.Held)}
	if !f.changes.any() {
		return out, nil
	}
	settings, err := f.changes.applySite(site.Settings)
	if err != nil {
		return nil, err
	}
	c := changedWorld{now: now, mirrors: slices.Clone(mirrors), held: slices.Clone(have.Held)}
	if err := c.apply(&f.changes); err != nil {
		return nil, err
	}
	for _, i := range c.touched {
		if m := c.mirrors[i]; m.Enabled {
			if state, why := m.State(now, maxAge); state != mirror.StateUp && state != mirror.StateResting {
				a.note("note: %s takes no requests: %s%s; --all-up tries it all the same", m.Name, state, parenthesis(printable(why)))
			}
		}
	}
	for _, name := range c.unplaced {
		a.note("note: %s has no coordinates (lat, lng): where others have some, it comes after them", name)
	}
	return append(out, world("changed", &settings, c.mirrors, c.held)), nil
}

// carry has a world's mirrors carry what they are sent, so that largest shares
// and quotas are kept, and bytes follow the scores, in the time of the log.
func carry(w *replay.World, bytes bool) {
	ledger := traffic.NewLedger()
	load := ledger.For(w.Mirrors, bytes)
	if load == nil {
		return // nothing limits them
	}
	var balanced time.Time
	w.Load = load
	w.Sent = func(m int, bytes float64, at time.Time) {
		if at.Sub(balanced).Abs() >= time.Second {
			ledger.Balance(at)
			balanced = at
		}
		ledger.Credit(w.Mirrors[m].ID, int64(bytes), at)
	}
}

func parenthesis(s string) string {
	if s == "" {
		return ""
	}
	return " (" + s + ")"
}

// changedWorld is the mirrors while they change. Those given are not touched.
type changedWorld struct {
	now     time.Time
	mirrors []*mirror.Mirror
	held    []*roaring.Bitmap // nil: everything

	touched  []int    // by a change that should let them take requests
	unplaced []string // added without coordinates
}

func (c *changedWorld) apply(changes *simulateChanges) error {
	for _, text := range changes.add_ {
		n, err := parseAdd(text)
		if err != nil {
			return err
		}
		if err := c.add(n); err != nil {
			return err
		}
	}
	byMirror := map[int][]mirrorChange{}
	for _, text := range changes.set {
		change, err := parseSet(text)
		if err != nil {
			return err
		}
		i, err := mirrorOf(c.mirrors, change.mirror)
		if err != nil {
			return err
		}
		byMirror[i] = append(byMirror[i], change)
	}
	for i, list := range byMirror {
		if err := applyMirror(c.own(i), list); err != nil {
			return err
		}
		c.touched = append(c.touched, i)
	}
	slices.Sort(c.touched)
	for _, name := range changes.without {
		i, err := mirrorOf(c.mirrors, name)
		if err != nil {
			return err
		}
		c.own(i).Enabled = false
	}
	return nil
}

// own makes mirror i one that may be changed.
func (c *changedWorld) own(i int) *mirror.Mirror {
	m := *c.mirrors[i]
	c.mirrors[i] = &m
	return &m
}

// add adds a mirror.
func (c *changedWorld) add(n addition) error {
	for _, m := range c.mirrors {
		if m.Name == n.name {
			return usagef("--add %s: there is a mirror of that name; --set changes it", n.name)
		}
	}
	m := &mirror.Mirror{
		HTTP:  []string{"http://" + n.name + ".invalid/", "https://" + n.name + ".invalid/"},
		Score: 100,
	}
	var held *roaring.Bitmap
	if n.like != "" {
		i, err := mirrorOf(c.mirrors, n.like)
		if err != nil {
			return err
		}
		other := *c.mirrors[i]
		m, held = &other, c.held[i]
	}
	was := m.Country
	m.ID, m.Name = 1, n.name
	for _, o := range c.mirrors {
		m.ID = max(m.ID, o.ID+1)
	}
	m.Enabled, m.DisabledUntil, m.Probe, m.Quota.Spent = true, time.Time{}, mirror.ProbeState{}, false
	m.Scan.Succeeded = c.now
	if err := applyMirror(m, n.changes); err != nil {
		return err
	}
	c.place(m, n, was)
	c.mirrors, c.held = append(c.mirrors, m), append(c.held, held)
	return nil
}

// place gives a mirror that was added without coordinates those of another one of its
// country. was is the country that the coordinates it has are of.
func (c *changedWorld) place(m *mirror.Mirror, n addition, was string) {
	given := slices.ContainsFunc(n.changes, func(ch mirrorChange) bool { return ch.key == "lat" })
	if given || m.HasCoords && m.Country == was {
		return
	}
	m.HasCoords = false
	for _, o := range c.mirrors {
		if o.Country == m.Country && o.HasCoords && m.Country != "" {
			m.Lat, m.Lng, m.HasCoords = o.Lat, o.Lng, true
			return
		}
	}
	c.unplaced = append(c.unplaced, m.Name)
}
