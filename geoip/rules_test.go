package geoip

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

func parse(t testing.TB, text string) *Rules {
	t.Helper()
	r, err := ParseRules(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRulesClient(t *testing.T) {
	t.Parallel()
	berlin := mirror.Place{Country: "de", Continent: "eu", Lat: 52.5, Lng: 13.4, HasCoords: true}
	known := func(place mirror.Place) mirror.Client {
		return mirror.Client{Place: place, ASN: 64500, Prefix: netip.MustParsePrefix("10.0.0.0/7")}
	}
	const text = `
		# an intranet
		override 10.0.0.0/8 country=de lat=52.5 lng=13.4 asn=64512
		override 10.1.0.0/16 unknown              # nobody knows
		override 10.2.0.0/16 asn=AS64513
		override 10.3.0.0/16 asn=0
		override 10.4.0.0/16 country=TR
		override 10.5.0.0/16 country=tr continent=@as
		override 10.6.0.0/16 continent=oc
		override 10.7.7.7 country=at
		override 2001:db8::/32 country=nz
		continent tr @eu
	`
	r := parse(t, text)
	net := netip.MustParsePrefix
	tests := []struct {
		name, addr string
		in, want   mirror.Client
	}{
		{"place and network", "10.9.9.9", mirror.Client{}, mirror.Client{Place: berlin, ASN: 64512, Prefix: net("10.0.0.0/8")}},
		{"mapped", "::ffff:10.9.9.9", mirror.Client{}, mirror.Client{Place: berlin, ASN: 64512, Prefix: net("10.0.0.0/8")}},
		{"unknown, the network stays", "10.1.0.1", known(berlin), known(mirror.Place{})},
		{"network alone", "10.2.0.1", known(berlin), mirror.Client{Place: berlin, ASN: 64513, Prefix: net("10.2.0.0/16")}},
		{"no network", "10.3.0.1", known(berlin), mirror.Client{Place: berlin}},
		{"counts as of another continent", "10.4.0.1", known(berlin), known(mirror.Place{Country: "tr", Continent: "eu"})},
		{"unless one is given", "10.5.0.1", known(berlin), known(mirror.Place{Country: "tr", Continent: "as"})},
		{"continent alone", "10.6.0.1", known(berlin), known(mirror.Place{Continent: "oc"})},
		{"one address", "10.7.7.7", known(berlin), known(mirror.Place{Country: "at", Continent: "eu"})},
		{"and not the next", "10.7.7.8", known(mirror.Place{}), mirror.Client{Place: berlin, ASN: 64512, Prefix: net("10.0.0.0/8")}},
		{"IPv6", "2001:db8::1", mirror.Client{}, mirror.Client{Place: mirror.Place{Country: "nz", Continent: "oc"}}},
		{"no override", "192.0.2.1", known(berlin), known(berlin)},
		{"no override, continent", "192.0.2.1", known(mirror.Place{Country: "tr", Continent: "as"}), known(mirror.Place{Country: "tr", Continent: "eu"})},
		{"nothing is known", "192.0.2.1", mirror.Client{}, mirror.Client{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := r.Client(netip.MustParseAddr(test.addr), test.in)
			if diff := cmp.Diff(test.want, got, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }), cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
				t.Errorf("client (-want +got):\n%s", diff)
			}
		})
	}
	if c := r.Client(netip.Addr{}, known(berlin)); c.Country != "de" {
		t.Errorf("no address: %+v", c)
	}
	if c := r.Located(netip.MustParseAddr("10.4.0.1"), mirror.Client{}); c.Continent != "as" {
		t.Errorf("a mirror there is on %q, want as: only clients count as of another continent", c.Continent)
	}
	if p, ok := r.Override(netip.MustParseAddr("10.1.2.3")); !ok || p != net("10.1.0.0/16") {
		t.Errorf("Override: %v, %v", p, ok)
	}
}

func TestNoRules(t *testing.T) {
	t.Parallel()
	var none *Rules
	addr := netip.MustParseAddr("192.0.2.1")
	in := mirror.Client{Addr: addr, Place: mirror.Place{Country: "tr", Continent: "as"}}
	for name, r := range map[string]*Rules{"nil": none, "empty": parse(t, ""), "a comment": parse(t, "# nothing\n\n")} {
		if got := r.Client(addr, in); got != in {
			t.Errorf("%s: changed the client to %+v", name, got)
		}
		if got := r.Located(addr, in); got != in {
			t.Errorf("%s: changed a mirror to %+v", name, got)
		}
		if r.Continent("tr") != "as" || r.Continent("zz") != "" {
			t.Errorf("%s: continents %q, %q", name, r.Continent("tr"), r.Continent("zz"))
		}
		if diff := cmp.Diff(noRules.Edges(), r.Edges()); diff != "" {
			t.Errorf("%s: edges (-want +got):\n%s", name, diff)
		}
		if len(r.Edges().Neighbours) != 7 || r.Edges().Neighbours["oc"][0] != "as" {
			t.Errorf("%s: neighbours %v", name, r.Edges().Neighbours)
		}
	}
}

