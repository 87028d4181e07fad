package mirrorbrain

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/redirector"
)

// inGermany is this server as a mirror beside those of germany.
func inGermany(score int) redirector.Settings {
	lat, lng := germany.Lat, germany.Lng
	return redirector.Settings{OriginMirror: &redirector.OriginMirror{Score: score, Country: "DE", Lat: &lat, Lng: &lng}}
}

// draws counts what becomes of requests: the mirror, or the reason.
func (s *site) draws(n int, target string, opts ...option) map[string]int {
	got := map[string]int{}
	for range n {
		r := s.get(target, opts...)
		if m := r.get("mirror"); m != "" {
			got[m]++
		} else {
			got[fmt.Sprint(r.status, " ", r.get("result"), " ", r.get("reason"))]++
		}
	}
	return got
}

// proportional checks counts against scores by chi-square; 16.27 is exceeded by
// chance once in a thousand times with three degrees of freedom.
func proportional(t *testing.T, got map[string]int, scores map[string]int) {
	t.Helper()
	n, total := 0, 0
	for _, c := range got {
		n += c
	}
	for _, s := range scores {
		total += s
	}
	chi := 0.0
	for name, s := range scores {
		want := float64(n) * float64(s) / float64(total)
		chi += math.Pow(float64(got[name])-want, 2) / want
	}
	if chi > 16.27 || len(got) != len(scores) {
		t.Errorf("got %v for scores %v: chi-square %.1f", got, scores, chi)
	}
}

func TestOriginMirrorShares(t *testing.T) {
	d := newDepot(t)
	d.file("f.bin", "nowhere.bin")
	d.digest("f.bin")
	d.mirror(mirror.Mirror{Name: "de1", Place: germany}, "f.bin")
	d.mirror(mirror.Mirror{Name: "de2", Place: germany, Score: 200}, "f.bin")
	d.mirror(mirror.Mirror{Name: "us", Place: usa}, "f.bin")
	s := d.site(&Handler{Settings: inGermany(100)})
	proportional(t, s.draws(2000, "/f.bin"), map[string]int{"de1": 100, "de2": 200, "0 local origin_mirror": 100})
	if got := s.draws(50, "/f.bin", from("198.51.100.1")); got["us"] != 50 {
		t.Errorf("clients of another country: %v", got)
	}
	proportional(t, s.draws(500, "/f.bin?avoid=de1,de2"), map[string]int{"0 local origin_mirror": 1})
	s.get("/f.bin?avoid_country=de").want(t, "avoided", 302, "redirect mirror world us")
	s.get("/nowhere.bin").want(t, "what no mirror has", 0, "local origin_mirror")
	if misses := s.h.rt.db.misses.take(); misses[d.ids["nowhere.bin"]] != 1 || misses[d.ids["f.bin"]] != 0 && len(misses) > 2 {
		t.Errorf("missed %v", misses)
	}
	for range 40 { // a redirect never names this server
		if r := s.get("/f.bin"); strings.Contains(strings.Join(r.header["Link"], " "), "invalid") {
			t.Fatalf("Link %q", r.header["Link"])
		}
	}
}

// What is served from here says which mirrors have it too.
func TestOriginMirrorNamesOthers(t *testing.T) {
	d := newDepot(t)
	d.file("a/f.bin")
	d.digest("a/f.bin")
	d.mirror(mirror.Mirror{Name: "fr", Place: france}, "a/f.bin")
	s := d.site(&Handler{Settings: inGermany(100)})
	r := s.get("/a/f.bin")
	r.want(t, "GET", 0, "local origin_mirror")
	links := strings.Join(r.header["Link"], "\n")
	want := `<http://dl.example.org/a/f.bin.meta4>; rel=describedby; type="application/metalink4+xml"` + "\n" +
		`<http://fr.example/pub/a/f.bin>; rel=duplicate; pri=1; geo=fr`
	if links != want || r.header.Get("Digest") == "" {
		t.Errorf("Link %s\nDigest %s", links, r.header.Get("Digest"))
	}
	none := 0
	conf := inGermany(100)
	conf.Duplicates = &none
	if l := d.site(&Handler{Settings: conf}).get("/a/f.bin").header["Link"]; len(l) != 1 {
		t.Errorf("with no duplicates: %q", l)
	}
}

func TestOriginMirrorLimits(t *testing.T) {
	d := newDepot(t)
	d.file("f.bin", "changed.bin", "repo/repomd.xml")
	d.mirror(mirror.Mirror{Name: "de", Place: germany}, "f.bin", "changed.bin")
	d.write("changed.bin", fileSize+1)
	s := d.site(&Handler{Settings: inGermany(1_000_000), LocalMaxSize: fileSize - 1, CheckFile: -1})
	if got := s.draws(20, "/f.bin"); got["de"] != 20 {
		t.Errorf("larger than local_max_size: %v", got)
	}
	s = d.site(&Handler{Settings: inGermany(1_000_000), LocalMaxSize: fileSize})
	s.get("/f.bin").want(t, "as large as local_max_size", 0, "local origin_mirror")
	s.get("/changed.bin").want(t, "differs", 0, "local changed")

	// Of a version that is gone the origin has nothing.
	d.remove("f.bin")
	d.must(osRemove(d.root, "f.bin"))
	s = d.site(&Handler{Settings: inGermany(1_000_000), KeepRemoved: []Allowance{{Path: "/", For: 1 << 60}}})
	until(t, "the removed version is known", func() bool { return s.get("/f.bin").status == 302 })
	if got := s.draws(10, "/f.bin"); got["de"] != 10 {
		t.Errorf("removed: %v", got)
	}
}

