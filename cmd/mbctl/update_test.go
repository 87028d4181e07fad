package main

import (
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/asn"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/geoip"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/geotest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

func testGeo(t *testing.T) *geo {
	t.Helper()
	db, err := geoip.Open(geotest.City(t, "", []geotest.Network{
		{CIDR: "192.0.2.0/24", Country: "de", Continent: "eu", Lat: 50, Lng: 8},
		{CIDR: "198.51.100.0/24", Country: "jp", Continent: "as", Lat: 35, Lng: 139},
	}), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	g := &geo{places: db, table: asn.Build(slices.Values([]asn.Prefix{
		{Prefix: netip.MustParsePrefix("192.0.0.0/16"), ASN: 1},
		{Prefix: netip.MustParsePrefix("192.0.2.0/24"), ASN: 2},
		{Prefix: netip.MustParsePrefix("198.51.100.0/24"), ASN: 3},
	}))}
	t.Cleanup(g.close)
	return g
}

func addresses(list ...string) (out []netip.Addr) {
	for _, s := range list {
		out = append(out, netip.MustParseAddr(s))
	}
	return out
}

func TestOddities(t *testing.T) {
	t.Parallel()
	g := testGeo(t)
	for _, test := range []struct {
		addrs []string
		want  string // parts, separated by |
	}{
		{[]string{"192.0.2.1"}, ""},
		{[]string{"192.0.2.1", "2001:db8::1"}, ""},
		{[]string{"192.0.2.1", "192.0.2.2"}, "2 IPv4 and 0 IPv6"},
		{[]string{"192.0.2.1", "198.51.100.1"}, "several countries (de, jp)|2 IPv4"},
		{[]string{"203.0.113.1"}, ""},
	} {
		got := strings.Join(g.oddities(addresses(test.addrs...)), "\n")
		for part := range strings.SplitSeq(test.want, "|") {
			if !strings.Contains(got, part) || test.want == "" && got != "" {
				t.Errorf("%v: %q, want %q", test.addrs, got, part)
			}
		}
	}
}

func TestFill(t *testing.T) {
	t.Parallel()
	g := testGeo(t)
	byHand := mirror.Mirror{
		Place: mirror.Place{Continent: "na", Country: "us", Lat: 1, Lng: 2, HasCoords: true},
		ASNs:  []uint32{9}, Prefixes: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, Families: mirror.IPv6,
	}
	for _, test := range []struct {
		name  string
		flags updateFlags
		addr  string
		want  func(m *mirror.Mirror)
	}{
		{"all but prefixes that are there", updateFlags{}, "192.0.2.1", func(m *mirror.Mirror) {
			m.Place = mirror.Place{Continent: "eu", Country: "de", Lat: 50, Lng: 8, HasCoords: true}
			m.ASNs, m.Families = []uint32{2}, mirror.IPv4
		}},
		{"coordinates", updateFlags{coordinates: true}, "192.0.2.1", func(m *mirror.Mirror) { m.Lat, m.Lng = 50, 8 }},
		{"region", updateFlags{region: true}, "192.0.2.1", func(m *mirror.Mirror) { m.Continent = "eu" }},
		{"country", updateFlags{country: true}, "192.0.2.1", func(m *mirror.Mirror) { m.Country = "de" }},
		{"prefix", updateFlags{prefix: true}, "192.0.2.1", func(m *mirror.Mirror) {
			m.Prefixes = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
		}},
		{"what is not known stays", updateFlags{}, "203.0.113.1", func(m *mirror.Mirror) { m.Families = mirror.IPv4 }},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, want := byHand, byHand
			g.fill(&got, addresses(test.addr), test.flags)
			test.want(&want)
			if d := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Prefix{})); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			r := relocation{before: byHand, after: got}
			now := byHand
			r.move(&now)
			if d := cmp.Diff(want, now, cmpopts.EquateComparable(netip.Prefix{})); d != "" {
				t.Errorf("moved (-want +got):\n%s", d)
			}
		})
	}
}
