package redirector

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// TestReasons takes one mirror that serves, spoils one thing at a time, and
// looks for the reason.
func TestReasons(t *testing.T) {
	t.Parallel()
	addr := netip.MustParseAddr("192.0.2.1")
	for _, tc := range []struct {
		want Reason
		edit func(*mirror.Mirror, *Query)
	}{
		{ReasonNone, func(*mirror.Mirror, *Query) {}},
		{ReasonDisabled, func(m *mirror.Mirror, _ *Query) { m.Enabled = false }},
		{ReasonDisabled, func(m *mirror.Mirror, _ *Query) { m.DisabledUntil = worldNow.Add(1) }},
		{ReasonNone, func(m *mirror.Mirror, _ *Query) { m.DisabledUntil = worldNow }},
		{ReasonDisabled, func(m *mirror.Mirror, _ *Query) { m.DisabledUntil = worldNow.AddDate(400, 0, 0) }},
		{ReasonDown, func(m *mirror.Mirror, _ *Query) { m.Probe.Down = true }},
		{ReasonNeverScanned, func(m *mirror.Mirror, _ *Query) { m.Scan.Succeeded = time.Time{} }},
		{ReasonQuotaSpent, func(m *mirror.Mirror, _ *Query) { m.Quota.Spent = true }},
		{ReasonScore, func(m *mirror.Mirror, _ *Query) { m.Score = 0 }},
		{ReasonScanTooOld, func(m *mirror.Mirror, _ *Query) {
			m.Scan.Succeeded = worldNow.Add(-mirror.DefaultMaxScanAge - 1)
		}},
		{ReasonNone, func(m *mirror.Mirror, _ *Query) { m.Scan.Succeeded = worldNow.Add(-mirror.DefaultMaxScanAge) }},
		{ReasonPrefixOnly, func(m *mirror.Mirror, _ *Query) { m.PrefixOnly = true }},
		{ReasonASOnly, func(m *mirror.Mirror, _ *Query) { m.ASOnly = true }},
		{ReasonASOnly, func(m *mirror.Mirror, q *Query) { m.ASOnly, m.ASNs, q.Client.ASN = true, []uint32{0}, 0 }},
		{ReasonNone, func(m *mirror.Mirror, q *Query) { m.ASOnly, m.ASNs, q.Client.ASN = true, []uint32{9}, 9 }},
		{ReasonCountryOnly, func(m *mirror.Mirror, q *Query) { m.CountryOnly, q.Client.Country = true, "fr" }},
		{ReasonCountryOnly, func(m *mirror.Mirror, q *Query) { m.CountryOnly, m.Country, q.Client.Country = true, "", "" }},
		{ReasonNone, func(m *mirror.Mirror, q *Query) {
			m.CountryOnly, m.OtherCountries, q.Client.Country = true, []string{"FR"}, "fr"
		}},
		{ReasonRegionOnly, func(m *mirror.Mirror, q *Query) {
			m.RegionOnly, q.Client.Country, q.Client.Continent = true, "us", "na"
		}},
		{ReasonRegionOnly, func(m *mirror.Mirror, q *Query) {
			m.RegionOnly, m.Place, q.Client.Place = true, mirror.Place{}, mirror.Place{}
		}},
		{ReasonExcludedCountry, func(m *mirror.Mirror, _ *Query) { m.ExcludeCountries = []string{"fr", "DE"} }},
		{ReasonReserved, func(m *mirror.Mirror, q *Query) { m.Prefixes, m.PrefixOnly, q.NoReserved = worldPrefixes, true, true }},
		{ReasonScheme, func(m *mirror.Mirror, q *Query) { m.HTTP = []string{"http://m/"} }},
		{ReasonScheme, func(m *mirror.Mirror, q *Query) { q.TLS = false }},
		{ReasonNone, func(m *mirror.Mirror, q *Query) { q.TLS, q.HTTPSUpgrade = false, true }},
		{ReasonFamily, func(m *mirror.Mirror, _ *Query) { m.Families = mirror.IPv6 }},
		{ReasonMaxSize, func(m *mirror.Mirror, _ *Query) { m.MaxSize = 99 }},
		{ReasonNone, func(m *mirror.Mirror, _ *Query) { m.MaxSize = 100 }},
		{ReasonSubtree, func(m *mirror.Mirror, _ *Query) { m.Subtree = "pub/other" }},
		{ReasonNone, func(m *mirror.Mirror, _ *Query) { m.Subtree = "pub" }},
		{ReasonResting, func(m *mirror.Mirror, _ *Query) { m.NoTraffic = worldWindows[:1] }},
		{ReasonNone, func(m *mirror.Mirror, _ *Query) { m.NoTraffic = worldWindows[2:3] }},
		{ReasonWayDown, func(m *mirror.Mirror, _ *Query) { m.Probe.Ways[mirror.HTTPSOverIPv4].Down = true }},
		{ReasonNone, func(m *mirror.Mirror, _ *Query) { m.Probe.Ways[mirror.HTTPSOverIPv6].Down = true }},
		{ReasonFull, func(m *mirror.Mirror, q *Query) { m.MaxShare, q.Load = 1, &worldLoad{full: []bool{true}} }},
		{ReasonFull, func(m *mirror.Mirror, q *Query) { m.Quota.Bytes, q.Load = 1, &worldLoad{full: []bool{true}} }},
		{ReasonNone, func(_ *mirror.Mirror, q *Query) { q.Load = &worldLoad{full: []bool{true}, weights: []uint32{0}} }},
		{ReasonNone, func(_ *mirror.Mirror, q *Query) { q.Load = &worldLoad{weights: []uint32{1, 2, 3}} }},
		{ReasonNone, func(m *mirror.Mirror, q *Query) { m.ID, q.Tried = 5, []mirror.ID{5} }}, // better than none
		{ReasonAvoided, func(_ *mirror.Mirror, q *Query) { q.Avoid = []string{"a"} }},
		{ReasonAvoidedCountry, func(_ *mirror.Mirror, q *Query) { q.AvoidCountries = []string{"de"} }},
		{ReasonNotHeld, func(_ *mirror.Mirror, q *Query) { q.File = 8 }},
	} {
		ms := upMirrors(100)
		ms[0].Place = mirror.Place{Country: "de", Continent: "eu"}
		q := Query{
			Client: mirror.Client{Addr: addr, Place: ms[0].Place}, File: 7, Size: 100, Path: "pub/x.iso",
			TLS: true, Now: worldNow.UnixNano(), Explain: true,
		}
		tc.edit(ms[0], &q)
		var d Decision
		Compile(ms, DefaultPolicy()).Choose(&q, holdsList{true}, nil, &d)
		got := ReasonNone
		if len(d.Rejected) > 0 {
			got = d.Rejected[0].Reason
		}
		if got != tc.want || d.Found() != (tc.want == ReasonNone) || d.Found() != (len(d.Candidates) == 1) {
			t.Errorf("%v: got %v, picks %v, for %+v", tc.want, got, d.Picks, ms[0])
		}
	}
}