func TestRulesEdges(t *testing.T) {
	t.Parallel()
	r := parse(t, `
		edge at de ch
		edge TR gr @eu @as
		edge sa @eu          # Saudi Arabia
		edge @sa @na         # South America
		avoid ua ru by
		neighbours @oc @na @as
		continent tr eu
	`)
	want := &mirror.Edges{
		Countries:  map[string][]string{"at": {"de", "ch"}, "tr": {"gr"}},
		Continents: map[string][]string{"tr": {"eu", "as"}, "country:sa": {"eu"}, "sa": {"na"}},
		Avoid:      map[string][]string{"ua": {"ru", "by"}},
		Neighbours: map[string][]string{
			"af": {"eu", "as"}, "an": {"sa", "oc", "na"}, "as": {"eu", "na", "oc"}, "eu": {"na", "as", "af"},
			"na": {"eu", "sa", "as"}, "oc": {"na", "as"}, "sa": {"na", "eu"},
		},
	}
	if diff := cmp.Diff(want, r.Edges()); diff != "" {
		t.Errorf("edges (-want +got):\n%s", diff)
	}
	if r.Continent("tr") != "eu" || r.Continent("de") != "eu" {
		t.Errorf("continents %q, %q", r.Continent("tr"), r.Continent("de"))
	}
	if got := parse(t, "neighbours off").Edges().Neighbours; len(got) != 0 {
		t.Errorf("neighbours off: %v", got)
	}
	if len(noRules.Edges().Neighbours["oc"]) != 2 || noRules.Edges().Neighbours["oc"][0] != "as" {
		t.Error("the built-in neighbours were changed")
	}
}

func TestRulesRefused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"overide 10.0.0.0/8 country=de":                               "line 1: \"overide\" is not one of",
		"\n\nedge at":                                                 "line 3: write for example",
		"override 10.0.0.0/8":                                         "line 1: write for example",
		"override 10.1.0.0/8 unknown":                                 "is 10.0.0.0/8 meant?",
		"override ::ffff:10.0.0.0/104 unknown":                        "without ::ffff",
		"override fe80::1%eth0 unknown":                               "is no network",
		"override 10.0.0.0/33 unknown":                                "is no network",
		"override 10.0.0.0/8 country=uk":                              `"uk" is no country`,
		"override 10.0.0.0/8 country=eu":                              "continents are written with @: @eu",
		"override 10.0.0.0/8 continent=xx":                            "is no continent",
		"override 10.0.0.0/8 lat=1 lng=2":                             "need a country",
		"override 10.0.0.0/8 country=de lat=1":                        "belong together",
		"override 10.0.0.0/8 country=de lat=91 lng=1":                 "from -90 to 90",
		"override 10.0.0.0/8 country=de lat=NaN lng=1":                "from -90 to 90",
		"override 10.0.0.0/8 country=de lat=x lng=1":                  "no number of degrees",
		"override 10.0.0.0/8 asn=4294967296":                          "no AS number",
		"override 10.0.0.0/8 unknown country=de":                      "neither country nor coordinates",
		"override 10.0.0.0/8 country=de country=at":                   "given twice",
		"override 10.0.0.0/8 city=Berlin":                             "is not one of",
		"override 10.0.0.0/8 Germany":                                 "is neither unknown nor",
		"override 10.0.0.0/8 unknown\noverride 10.0.0.0/8 country=de": "line 2: override 10.0.0.0/8 is in line 1 already",
		"continent tr":                                                "write for example: continent tr @eu",
		"continent @tr @eu":                                           "is no country",
		"continent tr de":                                             "is no continent",
		"continent tr eu\ncontinent TR as":                            "line 2: continent tr is in line 1 already",
		"edge oc @as":                                                 "continents are written with @: @oc",
		"edge @oc nz":                                                 "only continents can be reached, not nz",
		"edge at de at":                                               "at is there already",
		"edge at de DE":                                               "DE is there already",
		"edge @oc @oc":                                                "is there already",
		"edge at de\nedge AT ch":                                      "line 2: edge at is in line 1 already",
		"edge at @xx":                                                 "is no continent",
		"avoid ua":                                                    "write for example: avoid",
		"avoid ua @as":                                                "is no country",
		"avoid ua ua":                                                 "is there already",
		"neighbours @oc":                                              "write for example: neighbours",
		"neighbours @oc @oc":                                          "is there already",
		"neighbours off\nneighbours off":                              "already",
		"# \x1b[31m":                                                  "control character U+001B",
		"# \u202e":                                                    "holds U+202E",
		"# \xff":                                                      "is not UTF-8",
		strings.Repeat("\n", MaxRulesLines+1):                         "more than 100000 lines",
		strings.Repeat("#", MaxRulesSize+1):                           "at most 1048576",
	} {
		r, err := ParseRules(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: %v, want %q", text, err, want)
		}
		if err != nil && r != nil {
			t.Errorf("%.60q: rules and an error", text)
		}
	}
	_, err := ParseRules(strings.Repeat("x\n", 50))
	if n := strings.Count(err.Error(), "line "); n != maxComplaints {
		t.Errorf("%d complaints, want %d", n, maxComplaints)
	}
}

