package redirector

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

var update = flag.Bool("update", false, "rewrite the tables of docs/choice.md and docs/policies.md")

const choiceDoc = "../docs/choice.md"

// exampleMirrors is the world of the worked example in docs/choice.md.
func exampleMirrors() ([]*mirror.Mirror, holdsList) {
	type row struct {
		name               string
		continent, country string
		lat, lng           float64
		score              int
		held               bool
		edit               func(*mirror.Mirror)
	}
	var ms []*mirror.Mirror
	var held holdsList
	for _, r := range []row{
		{"amsterdam", "eu", "nl", 52.37, 4.90, 300, true, func(m *mirror.Mirror) { m.MaxSize = 2_000_000_000 }},
		{"berlin", "eu", "de", 52.52, 13.41, 100, true, nil},
		{"campus", "eu", "de", 48.15, 11.57, 100, true, func(m *mirror.Mirror) {
			m.Prefixes, m.PrefixOnly = []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}, true
		}},
		{"frankfurt", "eu", "de", 50.11, 8.68, 200, true, nil},
		{"hamburg", "eu", "de", 53.55, 9.99, 100, true, nil},
		{"newyork", "na", "us", 40.71, -74.01, 100, true, nil},
		{"paris", "eu", "fr", 48.86, 2.35, 100, true, nil},
		{"prague", "eu", "cz", 50.09, 14.42, 100, false, nil},
		{"saopaulo", "sa", "br", -23.55, -46.63, 100, true, func(m *mirror.Mirror) { m.RegionOnly = true }},
		{"tokyo", "as", "jp", 35.68, 139.69, 100, true, nil},
		{"vienna", "eu", "at", 48.21, 16.37, 50, true, func(m *mirror.Mirror) { m.OtherCountries = []string{"hu", "sk"} }},
	} {
		m := &mirror.Mirror{
			Name: r.name, HTTP: []string{"https://" + r.name + ".example/"}, Score: r.score, Enabled: true,
			Place: mirror.Place{Continent: r.continent, Country: r.country, Lat: r.lat, Lng: r.lng, HasCoords: true},
			Scan:  mirror.ScanState{Succeeded: worldNow},
		}
		if r.edit != nil {
			r.edit(m)
		}
		ms, held = append(ms, m), append(held, r.held)
	}
	return ms, held
}

// exampleClients are the clients of the worked example, by the names of the
// document's tables.
var exampleClients = map[string]mirror.Client{
	"nuremberg": {Addr: netip.MustParseAddr("198.51.100.7"), Place: mirror.Place{Continent: "eu", Country: "de", Lat: 49.45, Lng: 11.08, HasCoords: true}},
	"munich":    {Addr: netip.MustParseAddr("203.0.113.9"), Place: mirror.Place{Continent: "eu", Country: "de", Lat: 48.14, Lng: 11.58, HasCoords: true}},
	"budapest":  {Addr: netip.MustParseAddr("198.51.100.8"), Place: mirror.Place{Continent: "eu", Country: "hu", Lat: 47.50, Lng: 19.04, HasCoords: true}},
	"sydney":    {Addr: netip.MustParseAddr("198.51.100.9"), Place: mirror.Place{Continent: "oc", Country: "au", Lat: -33.87, Lng: 151.21, HasCoords: true}},
	"unknown":   {Addr: netip.MustParseAddr("198.51.100.10")},
}

// TestWorkedExample makes the tables of docs/choice.md and compares.
func TestWorkedExample(t *testing.T) {
	t.Parallel()
	ms, held := exampleMirrors()
	tables := map[string]string{"mirrors": mirrorTable(ms, held)}
	s := Compile(ms, DefaultPolicy())
	for name, client := range exampleClients {
		tables[name] = clientTable(s, &Query{
			Client: client, File: 7, Size: 4_700_000_000, TLS: true, Now: worldNow.UnixNano(), Explain: true,
		}, held)
	}
	checkTables(t, choiceDoc, tables)
}

// checkTables compares the tables of a document with what the code makes, or
// rewrites them.
func checkTables(t *testing.T, file string, tables map[string]string) {
	t.Helper()
	doc, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile(`(?s)<!-- table: (\w+) -->\n(.*?)<!-- end -->`)
	got := block.ReplaceAllStringFunc(string(doc), func(old string) string {
		name := block.FindStringSubmatch(old)[1]
		table, ok := tables[name]
		if !ok {
			t.Errorf("no table is called %q", name)
			return old
		}
		delete(tables, name)
		return "<!-- table: " + name + " -->\n" + table + "<!-- end -->"
	})
	for name := range tables {
		t.Errorf("%s lacks the table %q", file, name)
	}
	switch {
	case got == string(doc):
	case *update:
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("the tables of %s are not what the code does; go test ./redirector -update rewrites them:\n%s", file, got)
	}
}

func mirrorTable(ms []*mirror.Mirror, held holdsList) string {
	var b strings.Builder
	b.WriteString("| mirror | country | continent | latitude, longitude | score | rules | has the file |\n|---|---|---|---|---:|---|---|\n")
	for i, m := range ms {
		has := "yes"
		if !held[i] {
			has = "no"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %.2f, %.2f | %d | %s | %s |\n",
			m.Name, m.Country, m.Continent, m.Lat, m.Lng, m.Score, rulesText(m), has)
	}
	return b.String()
}

func rulesText(m *mirror.Mirror) string {
	switch {
	case m.PrefixOnly:
		return "`--prefix " + m.Prefixes[0].String() + " --prefix-only`"
	case m.RegionOnly:
		return "`--region-only`"
	case m.MaxSize > 0:
		return fmt.Sprintf("`--max-size %dGB`", m.MaxSize/1_000_000_000)
	case len(m.OtherCountries) > 0:
		return "`--other-countries " + strings.Join(m.OtherCountries, ",") + "`"
	}
	return ""
}

func clientTable(s *Set, q *Query, h Holder) string {
	var d Decision
	s.Choose(q, h, nil, &d)
	var b strings.Builder
	b.WriteString("| mirror | tier | distance | standing | share |\n|---|---|---:|---|---:|\n")
	for _, c := range d.Candidates {
		km := "unknown"
		if c.DistanceKm >= 0 {
			km = fmt.Sprintf("%.0f km", c.DistanceKm)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %.1f %% |\n", s.Mirror(c.Mirror).Name, c.Tier, km, c.Standing, 100*c.Share)
	}
	b.WriteString("\nLeft out:")
	sep := " "
	for _, r := range d.Rejected {
		b.WriteString(sep + s.Mirror(r.Mirror).Name + " (" + r.Reason.String() + ")")
		sep = ", "
	}
	b.WriteString(".\n")
	return b.String()
}
