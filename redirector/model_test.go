package redirector

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// This file is the slow, obvious model of the choice that the real one is
// compared with, and the random worlds in which that is done.

// modelCandidate is a mirror that could serve, as the model sees it.
type modelCandidate struct {
	mirror   int
	tier     mirror.Tier
	standing Standing
	km       float64
	share    float64
}

// model says who could serve q and with which probability, in no order; ok is
// false when a distance is so close to a limit that rounding decides.
func model(ms []*mirror.Mirror, p Policy, q *Query, h Holder) (out []modelCandidate, ok bool) {
	for i, m := range ms {
		tier, allowed := modelTier(m, q)
		if allowed && modelEligible(m, p, q) && h.Holds(i, q.File) {
			out = append(out, modelCandidate{mirror: i, tier: tier, km: mirror.DistanceKm(m.Place, q.Client.Place)})
		}
	}
	best := mirror.Tiers
	for _, c := range out {
		best = min(best, c.tier)
	}
	ok = true
	for tier := range mirror.Tiers {
		nearest := -1.0
		for _, c := range out {
			if c.tier == tier && c.km >= 0 && (nearest < 0 || c.km < nearest) {
				nearest = c.km
			}
		}
		limit := max(nearest*p.DistanceFactor, nearest+p.DistanceSlackKm)
		total := 0
		for i := range out {
			c := &out[i]
			switch {
			case c.tier != tier:
				continue
			case nearest < 0:
				c.standing = StandingDrawn
			case c.km < 0:
				c.standing = StandingUnplaced
			case c.km > limit:
				c.standing = StandingFar
			}
			if d := c.km - limit; c.km > nearest && d > -0.001 && d < 0.001 {
				ok = false
			}
			if c.standing == StandingDrawn {
				total += ms[c.mirror].Score
			}
		}
		for i := range out {
			if c := &out[i]; c.tier == tier && tier == best && c.standing == StandingDrawn {
				c.share = float64(ms[c.mirror].Score) / float64(total)
			}
		}
	}
	return out, ok
}

// modelTier gives a mirror's tier, and whether its *_only rules allow that.
func modelTier(m *mirror.Mirror, q *Query) (mirror.Tier, bool) {
	c := q.Client
	inPrefix := slices.ContainsFunc(m.Prefixes, func(p netip.Prefix) bool { return p.Contains(c.Addr) })
	inAS := c.ASN != 0 && slices.Contains(m.ASNs, c.ASN)
	inCountry := c.Country != "" && m.Country == c.Country
	inOther := c.Country != "" && slices.Contains(m.OtherCountries, c.Country)
	inRegion := c.Continent != "" && m.Continent == c.Continent
	allowed := (!m.PrefixOnly || inPrefix) &&
		(!m.ASOnly || inPrefix || inAS) &&
		(!m.CountryOnly || inPrefix || inAS || inCountry || inOther) &&
		(!m.RegionOnly || inPrefix || inAS || inCountry || inOther || inRegion)
	switch {
	case inPrefix:
		return mirror.TierPrefix, allowed
	case inAS:
		return mirror.TierAS, allowed
	case inCountry:
		return mirror.TierCountry, allowed
	case inOther:
		return mirror.TierOtherCountry, allowed
	case inRegion:
		return mirror.TierRegion, allowed
	}
	return mirror.TierWorld, allowed
}

// modelEligible says whether the other rules allow m.
func modelEligible(m *mirror.Mirror, p Policy, q *Query) bool {
	if st, _ := m.State(time.Unix(0, q.Now), p.MaxScanAge); st != mirror.StateUp {
		return false
	}
	hasHTTP := slices.ContainsFunc(m.HTTP, func(u string) bool { return strings.HasPrefix(u, "http://") })
	hasHTTPS := slices.ContainsFunc(m.HTTP, func(u string) bool { return strings.HasPrefix(u, "https://") })
	scheme := hasHTTPS
	if !q.TLS {
		scheme = hasHTTP || hasHTTPS && q.HTTPSUpgrade
	}
	return scheme &&
		m.Score > 0 &&
		m.Families.Has(q.Client.Addr) &&
		(m.MaxSize == 0 || q.Size <= m.MaxSize) &&
		(q.Client.Country == "" || !slices.Contains(m.ExcludeCountries, q.Client.Country)) &&
		(!q.NoReserved || !m.ASOnly && !m.PrefixOnly) &&
		(q.Path == "" || mirror.Below(q.Path, m.Subtree)) &&
		!slices.Contains(q.Avoid, m.Name) &&
		(m.Country == "" || !slices.Contains(q.AvoidCountries, m.Country))
}

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
}

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
	worldNow = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
)

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
	return m
}

func makeWorld(d dice, most int) world {
	w := world{policy: DefaultPolicy()}
	switch d.IntN(4) {
	case 0:
		w.policy = Policy{DistanceFactor: 1, Duplicates: 1}
	case 1:
		w.policy.DistanceFactor, w.policy.DistanceSlackKm = 3, 0
		w.policy.MaxScanAge = 7 * 24 * time.Hour
	}
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
	if oneIn(d, 6) {
		q.Avoid = []string{"m0", "m3"}
	}
	if oneIn(d, 6) {
		q.AvoidCountries = []string{"de", "us"}
	}
	return w
}

