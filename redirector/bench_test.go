package redirector

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// europe and others are countries with coordinates for benchmark worlds.
var benchPlaces = []mirror.Place{
	{Continent: "eu", Country: "de", Lat: 51, Lng: 10, HasCoords: true},
	{Continent: "eu", Country: "fr", Lat: 47, Lng: 2, HasCoords: true},
	{Continent: "eu", Country: "nl", Lat: 52, Lng: 5, HasCoords: true},
	{Continent: "eu", Country: "se", Lat: 59, Lng: 15, HasCoords: true},
	{Continent: "na", Country: "us", Lat: 39, Lng: -95, HasCoords: true},
	{Continent: "na", Country: "ca", Lat: 50, Lng: -100, HasCoords: true},
	{Continent: "as", Country: "jp", Lat: 36, Lng: 138, HasCoords: true},
	{Continent: "as", Country: "cn", Lat: 35, Lng: 105, HasCoords: true},
	{Continent: "sa", Country: "br", Lat: -10, Lng: -55, HasCoords: true},
	{Continent: "oc", Country: "au", Lat: -25, Lng: 135, HasCoords: true},
}

var benchNow = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// benchWorld makes n mirrors around the world, and clients.
func benchWorld(n int) ([]*mirror.Mirror, []Query) {
	rnd := rand.New(rand.NewPCG(1, 2))
	place := func() mirror.Place {
		p := benchPlaces[rnd.IntN(len(benchPlaces))]
		p.Lat += rnd.Float64()*8 - 4
		p.Lng += rnd.Float64()*8 - 4
		return p
	}
	mirrors := make([]*mirror.Mirror, n)
	for i := range mirrors {
		mirrors[i] = &mirror.Mirror{
			ID: mirror.ID(i + 1), Name: fmt.Sprintf("mirror%d", i),
			HTTP:     []string{fmt.Sprintf("http://mirror%d.example/pub/", i), fmt.Sprintf("https://mirror%d.example/pub/", i)},
			Place:    place(),
			ASNs:     []uint32{uint32(1000 + i)},
			Prefixes: []netip.Prefix{netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 0}), 24)},
			Score:    10 + rnd.IntN(200), Enabled: true,
			Scan: mirror.ScanState{Succeeded: benchNow.Add(-time.Hour)},
		}
	}
	queries := make([]Query, 1024)
	for i := range queries {
		queries[i] = Query{
			Client: mirror.Client{
				Addr:  netip.AddrFrom4([4]byte{byte(rnd.IntN(200)), byte(rnd.IntN(256)), byte(rnd.IntN(256)), 1}),
				Place: place(), ASN: uint32(rnd.IntN(60000)),
			},
			File: mirror.FileID(rnd.IntN(10_000_000)), Size: 1 << 20,
			TLS: i%2 == 0, Now: benchNow.UnixNano(),
		}
	}
	return mirrors, queries
}

// spread holds each file on a share of the mirrors, in per cent.
type spread uint32

func (s spread) Holds(i int, id mirror.FileID) bool {
	h := (uint32(i)*2654435761 ^ uint32(id)*40503) * 2246822519
	return (h>>16)%100 < uint32(s)
}

func BenchmarkChoose(b *testing.B) {
	for _, n := range []int{60, 200, 2000} {
		for _, held := range []spread{100, 60, 0} {
			b.Run(fmt.Sprintf("mirrors=%d/held=%d", n, held), func(b *testing.B) {
				mirrors, queries := benchWorld(n)
				s := Compile(mirrors, DefaultPolicy())
				var d Decision
				asked, i := 0, 0
				b.ReportAllocs()
				for b.Loop() {
					s.Choose(&queries[i%len(queries)], held, GlobalRand{}, &d)
					asked += d.Considered
					i++
				}
				b.ReportMetric(float64(asked)/float64(i), "asked/op")
			})
		}
	}
}

// benchPolicies are the policies by name.
func benchPolicies() map[string]Policy {
	with := func(change func(*Policy)) Policy {
		p := DefaultPolicy()
		p.Key = [16]byte{1, 2, 3}
		change(&p)
		return p
	}
	return map[string]Policy{
		"tiers":           with(func(*Policy) {}),
		"distance":        with(func(p *Policy) { p.Order = OrderDistance }),
		"spill":           with(func(p *Policy) { p.Spill = 4 }),
		"affinity":        with(func(p *Policy) { p.Affinity.Copies = 2 }),
		"sticky":          with(func(p *Policy) { p.Sticky = time.Hour }),
		"affinity+sticky": with(func(p *Policy) { p.Affinity.Copies, p.Sticky = 2, time.Hour }),
		"all": with(func(p *Policy) {
			p.Order, p.Spill, p.Affinity.Copies, p.Sticky = OrderDistance, 4, 2, time.Hour
		}),
	}
}

// oneGroup puts all mirrors and clients close together.
func oneGroup(mirrors []*mirror.Mirror, queries []Query) {
	for _, m := range mirrors {
		m.Place = benchPlaces[0]
	}
	for i := range queries {
		queries[i].Client.Place = benchPlaces[0]
	}
}

func BenchmarkPolicies(b *testing.B) {
	for _, where := range []string{"group", "world"} {
		policies := benchPolicies()
		for _, name := range slices.Sorted(maps.Keys(policies)) {
			b.Run("200 in one "+where+"/"+name, func(b *testing.B) {
				mirrors, queries := benchWorld(200)
				if where == "group" {
					oneGroup(mirrors, queries)
				}
				for i := range queries {
					queries[i].Path = "distribution/leap/15.6/iso/" + strconv.Itoa(i) + ".iso"
				}
				s := Compile(mirrors, policies[name])
				var d Decision
				i := 0
				b.ReportAllocs()
				for b.Loop() {
					s.Choose(&queries[i%len(queries)], spread(90), GlobalRand{}, &d)
					i++
				}
			})
		}
	}
}
