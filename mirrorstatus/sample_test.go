package mirrorstatus

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/page"
)

// now is when the samples are of.
var now = time.Date(2026, 11, 20, 12, 30, 0, 0, time.UTC)

var cities = [...]struct {
	name, country, continent string
	lat, lng                 float64
}{
	{"berlin", "de", "eu", 52.5, 13.4},
	{"halifax", "de", "eu", 50.1, 8.7},
	{"prague", "cz", "eu", 50.1, 14.4},
	{"umea", "se", "eu", 63.8, 20.3},
	{"amsterdam", "nl", "eu", 52.4, 4.9},
	{"lisbon", "pt", "eu", 38.7, -9.1},
	{"oregon", "us", "na", 44.6, -123.3},
	{"ashburn", "us", "na", 39, -77.5},
	{"montreal", "ca", "na", 45.5, -73.6},
	{"seoul", "kr", "as", 37.6, 127},
	{"singapore", "sg", "as", 1.35, 103.8},
	{"sydney", "au", "oc", -33.9, 151.2},
	{"saopaulo", "br", "sa", -23.5, -46.6},
	{"nairobi", "ke", "af", -1.3, 36.8},
}

// sample is a site with so many mirrors, always the same.
func sample(n int) *Site {
	r := rand.New(rand.NewPCG(1, 2))
	s := &Site{Files: 182_441, Covered: 182_440, Markers: []string{"16.0", "15.6"}, Folders: []string{"distribution", "repositories", "update"}, AsOf: now}
	for i := range n {
		c := cities[i%len(cities)]
		name := c.name
		if i >= len(cities) {
			name = fmt.Sprintf("%s%d.example.net", c.name, i/len(cities)+1)
		}
		s.Mirrors = append(s.Mirrors, sampleMirror(r, i, name))
		m := &s.Mirrors[i]
		m.Place = mirror.Place{Country: c.country, Continent: c.continent, Lat: c.lat + r.NormFloat64(), Lng: c.lng + r.NormFloat64(), HasCoords: i%11 != 10}
	}
	s.Sort()
	return s
}

func sampleMirror(r *rand.Rand, i int, name string) Mirror {
	state := []mirror.State{mirror.StateUp, mirror.StateUp, mirror.StateUp, mirror.StateUp, mirror.StateDown, mirror.StateUp, mirror.StateScanTooOld, mirror.StateUp, mirror.StateResting}[i%9]
	host := name + ".example"
	m := Mirror{
		ID: mirror.ID(i + 1), Name: name, Operator: "University of " + name, OperatorURL: "https://www." + host + "/", Notes: "Thanks to everybody.",
		URLs: []URL{{"https", "https://" + host + "/pub/"}, {"http", "http://" + host + "/pub/"}}, Families: mirror.IPv4,
		State: state, Since: now.Add(-time.Duration(i*37+3) * time.Hour), Scanned: now.Add(-time.Duration(i*13+5) * time.Minute),
		Copy:  mirror.Copy{Files: 182_441, Held: 182_441 - uint64(i*i*31%60_000), Markers: []mirror.MarkerCopy{{Held: 900, Files: 900, Has: true}, {Held: uint64(i * 7 % 800), Files: 800}}},
		Share: mirror.Share{OfBytes: r.Float64() / 10}, Shared: true,
	}
	m.Attempted = m.Scanned
	m.Folders = []mirror.MarkerCopy{{Held: 1000, Files: 1000}, {Held: 177_000 - uint64(i*500%90_000), Files: 177_000}, {Held: 0, Files: 4000}}
	if i%2 == 0 {
		m.URLs = append(m.URLs, URL{"rsync", "rsync://" + host + "/pub/"})
		m.Families |= mirror.IPv6
	}
	if i%5 == 1 {
		m.Copy.BehindSince = now.Add(-time.Duration(i*11+7) * time.Hour)
	}
	switch state {
	case mirror.StateScanTooOld:
		m.Reason, m.Failing, m.Attempted = "last good scan 2026-11-01 10:00", true, now.Add(-time.Hour)
		m.Scanned = now.Add(-19 * 24 * time.Hour)
	case mirror.StateResting:
		m.Reason = "wants no traffic at this time"
	default:
	}
	m.Recent = samplePast(i).Runs
	m.Recent = m.Recent[len(m.Recent)-60:]
	return m
}

