package mirrorstatus

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/page"
)

func TestList(t *testing.T) {
	t.Parallel()
	p, s := newPages(t, Options{Map: true}), sample(25)
	d := get(t, p, s, "", "")
	v := look(t, string(d.Body))
	for _, want := range []string{"of 25 mirrors up", "countries", "99.9 %", "United States", "scan too old", "last good scan 2026-11-01 10:00", "University of berlin", "up to date", "behind", "IPv4, IPv6", "last one failed", "for 3 hours"} {
		if !strings.Contains(v.text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if len(v.rows) != 25 || !slices.IsSorted(v.rows) || v.sorts["ascending"] != 1 || v.count["form"] != 1 {
		t.Errorf("rows %v, sorts %v, elements %v", v.rows, v.sorts, v.count)
	}
	for _, want := range []string{"berlin", "https://berlin.example/pub/", "./?sort=share", "./?sort=-name", "rsync://berlin.example/pub/", "mirrors.json", "mirmon.txt", "badge.svg", "openapi.json"} {
		if !slices.Contains(v.links, want) {
			t.Errorf("no link to %s", want)
		}
	}
	if !strings.HasPrefix(d.Policy, "default-src 'none'") || d.Kind != kindHTML || !d.Worded {
		t.Errorf("%+v", d.Policy)
	}
}

func TestFilter(t *testing.T) {
	t.Parallel()
	p, s := newPages(t, Options{}), sample(25)
	for query, want := range map[string]int{
		"country=de": 4, "country=DE&q=berlin": 2, "q=BERLIN": 2, "q=united+states": 4, "state=down": 3, "protocol=rsync": 13, "protocol=ipv6": 13, "continent=af": 1,
		"country=xx": 0, "state=nonsense": 25, "protocol=gopher": 25, "%zz": 25, "q=" + strings.Repeat("x", 5000): 25,
	} {
		if v := look(t, string(get(t, p, s, "", query).Body)); len(v.rows) != want {
			t.Errorf("%s: %d mirrors, want %d: %v", query, len(v.rows), want, v.rows)
		}
	}
}

func TestSorting(t *testing.T) {
	t.Parallel()
	s := sample(25)
	for i := range columns {
		c := &columns[i]
		up := s.chosen(page.English(), Query{Sort: c.name})
		down := s.chosen(page.English(), Query{Sort: c.name, Desc: true})
		n := c.less(page.English(), up[0], up[len(up)-1])
		if c.down {
			n = -n
		}
		if len(up) != 25 || len(down) != 25 || n > 0 || n == 0 && c.name != "age" {
			t.Errorf("%s: %d, %d, %d", c.name, len(up), len(down), n)
		}
	}
	v := look(t, string(get(t, newPages(t, Options{}), s, "", "sort=-share&country=de").Body))
	if v.sorts["ascending"] != 1 || !slices.Contains(v.links, "./?country=de&sort=share") {
		t.Errorf("%v %v", v.sorts, v.links)
	}
}

func TestMirrorPage(t *testing.T) {
	t.Parallel()
	p, s := newPages(t, Options{Map: true}), sample(25)
	for _, query := range []string{"", "range=year"} {
		v := look(t, string(get(t, p, s, "halifax", query).Body))
		for _, want := range []string{"Germany, Europe", "Thanks to everybody.", "It has nothing of what came since", "of 182,441 files are missing", "/distribution", "Median", "the server did not answer in time", "2026-11-"} {
			if !strings.Contains(v.text, want) {
				t.Errorf("%s: the page does not say %q", query, want)
			}
		}
		if v.count["figure"] != 4 || v.count["tr"] != listedScans+1 || !slices.Contains(v.links, "./") || !slices.Contains(v.links, "?range=year") {
			t.Errorf("%s: %v %v", query, v.count, v.links)
		}
	}
	d, err := p.Document(s, Request{Name: "halifax", Words: page.English(), History: func(*Mirror) *History { return nil }})
	if err != nil || !strings.Contains(string(d.Body), "cannot be reached") {
		t.Errorf("without a database: %v", err)
	}
	for _, name := range []string{"none", "halifax.html", "../halifax", "halifax.json.svg", ".json", "\x00"} {
		if _, err := p.Document(s, Request{Name: name, Words: page.English()}); !errors.Is(err, ErrNotFound) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestEmptyAndPartial(t *testing.T) {
	t.Parallel()
	p := newPages(t, Options{Map: true})
	if v := look(t, string(get(t, p, &Site{AsOf: now}, "", "").Body)); !strings.Contains(v.text, "There are no mirrors yet.") {
		t.Error(v.text)
	}
	s := &Site{AsOf: now, Partial: true, Mirrors: []Mirror{{Name: "a", State: mirror.StateUp}}}
	if v := look(t, string(get(t, p, s, "", "").Body)); !strings.Contains(v.text, "cannot be reached") || strings.Contains(v.text, "0 %") {
		t.Error(v.text)
	}
}

// TestFiles follows every link of the published folder.
func TestFiles(t *testing.T) {
	t.Parallel()
	s := sample(25)
	s.Mirrors = append(s.Mirrors, Mirror{Name: "index", State: mirror.StateUp}, Mirror{Name: "index_", State: mirror.StateUp}, Mirror{Name: "by-share", State: mirror.StateUp}, Mirror{Name: "berlin.json", State: mirror.StateDown})
	s.Sort()
	all := folder(t, newPages(t, Options{Map: true}), s)
	names := FileNames(s)
	slices.Sort(names)
	if diff := cmp.Diff(names, slices.Sorted(maps.Keys(all))); diff != "" {
		t.Errorf("-announced +made:\n%s", diff)
	}
	for name, body := range all {
		if !strings.HasSuffix(name, ".html") {
			continue
		}
		v := look(t, string(body))
		for _, l := range v.links {
			if strings.Contains(l, "://") || strings.HasPrefix(l, "#") {
				continue
			}
			if all[l] == nil {
				t.Errorf("%s: a link to %s", name, l)
			}
		}
		if v.count["form"] != 0 || !strings.Contains(string(body), `src="mirrorbrain.js"`) {
			t.Errorf("%s needs a server", name)
		}
	}
}

func TestSlugs(t *testing.T) {
	t.Parallel()
	s := &Site{AsOf: now}
	for _, n := range []string{"a", "a.json", "a.json_", "index", "index_", "Index", "by-", "badge", "openapi", "a.svg", "mirrors", "mirrors__"} {
		s.Mirrors = append(s.Mirrors, Mirror{Name: n, State: mirror.StateUp})
	}
	s.Sort()
	seen := map[string]string{}
	for i := range s.Mirrors {
		m := &s.Mirrors[i]
		c := slug(m.Name)
		if other, ok := seen[c]; ok {
			t.Errorf("%s and %s are both %s", m.Name, other, c)
		}
		seen[c] = m.Name
		if got := s.named(c); got != m {
			t.Errorf("%s: %s is %v", m.Name, c, got)
		}
	}
}

// hostile is a mirror whose every field tries to be markup, or is private.
func hostile() mirror.Mirror {
	const bad = `"><script>alert(1)</script>`
	return mirror.Mirror{
		ID: 1, Name: "hostile", HTTP: []string{"http://h.example/pub/", `https://h.example/"><script>/`}, Rsync: "rsync://canary:canary@h.example/canary/", FTP: "ftp://canary:canary@h.example/canary/",
		S3: "s3://canary/", RsyncPasswordFile: "canary", S3CredentialsFile: "canary", OperatorName: bad, OperatorURL: "javascript:alert(1)", PublicNotes: bad,
		Admin: "canary", AdminEmail: "canary@canary.example", Comment: "canary", Enabled: true, Score: 100, Subtree: bad,
		Rules: mirror.ScanRules{Exclude: []string{"canary"}, Top: []string{"canary"}, Source: "canary", Proxy: "http://canary:canary@canary/"},
		Sync:  mirror.Sync{Push: "ssh://canary@canary/"},
		Scan:  mirror.ScanState{Succeeded: now, Attempted: now, Failures: 1, Error: "canary", Protocol: "rsync", Held: 1},
		Probe: mirror.ProbeState{Down: true, Since: now, Error: "canary"},
		Place: mirror.Place{Country: "q<", Continent: "<b", Lat: 1, Lng: 1, HasCoords: true},
	}
}

// TestNothingPrivate walks every document with a mirror whose private fields all
// hold a canary.
func TestNothingPrivate(t *testing.T) {
	t.Parallel()
	full := hostile()
	m, ok := Public(&full, now, 0)
	if !ok {
		t.Fatal("it is hidden")
	}
	m.Copy = mirror.Copy{Files: 2, Held: 1, Markers: []mirror.MarkerCopy{{Files: 1}}}
	m.Recent = []mirror.Run{{At: now, Error: "canary"}}
	s := &Site{AsOf: now, Mirrors: []Mirror{m}, Markers: []string{"<script>"}, Folders: []string{"<script>\xff\u202e"}, ShowFolders: true, Files: 2}
	s.Mirrors[0].Folders = []mirror.MarkerCopy{{Files: 1}}
	h := &History{
		Changes: []mirror.StateChange{{At: now, State: mirror.StateDown, Reason: "<script>"}, {At: now, State: "<script>"}},
		Runs:    []mirror.Run{{At: now, Error: "rsync://canary:canary@h.example/canary: timed out", Protocol: "<script>"}},
	}
	p := newPages(t, Options{Map: true})
	docs := map[string][]byte{}
	for _, name := range []string{"", allJSON, openAPIName, mirmonName, allBadge, "hostile", "hostile.json", "hostile.svg"} {
		d, err := p.Document(s, Request{Name: name, Words: page.English(), History: func(*Mirror) *History { return h }})
		if err != nil {
			t.Fatal(err)
		}
		docs["served "+name] = d.Body
	}
	if err := p.Files(s, page.English(), func(*Mirror) (*History, error) { return h, nil }, func(name string, body []byte) error {
		docs[name] = bytes.Clone(body)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for name, body := range docs {
		if bytes.Contains(body, []byte("canary")) {
			t.Errorf("%s tells something private", name)
		}
		if bytes.Contains(body, []byte("<script>")) && !strings.HasSuffix(name, ".txt") {
			t.Errorf("%s has markup of others in it", name)
		}
		if strings.HasSuffix(name, ".html") {
			look(t, string(body))
		}
	}
}

func TestHidden(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*mirror.Mirror){
		"disabled": func(m *mirror.Mirror) { m.Enabled = false }, "for an AS": func(m *mirror.Mirror) { m.ASOnly = true },
		"for a prefix": func(m *mirror.Mirror) { m.PrefixOnly = true }, "never chosen": func(m *mirror.Mirror) { m.Score = 0 },
	} {
		m := hostile()
		change(&m)
		if _, ok := Public(&m, now, 0); ok {
			t.Errorf("%s: it is shown", name)
		}
	}
}

func TestBadges(t *testing.T) {
	t.Parallel()
	s := sample(14)
	for name, want := range map[string]string{allBadge: "mirrors: 99.9 % · ", "amsterdam.svg": "amsterdam: down", "berlin.svg": "berlin: up · 100 %"} {
		d := get(t, newPages(t, Options{}), s, name, "")
		if !strings.Contains(string(d.Body), "<title>"+want) || d.Kind != kindSVG {
			t.Errorf("%s: %s", name, d.Body)
		}
		dec := xml.NewDecoder(bytes.NewReader(d.Body))
		for {
			if _, err := dec.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "", "rsync: the server was silent for 1m0s: i/o timeout": "timeout", "dial tcp 192.0.2.1:873: connect: connection refused": "refused",
		"lookup h.example: no such host": "address", "user or password not accepted: x": "forbidden", "what": "other",
		"https://h.example/ serves something else than was listed (3 of 20 files)": "doubtful",
	} {
		if got := Problem(text); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
	for _, w := range Problems() {
		if page.English().Status.Problems[w] == "" {
			t.Errorf("no words for %s", w)
		}
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	var all allDoc
	if err := json.Unmarshal(get(t, newPages(t, Options{}), sample(25), allJSON, "").Body, &all); err != nil || all.Total != 25 || all.Up != 17 || len(all.Mirrors) != 25 {
		t.Errorf("%v %+v", err, all)
	}
	var one oneDoc
	if err := json.Unmarshal(get(t, newPages(t, Options{}), sample(25), "berlin.json", "").Body, &one); err != nil || one.Mirror.Name != "berlin" || len(one.States) == 0 || len(one.Scans) == 0 {
		t.Errorf("%v %+v", err, one.Mirror)
	}
}

func TestPercent(t *testing.T) {
	t.Parallel()
	w := words{page.English()}
	for share, want := range map[float64]string{0: "0 %", 1: "100 %", 0.99999: "99.9 %", 0.5: "50 %", 0.0501: "5 %", 0.0512: "5.1 %", 0.0001: "< 0.1 %", 0.989: "98 %"} {
		if got := w.percent(share); got != want {
			t.Errorf("%v: %s, want %s", share, got, want)
		}
	}
}

func FuzzQuery(f *testing.F) {
	f.Add("country=de&state=up&protocol=https&q=a&sort=-share")
	f.Add("q=%ff%00&sort=--name&country=%3c")
	p, s := newPages(f, Options{}), sample(3)
	f.Fuzz(func(t *testing.T, raw string) {
		q := ParseQuery(raw)
		if again := ParseQuery(q.String()); again != q {
			t.Fatalf("%q: %+v, then %+v", raw, q, again)
		}
		look(t, string(get(t, p, s, "", raw).Body))
	})
}

func BenchmarkList(b *testing.B) {
	p, s := newPages(b, Options{Map: true}), sample(500)
	for b.Loop() {
		get(b, p, s, "", "")
	}
}
