package redirector

import (
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// This file makes the random worlds in which the choice is compared with its
// model.

// dice makes worlds out of random numbers, or of a fuzzer's bytes.
type dice interface{ IntN(n int) int }

// bytesDice rolls what the bytes say, and zeros when they have run out.
type bytesDice struct{ b []byte }

func (d *bytesDice) IntN(n int) int {
	if len(d.b) < 2 {
		return 0
	}
	v := int(d.b[0])<<8 | int(d.b[1])
	d.b = d.b[2:]
	return v % n
}

type world struct {
	mirrors []*mirror.Mirror
	policy  Policy
	query   Query
	held    holdsList
	load    worldLoad
}

// worldLoad is what the mirrors carry.
type worldLoad struct {
	full    []bool
	weights []uint32
}

func (l *worldLoad) Full(i int) bool   { return l.full[i] }
func (l *worldLoad) Weights() []uint32 { return l.weights }

type holdsList []bool

func (h holdsList) Holds(i int, id mirror.FileID) bool { return id == 7 && h[i] }

var (
	worldCountries = []string{"", "de", "fr", "nl", "us", "ca", "jp"}
	worldRegions   = map[string]string{"de": "eu", "fr": "eu", "nl": "eu", "us": "na", "ca": "na", "jp": "as"}
	worldPrefixes  = []netip.Prefix{
		netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("192.0.2.128/25"),
		netip.MustParsePrefix("192.0.0.0/16"), netip.MustParsePrefix("192.0.2.130/32"),
		netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("2001:db8:1::/48"),
		netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("198.51.100.77/24"),
	}
	worldAddrs = []netip.Addr{
		{},
		netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.130"),
		netip.MustParseAddr("203.0.113.9"), netip.MustParseAddr("198.51.100.1"),
		netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8:1::1"), netip.MustParseAddr("2a00::1"),
	}
	// worldWindows are open at worldNow, a Sunday, or not.
	worldWindows = []mirror.Window{
		mustWindow("12:00-13:00"), mustWindow("sun 12:30-14:00 Europe/Berlin"),
		mustWindow("11:00-12:00"), mustWindow("mon-sat 10:00-20:00"), mustWindow("sat 23:00-12:01"),
	}
	worldNow = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
)

func mustWindow(s string) mirror.Window {
	window, err := mirror.ParseWindow(s)
	if err != nil {
		panic(err)
	}
	return window
}

func oneIn(d dice, n int) bool { return d.IntN(n) == n-1 }

func some[T any](d dice, from []T, most int) (out []T) {
	for range d.IntN(most + 1) {
		out = append(out, from[d.IntN(len(from))])
	}
	return out
}

func makePlace(d dice) mirror.Place {
	p := mirror.Place{Country: worldCountries[d.IntN(len(worldCountries))]}
	if p.Continent = worldRegions[p.Country]; oneIn(d, 6) {
		p.Continent = ""
	}
	if p.HasCoords = !oneIn(d, 4); p.HasCoords {
		p.Lat, p.Lng = float64(d.IntN(1800))/10-90, float64(d.IntN(3600))/10-180
		if oneIn(d, 3) { // many close together
			p.Lat, p.Lng = 50+float64(d.IntN(60))/10, 5+float64(d.IntN(60))/10
		}
	}
	return p
}

func makeMirror(d dice, i int) *mirror.Mirror {
	name := "m" + strconv.Itoa(i)
	m := &mirror.Mirror{
		ID: mirror.ID(i + 1), Name: name, Place: makePlace(d),
		Score: d.IntN(5) * 50, Enabled: !oneIn(d, 12),
		Families: mirror.Families(d.IntN(4)),
		Scan:     mirror.ScanState{Succeeded: worldNow.Add(-time.Duration(d.IntN(15)) * 24 * time.Hour)},
	}
	switch d.IntN(4) {
	case 0, 1:
		m.HTTP = []string{"http://" + name + "/", "https://" + name + "/"}
	case 2:
		m.HTTP = []string{"http://" + name + "/"}
	case 3:
		m.HTTP = []string{"https://" + name + "/p/"}
	}
	m.ASNs = some(d, []uint32{0, 1, 2, 3, 4_200_000_000}, 2)
	m.Prefixes = some(d, worldPrefixes, 2)
	m.RegionOnly, m.CountryOnly = oneIn(d, 8), oneIn(d, 8)
	m.ASOnly, m.PrefixOnly = oneIn(d, 8), oneIn(d, 8)
	m.OtherCountries = some(d, worldCountries, 2)
	if oneIn(d, 6) {
		m.ExcludeCountries = some(d, worldCountries, 2)
	}
	if oneIn(d, 5) {
		m.MaxSize = int64(d.IntN(4)) * 100
	}
	if oneIn(d, 10) {
		m.Subtree = []string{"a", "a/b", "c"}[d.IntN(3)]
	}
	if oneIn(d, 10) {
		m.DisabledUntil = worldNow.Add(time.Duration(d.IntN(3)-1) * time.Hour)
	}
	m.Probe.Down, m.Quota.Spent = oneIn(d, 15), oneIn(d, 15)
	if oneIn(d, 15) {
		m.Scan.Succeeded = time.Time{}
	}
	m.LastResort = oneIn(d, 8)
	if oneIn(d, 8) {
		m.NoTraffic = some(d, worldWindows, 2)
	}
	if oneIn(d, 4) {
		for w := range m.Probe.Ways {
			m.Probe.Ways[w].Down = oneIn(d, 3)
		}
	}
	if oneIn(d, 5) {
		m.MaxShare = d.IntN(2)
		m.Quota.Bytes = int64(d.IntN(2))
	}
	return m
}

// makePolicy rolls one of the policies.
func makePolicy(d dice) Policy {
	p := DefaultPolicy()
	switch d.IntN(4) {
	case 0:
		p = Policy{DistanceFactor: 1, Duplicates: 1}
	case 1:
		p.DistanceFactor, p.DistanceSlackKm = 3, 0
		p.MaxScanAge = 7 * 24 * time.Hour
	}
	p.Order = Order(d.IntN(4) / 3)
	p.Spill = max(d.IntN(12)-6, 0)
	if oneIn(d, 3) {
		p.Affinity = Affinity{Copies: 1 + d.IntN(4), MinSize: int64(d.IntN(3)) * 100, FolderBelow: int64(d.IntN(3)) * 150}
	}
	if oneIn(d, 4) {
		p.Sticky = time.Duration(1+d.IntN(100)) * time.Minute
	}
	for i := range p.Key {
		p.Key[i] = byte(d.IntN(256))
	}
	if oneIn(d, 2) {
		p.Edges = makeEdges(d)
	}
	return p
}

func makeEdges(d dice) *mirror.Edges {
	regions := []string{"eu", "na", "as", "oc"}
	lead := func(from, to []string) map[string][]string {
		m := map[string][]string{}
		for range d.IntN(6) {
			m[from[d.IntN(len(from))]] = some(d, to, 3)
		}
		return m
	}
	return &mirror.Edges{
		Countries:  lead(worldCountries, worldCountries),
		Continents: lead(slices.Concat(regions, worldCountries), regions),
		Neighbours: lead(regions, regions),
		Avoid:      lead(worldCountries, worldCountries),
	}
}

func makeWorld(d dice, most int) world {
	w := world{policy: makePolicy(d)}
	percent := []int{100, 70, 30, 0}[d.IntN(4)]
	for i := range d.IntN(most + 1) {
		w.mirrors = append(w.mirrors, makeMirror(d, i))
		w.held = append(w.held, d.IntN(100) < percent)
	}
	q := &w.query
	*q = Query{
		Client: mirror.Client{
			Addr: worldAddrs[d.IntN(len(worldAddrs))], Place: makePlace(d), ASN: []uint32{0, 1, 2, 3, 4_200_000_000}[d.IntN(5)],
		},
		File: 7, Size: int64(d.IntN(5)) * 100, Path: []string{"", "a/x", "a/b/y", "z"}[d.IntN(4)],
		TLS: d.IntN(2) == 1, HTTPSUpgrade: d.IntN(2) == 1, Now: worldNow.UnixNano(),
		NoReserved: oneIn(d, 6), Limit: d.IntN(9) - 1,
	}
	if oneIn(d, 4) {
		q.Client.HasCoords = false
	}
	if oneIn(d, 6) {
		q.Avoid = []string{"m0", "m3"}
	}
	if oneIn(d, 6) {
		q.AvoidCountries = []string{"de", "us"}
	}
	if oneIn(d, 4) {
		for range d.IntN(6) {
			q.Tried = append(q.Tried, mirror.ID(1+d.IntN(most)))
		}
	}
	if oneIn(d, 3) {
		w.load = makeLoad(d, len(w.mirrors))
	}
	return w
}

func makeLoad(d dice, n int) (l worldLoad) {
	l.full = make([]bool, n)
	for i := range l.full {
		l.full[i] = oneIn(d, 2)
	}
	if oneIn(d, 2) {
		l.weights = make([]uint32, n)
		for i := range l.weights {
			l.weights[i] = uint32(1 + d.IntN(6))
		}
	}
	return l
}

// ask gives the world's query, which refers to the world.
func (w *world) ask() *Query {
	if w.load.full != nil {
		w.query.Load = &w.load
	}
	return &w.query
}
