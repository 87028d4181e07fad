package redirector

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

const policiesDoc = "../docs/policies.md"

// simCities are where the simulation's mirrors and clients are: how many mirrors
// each has and how many clients of a hundred.
var simCities = []struct {
	continent, country string
	lat, lng           float64
	mirrors, clients   int
}{
	{"eu", "de", 52.5, 13.4, 3, 5},
	{"eu", "de", 50.1, 8.7, 4, 8},
	{"eu", "de", 48.1, 11.6, 2, 5},
	{"eu", "fr", 48.9, 2.4, 3, 6},
	{"eu", "fr", 48.6, 7.8, 1, 2},
	{"eu", "fr", 45.8, 4.8, 1, 2},
	{"eu", "nl", 52.4, 4.9, 3, 4},
	{"eu", "be", 50.8, 4.4, 1, 4},
	{"eu", "ch", 47.4, 8.5, 1, 3},
	{"eu", "at", 48.2, 16.4, 1, 3},
	{"eu", "pl", 52.2, 21.0, 2, 3},
	{"eu", "pl", 52.4, 16.9, 0, 2},
	{"na", "us", 40.7, -74.0, 3, 9},
	{"na", "us", 41.9, -87.6, 2, 6},
	{"na", "us", 34.1, -118.2, 3, 7},
	{"na", "ca", 49.3, -123.1, 1, 1},
	{"na", "ca", 43.7, -79.4, 0, 4},
	{"na", "mx", 19.4, -99.1, 0, 3},
	{"sa", "br", -23.6, -46.6, 1, 5},
	{"as", "jp", 35.7, 139.7, 3, 6},
	{"as", "cn", 39.9, 116.4, 1, 5},
	{"as", "in", 19.1, 72.9, 1, 5},
	{"oc", "au", -33.9, 151.2, 1, 2},
}

// simulated is a world of 38 mirrors and 2,000 clients who ask for 300 files.
type simulated struct {
	mirrors []*mirror.Mirror
	clients []mirror.Client
	queries []Query
	of      []int // the client of each query
	scores  float64
}

func simulate() simulated {
	rnd := rand.New(rand.NewPCG(16, 18))
	var w simulated
	for _, c := range simCities {
		near := func() mirror.Place {
			return mirror.Place{
				Continent: c.continent, Country: c.country, HasCoords: true,
				Lat: c.lat + rnd.Float64() - 0.5, Lng: c.lng + rnd.Float64() - 0.5,
			}
		}
		for range c.mirrors {
			m := placedMirrors(near(), 50+50*rnd.IntN(4))[0]
			m.ID = mirror.ID(len(w.mirrors) + 1)
			w.mirrors = append(w.mirrors, m)
			w.scores += float64(m.Score)
		}
		for range c.clients * 20 {
			n := len(w.clients)
			w.clients = append(w.clients, mirror.Client{Addr: netip.AddrFrom4([4]byte{10, 0, byte(n >> 8), byte(n)}), Place: near()})
		}
	}
	for range 60_000 {
		client := rnd.IntN(len(w.clients))
		file := int(math.Pow(300, rnd.Float64())) // popular ones first
		w.of = append(w.of, client)
		w.queries = append(w.queries, Query{
			Client: w.clients[client], File: mirror.FileID(file), Path: "pub/" + strconv.Itoa(file) + ".iso", Size: 1 << 30,
			TLS: true, Now: worldNow.UnixNano(), Limit: 1,
		})
	}
	return w
}

// outcome is what a policy does to a simulated world.
type outcome struct {
	abroad    float64 // share of the requests that leave the country
	km        float64 // mean distance
	perFile   float64 // mirrors that a file goes to, of all clients in Germany
	perClient float64 // mirrors that a client goes to
	busiest   float64 // the most requests that a mirror of Europe gets for its score, of the mean of all
}

func (w *simulated) run(p Policy) (o outcome) {
	s, rnd := Compile(w.mirrors, p), rand.New(rand.NewPCG(3, 3))
	counts := make([]float64, len(w.mirrors))
	perFile, perClient := map[mirror.FileID]map[int]bool{}, map[int]map[int]bool{}
	var d Decision
	for n := range w.queries {
		q := &w.queries[n]
		s.Choose(q, everything{}, rnd, &d)
		pick := d.Picks[0]
		m := w.mirrors[pick.Mirror]
		counts[pick.Mirror]++
		o.km += pick.DistanceKm
		if m.Country != q.Client.Country {
			o.abroad++
		}
		if q.Client.Country == "de" && q.File <= 30 {
			mark(perFile, q.File, pick.Mirror)
		}
		mark(perClient, w.of[n], pick.Mirror)
	}
	total := float64(len(w.queries))
	for i, n := range counts {
		if w.mirrors[i].Continent != "eu" {
			continue // some are alone on theirs
		}
		o.busiest = max(o.busiest, n/total/(float64(w.mirrors[i].Score)/w.scores))
	}
	o.abroad, o.km = o.abroad/total, o.km/total
	o.perFile, o.perClient = mean(perFile), mean(perClient)
	return o
}

