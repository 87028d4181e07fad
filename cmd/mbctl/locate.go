package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/asn"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/geoip"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// locate fills in what was not given and can be found from the addresses of
// the mirror's host: families, place, AS numbers. What could not be found is
// told in notes; only bad data files are errors.
func (a *app) locate(ctx context.Context, m *mirror.Mirror, flags *mirrorFlags) (notes []string, err error) {
	host := hostOf(m.HTTP[0])
	addrs, err := lookupHost(ctx, host)
	if err != nil {
		return []string{fmt.Sprintf("the addresses of %s could not be found (%v): place, network and address families are unknown", host, err)}, nil
	}
	geo, err := a.openGeo(ctx)
	if err != nil {
		return nil, err
	}
	defer geo.close()
	given := flags.set.Changed
	if !given("ipv4") && !given("ipv6") {
		m.Families = familiesOf(addrs)
	}
	if !given("region") && !given("country") && !given("lat") {
		place, note := geo.placeOf(addrs)
		m.Place = place
		if note != "" {
			notes = append(notes, note)
		}
	} else if m.Continent == "" && m.Country != "" {
		m.Continent = geoip.Continent(m.Country)
	}
	if !given("asn") {
		m.ASNs = geo.networksOf(addrs)
	}
	return notes, nil
}

func hostOf(base string) string {
	u, err := url.Parse(base)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// lookupHost gives the addresses of a host name or of an address as text.
func lookupHost(ctx context.Context, host string) ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{addr.Unmap()}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	for i := range addrs {
		addrs[i] = addrs[i].Unmap()
	}
	return addrs, err
}

func familiesOf(addrs []netip.Addr) (f mirror.Families) {
	for _, addr := range addrs {
		if addr.Is4() {
			f |= mirror.IPv4
		} else {
			f |= mirror.IPv6
		}
	}
	return f
}

// prefixTable reads the imported prefix table; it is empty when nothing was imported.
func (a *app) prefixTable(ctx context.Context) (*asn.Table, error) {
	db, err := a.store(ctx)
	if err != nil {
		return nil, err
	}
	var prefixes []asn.Prefix
	err = db.Read(ctx, func(s *store.Snapshot) error {
		return s.Prefixes(func(p store.Prefix) error {
			prefixes = append(prefixes, asn.Prefix(p))
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("reading the prefix table: %w", err)
	}
	return asn.Build(slices.Values(prefixes)), nil
}

// placeText says where a mirror is and how it can be reached, in one line.
func placeText(m *mirror.Mirror) string {
	var parts []string
	switch {
	case m.Country != "" && m.Continent != "":
		parts = append(parts, m.Country+" ("+m.Continent+")")
	case m.Country != "" || m.Continent != "":
		parts = append(parts, m.Country+m.Continent)
	default:
		parts = append(parts, "place unknown")
	}
	if m.HasCoords {
		parts = append(parts, fmt.Sprintf("%.3f, %.3f", m.Lat, m.Lng))
	}
	for _, n := range m.ASNs {
		parts = append(parts, fmt.Sprintf("AS%d", n))
	}
	if m.Families != 0 {
		parts = append(parts, m.Families.String())
	}
	return strings.Join(parts, ", ")
}