// Without local files clients are sent to where the tree comes from.
func TestOriginMirrorByURL(t *testing.T) {
	d := newDepot(t)
	d.file("f.bin")
	d.mirror(mirror.Mirror{Name: "de", Place: germany}, "f.bin")
	d.mirror(mirror.Mirror{Name: "us", Place: usa}, "f.bin")
	conf := inGermany(100)
	s := d.site(&Handler{Root: "off", OriginURL: "http://up.example/tree", Settings: conf})
	proportional(t, s.draws(1000, "/f.bin"), map[string]int{"de": 100, "up.example": 100})
	r := s.get("/f.bin?avoid=de")
	r.want(t, "origin", 302, "redirect origin_mirror country up.example")
	if r.location != "http://up.example/tree/f.bin" {
		t.Errorf("Location %s", r.location)
	}
	links := func(target string) string { return strings.Join(s.get(target).header["Link"], " ") }
	for range 20 { // whoever wins names the other
		l := links("/f.bin")
		if !strings.Contains(l, "<http://up.example/tree/f.bin>; rel=duplicate") || !strings.Contains(l, "<http://de.example/pub/f.bin>; rel=duplicate") {
			t.Fatalf("Link %s", l)
		}
	}
	s.get("/f.bin?avoid=de,us", viaTLS).want(t, "https to http", 503, "error no_mirror")
	if got := s.draws(20, "/f.bin?https=1"); len(got) != 1 || got["503 error no_mirror"] != 20 {
		t.Errorf("only https: %v", got)
	}
	s = d.site(&Handler{Root: "off", Settings: conf})
	if got := s.draws(20, "/f.bin"); got["de"] != 20 {
		t.Errorf("without a URL: %v", got)
	}
	// Mirrors that want signed URLs get them; the origin does not.
	s = d.site(&Handler{Root: "off", OriginURL: "http://up.example/tree", StampKey: "secret", Settings: conf})
	for range 20 {
		r := s.get("/f.bin")
		for _, l := range r.header["Link"] {
			if signed := strings.Contains(l, "stamp="); strings.Contains(l, "up.example") == signed && strings.Contains(l, "duplicate") {
				t.Fatalf("Link %s", l)
			}
		}
	}
}

func TestOriginMirrorInDocuments(t *testing.T) {
	d := newDepot(t)
	d.file("a/f.bin")
	d.hash("a/f.bin")
	d.mirror(mirror.Mirror{Name: "de", Place: germany}, "a/f.bin")
	d.mirror(mirror.Mirror{Name: "us", Place: usa}, "a/f.bin")
	d.finish()
	targets := []string{"/a/f.bin.meta4", "/a/f.bin?json", "/a/f.bin?mirrorlist&format=text", "/a/f.bin?json&all", "/a/f.bin.torrent", "/a/?mirrorlist", "/a/?mirrorlist&format=dnf"}

	conf := trackers()
	conf.Settings = inGermany(300)
	s := d.site(conf)
	for _, target := range targets {
		r, body := s.fetch(target)
		if r.status != 200 || strings.Contains(body, "invalid") || strings.Contains(body, "(origin)") || !strings.Contains(body, "http://de.example/") {
			t.Errorf("%s: %d %s", target, r.status, body)
		}
	}
	shares := func(s *site) map[string]float64 {
		_, body := s.fetch("/a/f.bin?json")
		var list struct {
			Mirrors []struct {
				Name, URL string
				Share     float64
			}
		}
		d.must(json.Unmarshal([]byte(body), &list))
		got := map[string]float64{}
		for _, m := range list.Mirrors {
			got[m.Name] = m.Share
		}
		return got
	}
	if got := shares(s); len(got) != 2 || got["de"] != 0.25 || got["us"] != 0 {
		t.Errorf("shares %v", got)
	}
	conf = trackers()
	conf.Settings, conf.OriginURL, conf.Root = inGermany(300), "http://up.example/tree/", "off"
	s = d.site(conf)
	for _, target := range targets {
		r, body := s.fetch(target)
		if r.status != 200 || strings.Contains(body, "invalid") || !strings.Contains(body, "http://de.example/") || !strings.Contains(body, "http://up.example/tree/a/") {
			t.Errorf("%s with a URL: %d %s", target, r.status, body)
		}
	}
	if got := shares(s); len(got) != 3 || got["de"] != 0.25 || got["up.example"] != 0.75 {
		t.Errorf("shares with a URL %v", got)
	}
}

// An earlier version that will do is not among what the origin has.
func TestOriginMirrorOutdated(t *testing.T) {
	d := newDepot(t)
	d.file("n/f.bin")
	d.mirror(mirror.Mirror{Name: "de", Place: germany}, "n/f.bin")
	d.change(fileSize+1, "n/f.bin")
	d.write("n/f.bin", fileSize+1)
	s := d.site(&Handler{Settings: inGermany(100), AllowOutdated: []Allowance{{Path: "/n", For: 1 << 60}}})
	until(t, "the old version is known", func() bool { return s.h.rt.db.kept.Len() >= 1 })
	got := map[string]int{}
	for range 200 {
		r := s.get("/n/f.bin")
		got[r.get("reason")]++
		if l := strings.Join(r.header["Link"], " "); r.get("reason") == "origin_mirror" && strings.Contains(l, "duplicate") {
			t.Fatalf("another version as a duplicate: %s", l)
		}
	}
	if got["outdated"] == 0 || got["origin_mirror"] == 0 || len(got) != 2 {
		t.Errorf("%v", got)
	}
}
