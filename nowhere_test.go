package mirrorbrain

import (
	"net/http"
	"testing"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

func TestNoMirror(t *testing.T) {
	d := newDepot(t)
	d.file("f.bin")
	fallbacks := []Fallback{{URL: "http://world.example/"}, {URL: "http://eu.example", Continent: "EU"}, {URL: "https://us.example/x/", Country: "us"}}
	small := int64(100)
	for _, tc := range []struct {
		name    string
		conf    *Handler
		status  int
		outcome string
		opts    []option
	}{
		{"default", &Handler{}, 0, "local no_mirror", nil},
		{"404", &Handler{NoMirror: "404"}, 404, "error no_mirror", nil},
		{"503", &Handler{NoMirror: "503"}, 503, "error no_mirror", nil},
		{"too large", &Handler{LocalMaxSize: small}, 503, "error local_max_size", nil},
		{"not too large", &Handler{LocalMaxSize: fileSize}, 0, "local no_mirror", nil},
		{"fallback by continent", &Handler{Fallbacks: fallbacks}, 302, "redirect fallback fallback eu.example", nil},
		{"fallback by country", &Handler{Fallbacks: fallbacks}, 302, "redirect fallback fallback us.example", []option{from("198.51.100.1")}},
		{"fallback by country, https", &Handler{Fallbacks: fallbacks}, 302, "redirect fallback fallback us.example", []option{from("198.51.100.1"), viaTLS}},
		{"fallback without place", &Handler{Fallbacks: fallbacks}, 302, "redirect fallback fallback world.example", []option{from("203.0.113.1")}},
		{"no fallback for https", &Handler{Fallbacks: fallbacks[:2], LocalMaxSize: small}, 503, "error local_max_size", []option{viaTLS}},
		{"fallbacks but local", &Handler{Fallbacks: fallbacks, NoMirror: "local"}, 0, "local no_mirror", nil},
	} {
		r := d.site(tc.conf).get("/f.bin", tc.opts...)
		r.want(t, tc.name, tc.status, tc.outcome)
		if (tc.status == 503) != (r.header.Get("Retry-After") != "") {
			t.Errorf("%s: Retry-After %q", tc.name, r.header.Get("Retry-After"))
		}
		if tc.status != 302 && (r.header.Get("X-MirrorBrain-Mirror") != "" || len(r.header["Link"]) > 0) {
			t.Errorf("%s: header %v", tc.name, r.header)
		}
	}
	r := d.site(&Handler{Fallbacks: fallbacks[:1]}).get("/f.bin")
	if r.location != "http://world.example/f.bin" || r.header.Get("X-MirrorBrain-Mirror") != "world.example" || r.header.Get("X-MirrorBrain-Realm") != "fallback" {
		t.Errorf("fallback: %v", r.header)
	}
}

func TestNoRoot(t *testing.T) {
	d := newDepot(t)
	d.index(1<<20, "f.bin", "nowhere.bin")
	d.index(10, "tiny.bin")
	d.index(1<<20, "f.bin.asc")
	d.mirror(mirror.Mirror{Name: "m"}, "f.bin", "tiny.bin", "f.bin.asc")
	off := &Handler{Root: "off"}
	s := d.site(off)
	s.get("/f.bin").want(t, "redirect", 302, "redirect mirror world m")
	s.get("/nowhere.bin").want(t, "no origin", 503, "error no_mirror")
	s.get("/tiny.bin").want(t, "small, and nowhere else", 302, "redirect mirror world m")
	s.get("/f.bin.asc").want(t, "signature", 503, "error signature")
	s.get("/unknown.bin").want(t, "unknown", 404, "error not_indexed")
	s.get("/folder/").want(t, "folder", 0, "")

	d.origin("http://origin.example/pub/")
	d.follow(s)
	r := s.get("/nowhere.bin")
	r.want(t, "origin", 302, "redirect no_mirror fallback origin.example")
	if r.location != "http://origin.example/pub/nowhere.bin" {
		t.Errorf("Location %s", r.location)
	}
	s.get("/tiny.bin").want(t, "small", 302, "redirect min_size fallback origin.example")
	s.get("/f.bin.asc").want(t, "signature", 302, "redirect signature fallback origin.example")
	s.get("/nowhere.bin", viaTLS).want(t, "https to an origin on http", 503, "error no_mirror")

	off.OriginURL = "https://configured.example/"
	r = d.site(off).get("/nowhere.bin", viaTLS)
	r.want(t, "configured", 302, "redirect no_mirror fallback configured.example")
}

func TestEmptyRootPlaceholder(t *testing.T) {
	d := newDepot(t)
	d.index(1<<20, "f.bin")
	d.mirror(mirror.Mirror{Name: "m"}, "f.bin")
	s := d.site(&Handler{Root: "{http.vars.root}"})
	s.get("/f.bin").want(t, "no root variable", 302, "redirect mirror world m")
	root := func(_ *http.Request, vars map[string]any) { vars["root"] = d.root }
	d.write("other", 1)
	s.get("/f.bin", root).want(t, "not in the root", 0, "local changed")
}