func mark[K comparable](m map[K]map[int]bool, k K, i int) {
	if m[k] == nil {
		m[k] = map[int]bool{}
	}
	m[k][i] = true
}

func mean[K comparable](m map[K]map[int]bool) float64 {
	n := 0
	for _, set := range m {
		n += len(set)
	}
	return float64(n) / float64(len(m))
}

// TestPolicies simulates every policy and looks for what docs/policies.md says
// of it; the table there is made from the same figures.
func TestPolicies(t *testing.T) {
	t.Parallel()
	w := simulate()
	with := func(change func(*Policy)) outcome {
		p := DefaultPolicy()
		p.Key = [16]byte{7}
		change(&p)
		return w.run(p)
	}
	tiers := with(func(*Policy) {})
	spill := with(func(p *Policy) { p.Spill = 3 })
	distance := with(func(p *Policy) { p.Order = OrderDistance })
	affinity := with(func(p *Policy) { p.Affinity.Copies = 2 })
	sticky := with(func(p *Policy) { p.Sticky = 24 * time.Hour })
	both := with(func(p *Policy) { p.Affinity.Copies, p.Sticky = 2, 24*time.Hour })

	for _, tc := range []struct {
		claim string
		holds bool
	}{
		{"tiers keep requests in the country", tiers.abroad < distance.abroad && tiers.abroad < spill.abroad},
		{"distance shortens the way", distance.km < tiers.km},
		{"spill, and distance, relieve the busiest mirror", spill.busiest < tiers.busiest && distance.busiest < tiers.busiest},
		// Two for each of the few groups near enough to clients of one country.
		{"affinity sends a file to few mirrors", affinity.perFile < tiers.perFile*0.7},
		{"affinity leaves borders, distances and shares alone", affinity.abroad == tiers.abroad && near(affinity.km, tiers.km, 25) && near(affinity.busiest, tiers.busiest, 0.5)},
		{"sticky keeps a client with one mirror", sticky.perClient == 1},
		{"sticky leaves borders, distances and shares alone", sticky.abroad == tiers.abroad && near(sticky.km, tiers.km, 25) && near(sticky.busiest, tiers.busiest, 0.5)},
		{"affinity and sticky send a file to few mirrors", near(both.perFile, affinity.perFile, 0.5)},
		{"affinity and sticky send a client to fewer than chance", both.perClient <= affinity.perClient},
	} {
		if !tc.holds {
			t.Errorf("it is not so that %s: tiers %+v, spill %+v, distance %+v, affinity %+v, sticky %+v, both %+v",
				tc.claim, tiers, spill, distance, affinity, sticky, both)
		}
	}

	var b strings.Builder
	b.WriteString("| policy | leave the country | mean distance | busiest of Europe | mirrors for a file | mirrors for a client |\n|---|---:|---:|---:|---:|---:|\n")
	for _, row := range []struct {
		name string
		o    outcome
	}{
		{"`policy tiers`", tiers},
		{"`spill 3`", spill},
		{"`policy distance`", distance},
		{"`affinity 2`", affinity},
		{"`sticky 24h`", sticky},
		{"`affinity 2` and `sticky 24h`", both},
	} {
		fmt.Fprintf(&b, "| %s | %.1f %% | %.0f km | %.1f times | %.1f | %.1f |\n",
			row.name, 100*row.o.abroad, row.o.km, row.o.busiest, row.o.perFile, row.o.perClient)
	}
	checkTables(t, policiesDoc, map[string]string{"policies": b.String()})
}

// What a node told the database was checked by the node alone.
func TestCompileBoundsCopies(t *testing.T) {
	t.Parallel()
	for copies, want := range map[int]int{-1: 1, 0: 1, 3: 3, 1 << 40: MaxCopies} {
		s := Settings{Affinity: &AffinitySettings{Copies: copies}}
		if got := s.Compile([16]byte{}).Affinity.Copies; got != want {
			t.Errorf("%d: %d, want %d", copies, got, want)
		}
	}
}
