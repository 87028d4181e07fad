package explain

import (
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/redirector"
)

var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// up is a mirror that takes requests.
func up(name, country, continent string, lat, lng float64) *mirror.Mirror {
	return &mirror.Mirror{
		Name: name, HTTP: []string{"http://" + name + ".example/pub/", "https://" + name + ".example/pub/"},
		Place: mirror.Place{Country: country, Continent: continent, Lat: lat, Lng: lng, HasCoords: true},
		Score: 100, Enabled: true, Scan: mirror.ScanState{Succeeded: now.Add(-time.Hour), Held: 1},
	}
}

// edit changes a mirror on the way into a list.
func edit(m *mirror.Mirror, f func(*mirror.Mirror)) *mirror.Mirror { f(m); return m }

// holds are the mirrors that have the file, by name; nil: all.
type holds struct {
	set   **redirector.Set
	names map[string]bool
}

func (h holds) Holds(i int, _ mirror.FileID) bool {
	return h.names == nil || h.names[(*h.set).Mirror(i).Name]
}

// berlin asks by https.
var berlin = mirror.Client{
	Addr: netip.MustParseAddr("192.0.2.7"), Place: mirror.Place{Country: "de", Continent: "eu", Lat: 52.5237, Lng: 13.4123, HasCoords: true},
	ASN: 64500, Prefix: netip.MustParsePrefix("192.0.2.0/24"),
}

func defaults() redirector.Settings {
	var s redirector.Settings
	s.SetDefaults()
	return s
}

// input asks for iso/x.iso.
func input(list []*mirror.Mirror, holders ...string) *Input {
	s := defaults()
	in := &Input{
		Path: "iso/x.iso", Version: &mirror.Version{ID: 7, Size: 1 << 20, MTime: now.UnixNano(), Precision: 1},
		Settings: s, Site: Site{NoMirror: "local"}, PlaceFrom: FromGeoIP, NetworkFrom: FromPrefixes, Private: true,
	}
	in.Query = redirector.Query{Client: berlin, File: 7, Size: 1 << 20, Path: "iso/x.iso", TLS: true, Now: now.UnixNano()}
	in.Set = redirector.Compile(list, s.Compile([16]byte{}))
	h := holds{set: &in.Set}
	if holders != nil {
		h.names = map[string]bool{}
		for _, n := range holders {
			h.names[n] = true
		}
	}
	in.Holder = h
	return in
}

func europe() []*mirror.Mirror {
	return []*mirror.Mirror{
		up("berlin", "de", "eu", 52.5, 13.4), up("munich", "de", "eu", 48.1, 11.6), up("potsdam", "de", "eu", 52.4, 13.1),
		up("paris", "fr", "eu", 48.8, 2.3), up("chicago", "us", "na", 41.9, -87.6),
	}
}

