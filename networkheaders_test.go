package mirrorbrain

import (
	"net/http"
	"testing"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

func TestNetworkHeaders(t *testing.T) {
	d := newDepot(t)
	d.file("f.bin", "nowhere.bin", "f.bin.sha256")
	d.hash("f.bin")
	d.mirror(mirror.Mirror{Name: "m"}, "f.bin")
	d.prefixes(store.Prefix{Prefix: prefix("192.0.2.0/25"), ASN: 64500})
	on := true
	s := d.site(&Handler{NetworkHeaders: &on})
	shared := d.site(&Handler{NetworkHeaders: &on, CacheControl: "max-age=60"})
	noStore := d.site(&Handler{NetworkHeaders: &on, CacheControl: "max-age=0, No-Store"})
	off := d.site(&Handler{})
	before := func(r *http.Request, _ map[string]any) {}
	for _, tc := range []struct {
		name       string
		s          *site
		target     string
		opt        option
		prefix, as string
		cache      string
	}{
		{"redirect", s, "/f.bin", before, "192.0.2.0/25", "64500", "private, no-cache"},
		{"HEAD", s, "/f.bin", method("HEAD"), "192.0.2.0/25", "64500", "private, no-cache"},
		{"simulated", s, "/f.bin?as=64777", before, "", "64777", "private, no-cache"},
		{"no prefix is known", s, "/f.bin", from("2001:db8::1"), "", "", "private, no-cache"},
		{"nothing is known", s, "/f.bin", from("203.0.113.1"), "", "", "private, no-cache"},
		{"served from here", s, "/nowhere.bin", before, "192.0.2.0/25", "64500", "private"},
		{"exempt", s, "/f.bin.sha256", before, "192.0.2.0/25", "64500", "private"},
		{"unknown file", s, "/none.bin", before, "", "", ""},
		{"shared redirect", shared, "/f.bin", before, "", "", "max-age=60"},
		{"no-store", noStore, "/f.bin", before, "192.0.2.0/25", "64500", "max-age=0, No-Store"},
		{"switched off", off, "/f.bin", before, "", "", "private, no-cache"},
		{"switched off, served from here", off, "/nowhere.bin", before, "", "", ""},
	} {
		h := tc.s.get(tc.target, tc.opt).header
		if h.Get("X-Prefix") != tc.prefix || h.Get("X-AS") != tc.as || h.Get("Cache-Control") != tc.cache {
			t.Errorf("%s: X-Prefix %q, X-AS %q, Cache-Control %q", tc.name, h.Get("X-Prefix"), h.Get("X-AS"), h.Get("Cache-Control"))
		}
	}
	if r, _ := s.fetch("/f.bin.meta4"); r.header.Get("X-AS") != "64500" {
		t.Errorf("a document of the client's own: %v", r.header)
	}
	if r, _ := s.fetch("/f.bin?md5"); r.header.Get("X-AS") != "" || r.header.Get("X-Prefix") != "" {
		t.Errorf("a document that is the same for all: %v", r.header)
	}
}
