package mirrorbrain

import (
	"os"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/geotest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// What is remembered about a client must not outlive the data it came from.
func TestGeodataChanges(t *testing.T) {
	d := newDepot(t)
	d.file("f.bin")
	d.mirror(mirror.Mirror{Name: "de", Place: germany}, "f.bin")
	d.mirror(mirror.Mirror{Name: "us", Place: usa}, "f.bin")
	s := d.site(&Handler{})
	get := func(want string) func() bool {
		return func() bool {
			r := s.get("/f.bin")
			return r.get("mirror")+" "+r.get("asn") == want
		}
	}
	until := func(what string, ok func() bool) {
		t.Helper()
		for end := time.Now().Add(15 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s: the old data is still in use", what)
			}
		}
	}
	until("at first", get("de 64599"))
	d.prefixes(store.Prefix{Prefix: prefix("192.0.2.0/24"), ASN: 64500})
	until("AS table", get("de 64500"))
	geotest.City(t, s.h.rt.GeoIP, []geotest.Network{{CIDR: "192.0.2.0/24", Country: "US", Continent: "NA"}})
	until("GeoIP", get("us 64500"))
	// A broken file changes nothing.
	d.must(os.WriteFile(s.h.rt.GeoIP+".new", []byte("broken"), 0o644))
	d.must(os.Rename(s.h.rt.GeoIP+".new", s.h.rt.GeoIP))
	time.Sleep(2 * time.Second)
	until("broken", get("us 64500"))
}