func TestRulesWith(t *testing.T) {
	t.Parallel()
	r := parse(t, "override 10.0.0.0/8 country=de\noverride 10.1.0.0/16 country=at\ncontinent tr eu")
	n := uint32(7)
	both, err := r.With([]Override{{Network: "10.0.0.0/8", Country: "tr"}, {Network: "192.0.2.1", ASN: &n}})
	if err != nil {
		t.Fatal(err)
	}
	for addr, want := range map[string]string{"10.0.0.1": "tr eu 0", "10.1.0.1": "at eu 0", "192.0.2.1": "  7"} {
		c := both.Client(netip.MustParseAddr(addr), mirror.Client{})
		if got := c.Country + " " + c.Continent + " " + string(rune('0'+c.ASN)); got != want {
			t.Errorf("%s: %q, want %q", addr, got, want)
		}
	}
	if c := r.Client(netip.MustParseAddr("10.0.0.1"), mirror.Client{}); c.Country != "de" {
		t.Errorf("the rules themselves were changed: %+v", c)
	}
	var none *Rules
	if both, err = none.With([]Override{{Network: "10.0.0.0/8", Unknown: true}}); err != nil || both.Edges() != noRules.Edges() {
		t.Errorf("with no rules: %v", err)
	}
	if same, err := r.With(nil); err != nil || same != r {
		t.Errorf("with nothing: %v", err)
	}
	for _, bad := range [][]Override{{{Network: "x", Unknown: true}}, {{Network: "10.0.0.0/8"}}, {{Network: "10.0.0.0/8", Unknown: true}, {Network: "10.0.0.0/8", Unknown: true}}} {
		if _, err := r.With(bad); err == nil {
			t.Errorf("%v was taken", bad)
		}
	}
}

func FuzzParseRules(f *testing.F) {
	f.Add("override 10.0.0.0/8 country=de lat=52.5 lng=13.4 asn=64512\ncontinent tr @eu")
	f.Add("edge at de ch\nedge @oc @as @na\navoid ua ru\nneighbours off # x")
	f.Add("override 2001:db8::/32 unknown\r\noverride 192.0.2.7 continent=as asn=AS0")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseRules(text)
		if (r == nil) == (err == nil) {
			t.Fatalf("rules %v and error %v", r, err)
		}
		if err != nil {
			return
		}
		for _, a := range []string{"10.1.2.3", "192.0.2.7", "2001:db8::1", "::"} {
			c := r.Client(netip.MustParseAddr(a), mirror.Client{Place: mirror.Place{Country: "tr", Continent: "as"}})
			if c.Country != "" && Continent(c.Country) == "" || c.Continent != "" && !IsContinent(c.Continent) {
				t.Errorf("%s: %+v", a, c)
			}
		}
	})
}

// TestOverrideText holds that what String gives is read as the same.
func TestOverrideText(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"override 10.0.0.0/8 country=de lat=52.5 lng=-13.4 asn=64512",
		"override 2001:db8::/32 unknown asn=0",
		"override 192.0.2.1 country=tr continent=eu",
	} {
		o, err := parseOverride(strings.Fields(line)[1:])
		if err != nil || o.String() != line {
			t.Errorf("%q became %q: %v", line, o, err)
		}
	}
}

func BenchmarkRules(b *testing.B) {
	var many strings.Builder
	for i := range 10_000 {
		many.WriteString("override " + netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 0}).String() + "/24 country=de\n")
	}
	for name, r := range map[string]*Rules{"none": nil, "few": parse(b, "override 10.0.0.0/8 country=tr\ncontinent tr eu"), "many": parse(b, many.String()+"continent tr eu")} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			addr := netip.MustParseAddr("10.1.2.3")
			in := mirror.Client{Addr: addr, Place: mirror.Place{Country: "us", Continent: "na"}}
			for b.Loop() {
				in = r.Client(addr, in)
			}
		})
	}
}

func TestRulesDoNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	r := parse(t, "override 10.0.0.0/8 country=tr asn=5\ncontinent tr eu")
	addr := netip.MustParseAddr("10.1.2.3")
	if n := testing.AllocsPerRun(100, func() { r.Client(addr, mirror.Client{Addr: addr}) }); n > 0 {
		t.Errorf("%v allocations for each client", n)
	}
}
