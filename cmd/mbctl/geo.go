package main

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"slices"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/asn"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/geoip"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// geo tells where addresses are and in which networks.
type geo struct {
	places *geoip.DB  // nil: not configured
	file   *geoip.ASN // nil: not configured
	table  *asn.Table // imported; goes before file
	rules  *geoip.Rules
	config string // the file in which the others are named
}

// openGeo opens what is configured. Only files that cannot be used are errors.
func (a *app) openGeo(ctx context.Context) (*geo, error) {
	conf, err := a.config()
	if err != nil {
		return nil, err
	}
	return a.openGeoFiles(ctx, conf.GeoIP, conf.GeoIPASN)
}

// openGeoAs opens the files that a node uses, as far as they are here too, else
// those that are configured.
func (a *app) openGeoAs(ctx context.Context, site *nodeSite) (*geo, error) {
	conf, err := a.config()
	if err != nil {
		return nil, err
	}
	here := func(theirs, ours string) string {
		if theirs != "" {
			if _, err := os.Stat(theirs); err == nil {
				return theirs
			}
		}
		return ours
	}
	g, err := a.openGeoFiles(ctx, here(site.GeoIP, conf.GeoIP), here(site.GeoIPASN, conf.GeoIPASN))
	if err != nil {
		return nil, err
	}
	if g.rules, err = g.rules.With(site.GeoOverrides); err != nil {
		g.close()
		return nil, fmt.Errorf("overrides of node %s: %w", site.Node, err)
	}
	return g, nil
}

func (a *app) openGeoFiles(ctx context.Context, places, networks string) (*geo, error) {
	g := &geo{config: a.configFile()}
	var err error
	if g.table, err = a.prefixTable(ctx); err != nil {
		return nil, err
	}
	if g.rules, err = a.geoRules(ctx); err != nil {
		return nil, err
	}
	if places != "" {
		if g.places, err = geoip.Open(places, a.logger()); err != nil {
			return nil, fmt.Errorf("GeoIP database: %w", err)
		}
	}
	if networks != "" {
		if g.file, err = geoip.OpenASN(networks, a.logger()); err != nil {
			g.close()
			return nil, fmt.Errorf("AS database: %w", err)
		}
	}
	return g, nil
}

// geoRules reads the rules of the database. As nodes do, it goes on without those
// that cannot be read.
func (a *app) geoRules(ctx context.Context) (*geoip.Rules, error) {
	db, err := a.store(ctx)
	if err != nil {
		return nil, err
	}
	text, err := db.Setting(ctx, geoip.RulesSetting)
	if err != nil {
		return nil, err
	}
	rules, err := geoip.ParseRules(text)
	if err != nil {
		a.note("the rules about places are left out, they cannot be read ('mbctl geo edit'): %s", printable(err.Error()))
	}
	return rules, nil
}

func (g *geo) close() {
	if g.places != nil {
		_ = g.places.Close() // read only
	}
	if g.file != nil {
		_ = g.file.Close()
	}
}

// place gives the place of one address, as mirrors are located; ok is false where
// it is not known.
func (g *geo) place(addr netip.Addr) (p mirror.Place, ok bool) {
	p = g.rules.Located(addr, g.found(addr)).Place
	return p, p.Country != "" || p.Continent != "" || p.HasCoords
}

// network gives the narrowest prefix of one address and its AS, by override, from
// the imported table or, where it has none, the AS database.
func (g *geo) network(addr netip.Addr) (prefix netip.Prefix, as uint32, announced, ok bool) {
	found := g.found(addr)
	c := g.rules.Located(addr, found)
	_, _, announced = g.table.Lookup(addr)
	return c.Prefix, c.ASN, announced && c.Prefix == found.Prefix, c.ASN != 0
}

// found gives what the data say of an address.
func (g *geo) found(addr netip.Addr) mirror.Client {
	c := mirror.Client{Addr: addr.Unmap().WithZone("")}
	if g.places != nil {
		c.Place, _ = g.places.Lookup(c.Addr)
	}
	var ok bool
	if c.Prefix, c.ASN, ok = g.table.Lookup(c.Addr); !ok && g.file != nil {
		c.ASN, c.Prefix, _ = g.file.Lookup(c.Addr)
	}
	return c
}

// client gives all that is known of the client with an address, as nodes see it.
func (g *geo) client(addr netip.Addr) mirror.Client {
	c := g.found(addr)
	return g.rules.Client(c.Addr, c)
}

// prefixes gives all prefixes of the imported table that contain an address,
// the widest first.
func (g *geo) prefixes(addr netip.Addr) []asn.Prefix {
	var all []asn.Prefix
	for p := range g.table.All() {
		if p.Prefix.Contains(addr) {
			all = append(all, p)
		}
	}
	slices.SortFunc(all, func(x, y asn.Prefix) int { return x.Prefix.Bits() - y.Prefix.Bits() })
	return all
}

// placeOf looks the addresses up in the GeoIP database, the first hit decides.
// The note says why there is none.
func (g *geo) placeOf(addrs []netip.Addr) (mirror.Place, string) {
	if p, ok := g.place(addrs[0]); ok && g.places == nil {
		return p, "" // by override
	}
	if g.places == nil {
		return mirror.Place{}, "no GeoIP database is configured (geoip in " + g.config + "): the place is unknown, give -c and -r"
	}
	for _, addr := range addrs {
		if p, ok := g.place(addr); ok {
			return p, ""
		}
	}
	return mirror.Place{}, fmt.Sprintf("the GeoIP database does not know %s: give -c and -r", addrs[0])
}

// networksOf gives the AS numbers of the addresses.
func (g *geo) networksOf(addrs []netip.Addr) (out []uint32) {
	for _, addr := range addrs {
		if _, as, _, ok := g.network(addr); ok && as != 0 && !slices.Contains(out, as) {
			out = append(out, as)
		}
	}
	return out
}

// prefixesOf gives the announced prefixes of the addresses.
func (g *geo) prefixesOf(addrs []netip.Addr) (out []netip.Prefix) {
	for _, addr := range addrs {
		if p, _, announced, ok := g.network(addr); ok && announced && !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}