// TestModel compares the choice with the model on random worlds: who could
// serve, in which tier, how they stand, with which probability; and whether
// the picks are in an order that these allow.
func TestModel(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(11, 22))
	var d Decision
	found, tiers := 0, map[mirror.Tier]int{}
	for n := range 20_000 {
		w := makeWorld(rnd, 40)
		want, ok := model(w.mirrors, w.policy, &w.query, w.held)
		if !ok {
			continue
		}
		s := Compile(w.mirrors, w.policy)
		if !sameShares(t, s.Shares(&w.query, w.held), want) {
			t.Fatalf("world %d differs: %+v", n, w.query)
		}
		for range 3 {
			s.Choose(&w.query, w.held, rnd, &d)
			if !possible(t, s, &w, &d, want) {
				t.Fatalf("world %d: %+v", n, w.query)
			}
		}
		if d.Found() {
			found++
			tiers[d.Tier]++
		}
	}
	t.Logf("%d decisions, tiers %v", found, tiers)
	for tier := range mirror.Tiers {
		if tiers[tier] < 100 {
			t.Errorf("tier %s was hardly tested: %v", tier, tiers)
		}
	}
}

// sameShares compares the real candidates with the model's.
func sameShares(t *testing.T, got []Candidate, want []modelCandidate) bool {
	t.Helper()
	byMirror := map[int]modelCandidate{}
	for _, c := range want {
		byMirror[c.mirror] = c
	}
	if len(got) != len(want) {
		t.Errorf("%d candidates, want %d\n%+v\n%+v", len(got), len(want), got, want)
		return false
	}
	for _, g := range got {
		c, ok := byMirror[g.Mirror]
		if !ok || c.tier != g.Tier || c.standing != g.Standing || !near(c.km, g.DistanceKm, 0.001) || !near(c.share, g.Share, 1e-12) {
			t.Errorf("candidate %+v, want %+v", g, c)
			return false
		}
	}
	return true
}

func near(a, b, by float64) bool { return a-b < by && b-a < by }

// possible checks a decision against the model: complete, without repetition,
// of mirrors that could serve, in an order the standings allow.
func possible(t *testing.T, s *Set, w *world, d *Decision, want []modelCandidate) bool {
	t.Helper()
	byMirror := map[int]modelCandidate{}
	for _, c := range want {
		byMirror[c.mirror] = c
	}
	limit := s.limit(&w.query)
	if len(d.Picks) != min(limit, len(want)) {
		t.Errorf("%d picks, want %d of %d", len(d.Picks), limit, len(want))
		return false
	}
	used := map[int]bool{}
	for i, p := range d.Picks {
		c, ok := byMirror[p.Mirror]
		switch m := w.mirrors[p.Mirror]; {
		case !ok || used[p.Mirror]:
			t.Errorf("pick %d: mirror %d cannot serve, or does already", i, p.Mirror)
			return false
		case p.Tier != c.tier || p.Name != m.Name || p.Country != m.Country || !near(p.DistanceKm, c.km, 0.001):
			t.Errorf("pick %d: %+v, want %+v", i, p, c)
			return false
		case !slices.Contains(m.HTTP, p.BaseURL) || w.query.TLS && !strings.HasPrefix(p.BaseURL, "https:"):
			t.Errorf("pick %d: base URL %q of %q", i, p.BaseURL, m.HTTP)
			return false
		case i == 0 && (c.share == 0 && c.standing == StandingDrawn || d.Tier != c.tier):
			t.Errorf("the chosen %+v has no share, or decision has tier %s", c, d.Tier)
			return false
		}
		used[p.Mirror] = true
		// Everybody who comes before p by the rules must have been picked.
		for _, o := range want {
			if !used[o.mirror] && (o.tier < c.tier || o.tier == c.tier &&
				(o.standing < c.standing || o.standing == c.standing && c.standing == StandingFar && o.km < c.km-0.001)) {
				t.Errorf("pick %d: %+v comes before %+v", i, c, o)
				return false
			}
		}
	}
	return true
}

// FuzzChoose builds a world out of the fuzzer's bytes.
func FuzzChoose(f *testing.F) {
	f.Add([]byte("a world"), uint64(1))
	seed := make([]byte, 4000)
	rnd := rand.New(rand.NewPCG(5, 6))
	for i := range seed {
		seed[i] = byte(rnd.Uint32())
	}
	f.Add(seed, uint64(2))
	f.Fuzz(func(t *testing.T, b []byte, n uint64) {
		w := makeWorld(&bytesDice{b}, 80)
		w.query.Explain = n%2 == 1
		want, ok := model(w.mirrors, w.policy, &w.query, w.held)
		s := Compile(w.mirrors, w.policy)
		var d Decision
		s.Choose(&w.query, w.held, rand.New(rand.NewPCG(n, 1)), &d)
		if !ok {
			return
		}
		possible(t, s, &w, &d, want)
		if w.query.Explain && len(d.Candidates)+len(d.Rejected) != len(w.mirrors) {
			t.Errorf("%d candidates and %d rejections of %d mirrors", len(d.Candidates), len(d.Rejected), len(w.mirrors))
		}
	})
}
