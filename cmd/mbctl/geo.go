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
	return a.openGeoFiles(ctx, here(site.GeoIP, conf.GeoIP), here(site.GeoIPASN, conf.GeoIPASN))
}

func (a *app) openGeoFiles(ctx context.Context, places, networks string) (*geo, error) {
	g := &geo{}
	var err error
	if g.table, err = a.prefixTable(ctx); err != nil {
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

func (g *geo) close() {
	if g.places != nil {
		_ = g.places.Close() // read only
	}
	if g.file != nil {
		_ = g.file.Close()
	}
}

// place gives the place of one address; ok is false where it is not known.
func (g *geo) place(addr netip.Addr) (p mirror.Place, ok bool) {
	if g.places == nil {
		return mirror.Place{}, false
	}
	return g.places.Lookup(addr)
}

// network gives the narrowest prefix of one address and its AS, from the
// imported table or, where it has none, the AS database.
func (g *geo) network(addr netip.Addr) (prefix netip.Prefix, as uint32, announced, ok bool) {
	if prefix, as, ok = g.table.Lookup(addr); ok {
		return prefix, as, true, true
	}
	if g.file == nil {
		return netip.Prefix{}, 0, false, false
	}
	as, prefix, ok = g.file.Lookup(addr)
	return prefix, as, false, ok
}

// client gives all that is known of the client with an address, as nodes see it.
func (g *geo) client(addr netip.Addr) mirror.Client {
	c := mirror.Client{Addr: addr.Unmap().WithZone("")}
	c.Place, _ = g.place(c.Addr)
	c.Prefix, c.ASN, _, _ = g.network(c.Addr)
	return c
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
	if g.places == nil {
		return mirror.Place{}, "no GeoIP database is configured (geoip in " + defaultConfig + "): the place is unknown, give -c and -r"
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
