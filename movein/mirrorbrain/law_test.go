package mirrorbrain

import (
	"math"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/movein"
)

func scored(scores ...int) (all []movein.Record) {
	for _, s := range scores {
		all = append(all, movein.Record{Enabled: true, Score: s, Mirror: mirror.Mirror{Place: mirror.Place{Country: "de", Continent: "eu"}}})
	}
	return all
}

// TestMeasured holds the law against what the real mod_mirrorbrain did.
func TestMeasured(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		scores []int
		want   []float64 // per cent, as measured
	}{
		{[]int{100, 50}, []float64{75.7, 24.4}},
		{[]int{100, 10}, []float64{95.7, 4.3}},
		{[]int{150, 50}, []float64{83.7, 16.4}},
		{[]int{10, 1}, []float64{94.8, 5.2}},
		{[]int{200, 100}, []float64{75.3, 24.6}},
		{[]int{100, 50, 10}, []float64{72.1, 23.6, 4.3}},
		{[]int{100, 100, 100}, []float64{33.3, 33.3, 33.3}},
		{[]int{100, 0}, []float64{100, 0}},
		{[]int{20000, 30000}, []float64{50, 50}},
	} {
		got := Law{}.Shares(scored(test.scores...), &mirror.Client{Place: mirror.Place{Country: "de"}})
		for i := range got {
			if math.Abs(100*got[i]-test.want[i]) > 1 {
				t.Errorf("scores %v: shares %.3f, measured %v", test.scores, got, test.want)
				break
			}
		}
	}
}

// TestDrawn compares the integral with real draws, for many mirrors too.
func TestDrawn(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{1, 2, 7, 60} {
		var scores []int
		for range n {
			scores = append(scores, []int{10, 50, 100, 150, 200, 1000}[rnd.IntN(6)])
		}
		all := scored(scores...)
		got := Law{}.Shares(all, &mirror.Client{Place: mirror.Place{Country: "de"}})
		const draws = 100_000
		won := make([]float64, n)
		for range draws {
			best, at := math.Inf(1), 0
			for i, s := range scores {
				if rank := rnd.Float64() * float64(32767/s); rank < best {
					best, at = rank, i
				}
			}
			won[at]++
		}
		total := 0.0
		for i := range got {
			total += got[i]
			p := won[i] / draws
			if math.Abs(got[i]-p) > 6*math.Sqrt(p*(1-p)/draws)+1e-3 {
				t.Errorf("%d mirrors, score %d: share %.4f, drawn %.4f", n, scores[i], got[i], p)
			}
		}
		if math.Abs(total-1) > 1e-9 {
			t.Errorf("%d mirrors: shares add up to %v", n, total)
		}
	}
}

func TestGroups(t *testing.T) {
	t.Parallel()
	place := func(continent, country string) mirror.Place {
		return mirror.Place{Continent: continent, Country: country}
	}
	base := movein.Record{Enabled: true, Score: 100}
	with := func(change func(r *movein.Record)) movein.Record {
		r := base
		change(&r)
		return r
	}
	berlin := with(func(r *movein.Record) { r.Mirror.Place = place("eu", "de") })
	paris := with(func(r *movein.Record) {
		r.Mirror.Place = place("eu", "fr")
		r.Mirror.OtherCountries = []string{"be", "de"}
	})
	tokyo := with(func(r *movein.Record) { r.Mirror.Place = place("as", "jp") })
	campus := with(func(r *movein.Record) {
		r.Mirror.Place = place("eu", "de")
		r.Mirror.PrefixOnly = true
		r.Mirror.Prefixes = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	})
	isp := with(func(r *movein.Record) {
		r.Mirror.Place = place("eu", "de")
		r.Mirror.ASOnly, r.Mirror.ASNs = true, []uint32{64500}
	})
	cdn := with(func(r *movein.Record) { r.Wildcard = true })
	local := with(func(r *movein.Record) { r.Mirror.Place = place("eu", "fr"); r.Mirror.CountryOnly = true })
	off := with(func(r *movein.Record) { r.Mirror.Place = place("eu", "de"); r.Enabled = false })
	for _, test := range []struct {
		name   string
		all    []movein.Record
		client mirror.Client
		want   []float64
	}{
		{"country", []movein.Record{berlin, paris, tokyo, campus, isp, off}, mirror.Client{Place: place("eu", "de")}, []float64{1, 0, 0, 0, 0, 0}},
		{"prefix", []movein.Record{berlin, campus, isp}, mirror.Client{Addr: netip.MustParseAddr("192.0.2.1"), Place: place("eu", "de")}, []float64{0, 1, 0}},
		{"as", []movein.Record{berlin, campus, isp}, mirror.Client{ASN: 64500, Place: place("eu", "de")}, []float64{0, 0, 1}},
		{"other country", []movein.Record{paris, tokyo}, mirror.Client{Place: place("eu", "be")}, []float64{1, 0}},
		{"region", []movein.Record{berlin, tokyo, local}, mirror.Client{Place: place("eu", "at")}, []float64{1, 0, 0}},
		{"elsewhere", []movein.Record{berlin, tokyo, local}, mirror.Client{Place: place("sa", "br")}, []float64{.5, .5, 0}},
		{"wildcard beside the country", []movein.Record{berlin, cdn}, mirror.Client{Place: place("eu", "de")}, []float64{.5, .5}},
		{"wildcard for all others", []movein.Record{berlin, cdn}, mirror.Client{Place: place("sa", "br")}, []float64{0, 1}},
		{"nobody", []movein.Record{local}, mirror.Client{}, []float64{0}},
	} {
		got := Law{}.Shares(test.all, &test.client)
		for i := range got {
			if math.Abs(got[i]-test.want[i]) > 1e-6 {
				t.Errorf("%s: %v, want %v", test.name, got, test.want)
				break
			}
		}
	}
	if c := (Law{}).Client(nil, &campus); c.Addr != netip.MustParseAddr("192.0.2.0") || c.Country != "de" {
		t.Errorf("client of campus: %+v", c)
	}
	if c := (Law{}).Client(nil, &isp); c.ASN != 64500 {
		t.Errorf("client of isp: %+v", c)
	}
}
