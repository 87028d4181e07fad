package mirrorbrain

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/redirector"
)

// escaping are settings with the default that tests are otherwise spared.
var escaping = redirector.Settings{Retry: redirector.DefaultRetry}

// remembered gives the mirrors that the next request of a client would skip.
func (s *site) remembered(ip string, file mirror.FileID) []mirror.ID {
	memory := s.h.rt.db.retryMemory()
	v := memory.Visit(netip.MustParseAddr(ip), file, time.Now().UnixNano(), time.Duration(s.h.Retry))
	return memory.Tried(v, nil)
}

// A client that comes back gets another mirror, one of its own country or not.
func TestEscape(t *testing.T) {
	d := newDepot(t)
	d.file("f.bin", "g.bin", "one.bin", "two.bin")
	ids := map[string]mirror.ID{
		"de": d.mirror(mirror.Mirror{Name: "de", Place: germany}, "f.bin", "g.bin", "one.bin", "two.bin"),
		"fr": d.mirror(mirror.Mirror{Name: "fr", Place: france}, "f.bin", "g.bin", "two.bin"),
		"us": d.mirror(mirror.Mirror{Name: "us", Place: usa}, "f.bin", "g.bin"),
	}
	s := d.site(&Handler{Settings: escaping})
	var got []string
	for range 3 {
		got = append(got, s.get("/f.bin").get("mirror"))
	}
	if diff := cmp.Diff([]string{"de", "fr", "us"}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	s.get("/f.bin").want(t, "at once a fourth time", 302, "redirect mirror country de")
	s.get("/g.bin").want(t, "another file", 302, "redirect mirror country de")
	s.get("/f.bin", from("192.0.2.8")).want(t, "another client", 302, "redirect mirror country de")
	s.get("/f.bin", from("192.0.2.8"), field("Range", "bytes=0-10")).want(t, "in parts", 302, "redirect mirror region fr")
	for _, want := range []string{"country de", "region fr", "country de"} { // never the same one twice
		s.get("/two.bin").want(t, "two mirrors", 302, "redirect mirror "+want)
	}
	for range 5 { // there is no other
		s.get("/one.bin").want(t, "only one mirror", 302, "redirect mirror country de")
	}
	if diff := cmp.Diff([]mirror.ID{ids["de"]}, s.remembered("192.0.2.7", d.ids["g.bin"])); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	// Another site on the same database, and one after a reload, knows it too.
	d.site(&Handler{Settings: escaping}).get("/g.bin").want(t, "the other site", 302, "redirect mirror region fr")
}

// Only what leads a client to a mirror is remembered.
func TestEscapeRemembers(t *testing.T) {
	d := newDepot(t)
	d.file("f.bin", "nowhere.bin")
	id := d.mirror(mirror.Mirror{Name: "de", Place: germany}, "f.bin")
	d.mirror(mirror.Mirror{Name: "fr", Place: france}, "f.bin")
	s := d.site(&Handler{Settings: escaping, Fallbacks: []Fallback{{URL: "http://fb.example/"}}, ExcludeAgent: []string{"robot"}})
	for name, get := range map[string]func() reply{
		"HEAD":      func() reply { return s.get("/f.bin", method("HEAD")) },
		"document":  func() reply { return s.get("/f.bin.meta4") },
		"list":      func() reply { return s.get("/f.bin?mirrorlist") },
		"simulated": func() reply { return s.get("/f.bin?ip=192.0.2.7") },
		"country":   func() reply { return s.get("/f.bin?country=fr") },
		"exempt":    func() reply { return s.get("/f.bin", field("User-Agent", "robot")) },
		"fallback":  func() reply { return s.get("/nowhere.bin") },
		"unknown":   func() reply { return s.get("/f.bin", from("@")) },
	} {
		for range 2 {
			get()
		}
		for _, file := range []string{"f.bin", "nowhere.bin"} {
			if got := s.remembered("192.0.2.7", d.ids[file]); got != nil {
				t.Errorf("%s: %v is remembered", name, got)
			}
		}
	}
	s.get("/f.bin").want(t, "GET", 302, "redirect mirror country de")
	if diff := cmp.Diff([]mirror.ID{id}, s.remembered("192.0.2.7", d.ids["f.bin"])); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	// Who only asks what there is gets the usual answer all the same.
	s.get("/f.bin", method("HEAD")).want(t, "HEAD", 302, "redirect mirror country de")
	s.get("/f.bin?ip=192.0.2.7").want(t, "simulated", 302, "redirect mirror country de")

	off := d.site(&Handler{Settings: redirector.Settings{Retry: -1}})
	if off.h.retries != nil {
		t.Error("switched off, and there is a memory")
	}
	for range 3 {
		off.get("/f.bin", from("192.0.2.9")).want(t, "switched off", 302, "redirect mirror country de")
	}
}

// The query is told of the mirrors that a client comes back from.
func TestEscapeAsksForOthers(t *testing.T) {
	d := newDepot(t)
	d.file("f.bin")
	id := d.mirror(mirror.Mirror{Name: "m"}, "f.bin")
	s := d.site(&Handler{Settings: escaping})
	s.get("/f.bin")
	r, repl, _ := s.request("/f.bin")
	q := new(question)
	q.reset(s.h, r, map[string]any{"client_ip": "192.0.2.7"}, repl, &outcome{rt: s.h.rt}, "f.bin")
	q.entry.ID = d.ids["f.bin"]
	if q.recall(); len(q.query.Tried) != 1 || q.query.Tried[0] != id {
		t.Errorf("tried %v, want %d", q.query.Tried, id)
	}
}

// What a client does not want is left out of all answers, however it says so.
func TestAvoid(t *testing.T) {
	d := newDepot(t)
	d.file("f.bin")
	d.mirror(mirror.Mirror{Name: "de", Place: germany}, "f.bin")
	d.mirror(mirror.Mirror{Name: "us", Place: usa}, "f.bin")
	s := d.site(&Handler{})
	for _, query := range []string{"avoid=de", "AVOID=de", "avoid_country=de", "AVOID_COUNTRY=DE", "Avoid_Country=jp,de", "avoid_country=jp&AVOID_COUNTRY=de"} {
		s.get("/f.bin?"+query).want(t, query, 302, "redirect mirror world us")
		s.get("/f.bin?"+query, method("HEAD")).want(t, "HEAD "+query, 302, "redirect mirror world us")
		for _, document := range []string{"/f.bin.meta4?", "/f.bin?json&", "/f.bin?mirrorlist&format=text&", "/f.bin?metalink&"} {
			r, body := s.fetch(document + query)
			if r.status != 200 || strings.Contains(body, "http://de.example/") || !strings.Contains(body, "http://us.example/") {
				t.Errorf("%s%s: %d %s", document, query, r.status, body)
			}
		}
	}
	s.get("/f.bin?COUNTRY=us").want(t, "COUNTRY", 302, "redirect mirror country us")
	s.get("/f.bin?COUNTRY=us&country=de").want(t, "COUNTRY and country", 302, "redirect mirror country de")
	s.get("/f.bin?AVOID_COUNTRY=de,us").want(t, "all", 0, "local no_mirror")
}
