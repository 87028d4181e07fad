package mirrorbits

import (
	"math"
	"testing"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/movein"
)

func at(country string, lat, lng float64, more ...string) movein.Record {
	return movein.Record{Enabled: true, Mirror: mirror.Mirror{
		Place: mirror.Place{Continent: "eu", Country: country, Lat: lat, Lng: lng, HasCoords: true}, OtherCountries: more,
	}}
}

func client(country string, lat, lng float64) *mirror.Client {
	return &mirror.Client{ASN: 64999, Place: mirror.Place{Continent: "eu", Country: country, Lat: lat, Lng: lng, HasCoords: true}}
}

func TestShares(t *testing.T) {
	t.Parallel()
	berlin, hamburg, paris, newYork := at("de", 52.52, 13.41), at("de", 53.55, 9.99), at("fr", 48.86, 2.35, "de"), at("us", 40.71, -74.01)
	boosted := hamburg
	boosted.Score = 50
	halved := berlin
	halved.Score = -50
	off := berlin
	off.Enabled = false
	local := paris
	local.Mirror.CountryOnly, local.Mirror.OtherCountries = true, nil
	noGermans := berlin
	noGermans.Mirror.ExcludeCountries = []string{"de"}
	for _, test := range []struct {
		name   string
		all    []movein.Record
		client *mirror.Client
		want   []float64
	}{
		// At the mirror's door it takes all, whatever the others.
		{"door", []movein.Record{berlin, newYork}, client("de", 52.52, 13.41), []float64{1, 0}},
		// B = 6386; berlin and hamburg both count as near for a client between them.
		{"middle", []movein.Record{berlin, hamburg, newYork}, client("de", 53.05, 11.7), []float64{.5, .5, 0}},
		// A score of 50 makes it 2B to B, one of -50 takes it out of the draw.
		{"boosted", []movein.Record{berlin, boosted, newYork}, client("de", 53.05, 11.7), []float64{.34, .66, 0}},
		{"halved", []movein.Record{halved, hamburg, newYork}, client("de", 53.05, 11.7), []float64{0, 1, 0}},
		{"not located", []movein.Record{berlin, hamburg, newYork, off}, &mirror.Client{}, []float64{1. / 3, 1. / 3, 1. / 3, 0}},
		{"alone", []movein.Record{newYork}, client("de", 52.52, 13.41), []float64{1}},
		{"only others", []movein.Record{local, newYork}, client("de", 52.52, 13.41), []float64{0, 1}},
		{"excluded", []movein.Record{noGermans, newYork}, client("de", 52.52, 13.41), []float64{0, 1}},
		{"nobody", []movein.Record{off}, client("de", 52.52, 13.41), []float64{0}},
		{"none", nil, client("de", 52.52, 13.41), nil},
	} {
		got := Law{}.Shares(test.all, test.client)
		for i := range got {
			if math.Abs(got[i]-test.want[i]) > .02 {
				t.Errorf("%s: %.3f, want %v", test.name, got, test.want)
				break
			}
		}
	}
}

func TestClient(t *testing.T) {
	t.Parallel()
	all := []movein.Record{at("fj", -17, 179), at("fj", -17, -179), at("de", 50, 10)}
	c := Law{}.Client(all, &all[0])
	if !c.HasCoords || math.Abs(math.Abs(c.Lng)-180) > .01 || math.Abs(c.Lat+17) > .1 || c.Country != "fj" {
		t.Errorf("between two sides of the date line: %+v", c)
	}
	if c := (Law{}).Client(nil, &movein.Record{}); c.HasCoords || c.Country != "" {
		t.Errorf("nowhere: %+v", c)
	}
}

func TestScoreOf(t *testing.T) {
	t.Parallel()
	for p, want := range map[int]int{0: 100, 50: 200, -25: 50, -50: 1, -1000: 1, math.MinInt: 1, math.MaxInt: 1_000_000, 1: 102} {
		if got := scoreOf(p); got != want {
			t.Errorf("score %d became %d, want %d", p, got, want)
		}
	}
}

func FuzzRecord(f *testing.F) {
	f.Add("a", "http://x.example.org/", "de fr", "50", "48.1", "2023-11-14 22:13:20 +0000 UTC")
	f.Add("", "::1", "\xff", "-9223372036854775808", "NaN", "2023-11-14 22:13:20.1 +0100 +0100 m=+1")
	f.Fuzz(func(t *testing.T, name, url, countries, score, number, when string) {
		var names movein.Names
		r := record(name, map[string]string{
			"http": url, "rsync": url, "ftp": url, "countryCodes": countries, "excludedCountryCodes": countries, "continentCode": countries,
			"score": score, "asnum": score, "latitude": number, "longitude": number, "comment": url, "sponsorURL": url, "enabled": number,
		}, &names)
		if err := mirror.ValidName(r.Mirror.Name); err != nil {
			t.Fatal(err)
		}
		if m := r.Mirror; m.Score < 1 || m.HasCoords && !(math.Abs(m.Lat) <= 90 && math.Abs(m.Lng) <= 180) {
			t.Fatalf("%+v", m)
		}
		_, _ = digestOf(name, []any{score, when, name, nil, url})
	})
}