func TestReasonTexts(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for r := range reasons {
		s := r.String()
		if s == "" || strings.HasPrefix(s, "reason(") || seen[s] {
			t.Errorf("reason %d is called %q", r, s)
		}
		seen[s] = true
	}
	if s := reasons.String(); !strings.HasPrefix(s, "reason(") {
		t.Errorf("got %q", s)
	}
}

// TestOddCoordinates: coordinates that do not exist are no coordinates.
func TestOddCoordinates(t *testing.T) {
	t.Parallel()
	for _, p := range []mirror.Place{
		{}, {Lat: 91, HasCoords: true}, {Lng: 400, HasCoords: true}, {Lat: nan(), HasCoords: true}, {Lng: nan(), HasCoords: true},
	} {
		if _, ok := pointOf(p); ok {
			t.Errorf("%+v counts as a place", p)
		}
	}
}

func nan() float64 { var zero float64; return zero / zero }

// TestDistancesAgree compares with the haversine formula from door to
// antipodes.
func TestDistancesAgree(t *testing.T) {
	t.Parallel()
	from := mirror.Place{Lat: 52.5, Lng: 13.4, HasCoords: true}
	a, _ := pointOf(from)
	for _, d := range []float64{0, 1e-7, 1e-4, 0.01, 1, 30, 90, 140, 142.4} {
		to := mirror.Place{Lat: 52.5 - d, Lng: 13.4 + d/10, HasCoords: true}
		b, _ := pointOf(to)
		if got, want := kilometres(a.chord(b)), mirror.DistanceKm(from, to); !near(got, want, 0.001) {
			t.Errorf("%v degrees: %v km, want %v", d, got, want)
		}
	}
}