func TestOutcome(t *testing.T) {
	t.Parallel()
	fallbacks, err := redirector.NewFallbacks([]redirector.Fallback{{URL: "https://cdn.example/all/"}})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name  string
		edit  func(*Input)
		want  string // result reason status realm targets
		first string // how the summary begins
	}{
		{"two near ones", nil, "redirect mirror 302 country berlin potsdam", "Sent to one of 2 mirrors in the client's country, de: berlin 50 %, potsdam 50 %."},
		{"the only one", only("munich"), "redirect mirror 302 country munich", "Sent to munich, 508 km away: of the mirrors in the client's country, de, only this one can serve it."},
		{"the nearest", only("munich", "berlin"), "redirect mirror 302 country berlin", "Sent to berlin, 3 km away: the nearest of 2 mirrors in the client's country, de."},
		{"the continent", only("paris", "chicago"), "redirect mirror 302 region paris", "Sent to paris, 885 km away: of the mirrors on the client's continent, eu, only this one can serve it."},
		{"nobody", only("none"), "local no_mirror 0", "Served from here: no mirror can serve it to this client."},
		{"nobody, 503", with(only("none"), func(in *Input) { in.Site.NoMirror = "503" }), "error no_mirror 503", "Answered with 503: no mirror"},
		{"nobody, too large", with(only("none"), func(in *Input) { in.Site.LocalMaxSize = 1 }), "error local_max_size 503", "Answered with 503: no mirror"},
		{
			"nobody, fallback", with(only("none"), func(in *Input) { in.Site.NoMirror, in.Site.Fallbacks = "fallback", fallbacks }),
			"redirect fallback 302 fallback cdn.example", "No mirror can serve it, so it is sent to cdn.example (fallback).",
		},
		{
			"nobody, no root", with(only("none"), func(in *Input) { in.Site.NoRoot, in.Site.Origin = true, "https://origin.example/pub/" }),
			"redirect no_mirror 302 fallback origin.example", "Sent to origin.example, where the tree comes from",
		},
		{"exempt", func(in *Input) { in.Exempt = redirector.ExemptSignature }, "exempt signature 0", "Served from here: it is a signature"},
		{"exempt, root off", func(in *Input) { in.Exempt, in.Site.NoRoot, in.Site.RootOff = "min_size", true, true }, "error min_size 503", "Answered with 503: the file is smaller"},
		{"changed", func(in *Input) { in.Local = ReasonChanged }, "local changed 0", "Served from here: the file on disk is another"},
		{"unknown", func(in *Input) { in.Local, in.Version = ReasonNotIndexed, nil }, "local not_indexed 0", "Served from here: the index does not know"},
		{"unknown, root off", func(in *Input) { in.Local, in.Version, in.Site.RootOff = ReasonNotIndexed, nil, true }, "error not_indexed 404", "Answered with 404: the index does not know"},
		{"closed", func(in *Input) { in.Refused, in.Version = ReasonClosed, nil }, "error closed 404", "Answered with 404: there is such a file here, but others may not read it."},
		{"distance", func(in *Input) {
			in.Settings.Policy = redirector.PolicyDistance
			in.Query.AvoidCountries = []string{"de"}
		}, "redirect mirror 302 region paris", "Sent to paris, 885 km away: the nearest of 2 mirrors near the client, whatever the borders."},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			in := input(europe())
			if test.edit != nil {
				test.edit(in)
			}
			r := New(in)
			got := strings.TrimSpace(strings.Join([]string{r.Outcome.Result, r.Outcome.Reason, itoa(r.Outcome.Status), r.Outcome.Realm}, " "))
			for _, to := range r.Outcome.To {
				got += " " + to.Name
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if len(r.Summary) == 0 || !strings.HasPrefix(r.Summary[0], test.first) {
				t.Errorf("summary %q, want %q", r.Summary, test.first)
			}
			if r.Outcome.Result != ResultRedirect || r.Outcome.Realm == "fallback" {
				for _, m := range r.Mirrors {
					if m.URL != "" || m.Probability != 0 {
						t.Errorf("%+v, but nobody is sent there", m)
					}
				}
			}
			for _, width := range []int{0, 1, 20, 80} {
				if err := r.WriteText(new(strings.Builder), width); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func itoa(n int) string { return strings.TrimSpace(number(float64(n))) }

// only says who has the file.
func only(names ...string) func(*Input) {
	return func(in *Input) {
		h := holds{set: &in.Set, names: map[string]bool{}}
		for _, n := range names {
			h.names[n] = true
		}
		in.Holder = h
	}
}

func with(fs ...func(*Input)) func(*Input) {
	return func(in *Input) {
		for _, f := range fs {
			f(in)
		}
	}
}

// Who comes before the rest of the world because of edges is said to.
func TestEdgesAreTold(t *testing.T) {
	t.Parallel()
	list := []*mirror.Mirror{up("paris", "fr", "eu", 48.8, 2.3), up("chicago", "us", "na", 41.9, -87.6), up("boston", "us", "na", 42.4, -71), up("tokyo", "jp", "as", 35.7, 139.7)}
	for name, test := range map[string]struct {
		edges *mirror.Edges
		want  string
	}{
		"none":          {nil, "Sent to one of 2 mirrors anywhere: chicago 50 %, tokyo 50 %."},
		"of the client": {&mirror.Edges{Continents: map[string][]string{"oc": {"na", "as"}}}, "on the continent that comes next by edges or neighbours, na"},
		"one mirror":    {&mirror.Edges{Continents: map[string][]string{"oc": {"as"}}}, "of the mirrors on the continent that comes next by edges or neighbours, as, only this one can serve it."},
		"elsewhere":     {&mirror.Edges{Continents: map[string][]string{"af": {"as"}}}, "anywhere: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := input(list)
			in.Query.Client = mirror.Client{Place: mirror.Place{Country: "nz", Continent: "oc", Lat: -41, Lng: 174, HasCoords: true}}
			p := in.Settings.Compile([16]byte{})
			p.Edges = test.edges
			in.Set = redirector.Compile(list, p)
			if r := New(in); !strings.Contains(r.Summary[0], test.want) {
				t.Errorf("%q, want %q", r.Summary[0], test.want)
			}
		})
	}
}

// This server's own turn as a mirror is no riddle either.
func TestOriginMirrorIsTold(t *testing.T) {
	t.Parallel()
	list := europe()
	in := input(list)
	in.Settings.OriginMirror = &redirector.OriginMirror{Score: 50}
	in.Set = redirector.Compile(append(list, in.Settings.OriginMirror.Mirror()), in.Settings.Compile([16]byte{}))
	in.Query.AvoidCountries = []string{"de", "fr", "us"}
	r := New(in)
	if r.Outcome.Reason != ReasonOriginMirror || !strings.HasPrefix(r.Summary[0], "Served from here: this server is one of the mirrors (origin_mirror)") {
		t.Errorf("%+v: %q", r.Outcome, r.Summary)
	}
}

// What is out is named with its reason, in the client's country first.
func TestOut(t *testing.T) {
	t.Parallel()
	list := append(europe(),
		edit(up("down", "de", "eu", 50, 8), func(m *mirror.Mirror) {
			m.Probe = mirror.ProbeState{Down: true, Since: now.Add(-time.Hour), Error: "connection refused"}
		}),
		edit(up("off", "fr", "eu", 50, 8), func(m *mirror.Mirror) { m.Enabled = false }),
		edit(up("scans", "us", "na", 50, 8), func(m *mirror.Mirror) {
			m.Probe = mirror.ProbeState{Down: true, Error: "rsync://user@scans.example/m: timeout"}
		}),
		edit(up("small", "de", "eu", 50, 8), func(m *mirror.Mirror) { m.MaxSize = 1000 }),
	)
	in := input(list, "munich")
	in.Former = func(i int) (mirror.Version, bool) {
		return mirror.Version{ID: 3, MTime: now.AddDate(0, 0, -1).UnixNano(), Precision: 1}, in.Set.Mirror(i).Name == "berlin"
	}
	r := New(in)
	var got []string
	for _, o := range r.Out {
		got = append(got, o.Name+": "+o.Reason+"; "+o.Detail)
	}
	want := []string{
		"berlin: does not have this version of the file; has the version of 2026-11-23 12:00:00, which is stale",
		"down: down; since 2026-11-24 11:00 UTC: connection refused",
		"potsdam: does not have this version of the file; ",
		"small: file larger than its limit; takes files of up to 1000 bytes",
		"off: disabled; switched off",
		"paris: does not have this version of the file; ",
		"chicago: does not have this version of the file; ",
		"scans: down; since an unknown time",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if want := "Out in the client's country, de: berlin (does not have this version of the file), down (down), potsdam (does"; !strings.HasPrefix(r.Summary[1], want) {
		t.Errorf("%q", r.Summary)
	}
}

// The probabilities of a report are those of the draw.
func TestAgreesWithTheDraw(t *testing.T) {
	t.Parallel()
	list := europe()
	list[0].Score, list[2].Score = 30, 90
	in := input(list)
	r := New(in)
	const draws = 2000
	rnd := rand.New(rand.NewPCG(1, 2))
	count := map[string]int{}
	var d redirector.Decision
	for range draws {
		in.Set.Choose(&in.Query, in.Holder, rnd, &d)
		count[d.Picks[0].Name]++
	}
	// Chi-square with one degree of freedom; 10.8 is exceeded once in a thousand.
	var chi2 float64
	for _, m := range r.Mirrors {
		if m.Probability == 0 {
			if count[m.Name] != 0 {
				t.Errorf("%s is drawn %d times, which is said never to happen", m.Name, count[m.Name])
			}
			continue
		}
		want := m.Probability * draws
		chi2 += (float64(count[m.Name]) - want) * (float64(count[m.Name]) - want) / want
	}
	if len(r.Outcome.To) != 2 || r.Outcome.To[0].Probability != 0.75 || chi2 > 10.8 {
		t.Errorf("%+v, drawn %v, chi-square %.1f", r.Outcome.To, count, chi2)
	}
}