// samplePast is the past of a year.
func samplePast(seed int) *History {
	r := rand.New(rand.NewPCG(uint64(seed), 7))
	h := &History{Changes: []mirror.StateChange{{At: now.Add(-300 * 24 * time.Hour), Since: now.Add(-300 * 24 * time.Hour), State: mirror.StateNeverScanned}}}
	at := now.Add(-300*24*time.Hour + time.Hour)
	h.Changes = append(h.Changes, mirror.StateChange{At: at, Since: at, State: mirror.StateUp})
	for _, days := range []int{200, 90, 21, 9} {
		down := now.Add(-time.Duration(days*24) * time.Hour)
		h.Changes = append(h.Changes,
			mirror.StateChange{At: down, Since: down, State: mirror.StateDown},
			mirror.StateChange{At: down.Add(31 * time.Hour), Since: down.Add(31 * time.Hour), State: mirror.StateUp})
	}
	held := 180_000.0
	for at.Before(now) {
		at = at.Add(8 * time.Hour)
		run := mirror.Run{At: at, Took: time.Duration(20+r.IntN(60)) * time.Second, OK: r.IntN(14) > 0, Protocol: "rsync", Files: 182_441, Response: time.Duration(60+r.ExpFloat64()*40) * time.Millisecond}
		held = min(182_441, max(174_000, held+r.NormFloat64()*1200))
		if run.Held = uint64(held); !run.OK {
			run.Error, run.Protocol, run.Response = "rsync: the server was silent for 1m0s", "", 0
		}
		h.Runs = append(h.Runs, run)
	}
	h.Runs = h.Runs[max(0, len(h.Runs)-1000):]
	return h
}

func newPages(t testing.TB, o Options) *Pages {
	t.Helper()
	look, err := page.Open(page.Theme{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(look, o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// get asks for a document in English.
func get(t testing.TB, p *Pages, s *Site, name, query string) *Document {
	t.Helper()
	d, err := p.Document(s, Request{Name: name, Query: query, Words: page.English(), History: func(m *Mirror) *History { return samplePast(int(m.ID)) }})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return d
}

// seen is what a page says.
type seen struct {
	text  string
	links []string
	rows  []string // names of mirrors in the table
	sorts map[string]int
	count map[string]int // elements
}

// look reads a page tag by tag: what is opened is closed in its turn, ids are
// unique, and nothing can run.
func look(t testing.TB, doc string) (s seen) {
	t.Helper()
	s.sorts, s.count = map[string]int{}, map[string]int{}
	void := []string{"meta", "link", "input"}
	var open []string
	ids := map[string]bool{}
	z := html.NewTokenizer(strings.NewReader(doc))
	inHead := ""
	for {
		switch z.Next() {
		case html.ErrorToken:
			if !errors.Is(z.Err(), io.EOF) || len(open) != 0 {
				t.Fatalf("the page ends in %v: %v", open, z.Err())
			}
			return s
		case html.TextToken:
			if len(open) > 0 && open[len(open)-1] != "style" {
				s.text += string(z.Text())
				if inHead == "row" {
					s.rows, inHead = append(s.rows, strings.TrimSpace(string(z.Text()))), ""
				}
			}
		case html.EndTagToken:
			name, _ := z.TagName()
			if len(open) == 0 || open[len(open)-1] != string(name) {
				t.Fatalf("</%s> closes %v", name, open)
			}
			open = open[:len(open)-1]
		case html.StartTagToken, html.SelfClosingTagToken:
			tag := z.Token()
			s.count[tag.Data]++
			for _, a := range tag.Attr {
				switch {
				case strings.HasPrefix(a.Key, "on"), a.Key == "style", strings.Contains(a.Val, "javascript:"):
					t.Fatalf("<%s %s=%q>", tag.Data, a.Key, a.Val)
				case a.Key == "id":
					if ids[a.Val] {
						t.Fatalf("the id %s twice", a.Val)
					}
					ids[a.Val] = true
				case a.Key == "href" && tag.Data == "a":
					s.links = append(s.links, a.Val)
				case a.Key == "scope" && a.Val == "row":
					inHead = "row"
				case a.Key == "aria-sort":
					s.sorts[a.Val]++
				}
			}
			if tag.Type == html.StartTagToken && !slices.Contains(void, tag.Data) {
				open = append(open, tag.Data)
			}
		case html.CommentToken, html.DoctypeToken:
		}
	}
}

// folder writes all files of a site.
func folder(t testing.TB, p *Pages, s *Site) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	err := p.Files(s, page.English(), func(m *Mirror) (*History, error) { return samplePast(int(m.ID)), nil }, func(name string, body []byte) error {
		if all[name] != nil {
			t.Errorf("%s twice", name)
		}
		all[name] = bytes.Clone(body)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
