package mirrorbrain

import (
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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

func TestParseWishes(t *testing.T) {
	for _, tc := range []struct {
		raw  string
		want wishes
	}{
		{"", wishes{}},
		{"x=y&meta4", wishes{}},
		{"country=De", wishes{country: "de"}},
		{"country=deu&as=-1&ip=1.2.3", wishes{}},
		{"as=4294967296", wishes{}},
		{"as=AS64500&ip=::ffff:192.0.2.1", wishes{asn: 64500, ip: netip.MustParseAddr("192.0.2.1")}},
		{"ip=fe80::1%25eth0", wishes{ip: netip.MustParseAddr("fe80::1")}},
		{"avoid=a,b&avoid=,c,&avoid_country=DE", wishes{avoid: []string{"a", "b", "c"}, avoidCountries: []string{"de"}}},
		{"country=de;as=1&%zz=1&as=2", wishes{asn: 2}},
	} {
		if diff := cmp.Diff(tc.want, parseWishes(tc.raw), cmp.AllowUnexported(wishes{}), cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
			t.Errorf("%q: -want +got:\n%s", tc.raw, diff)
		}
	}
}

func FuzzParseWishes(f *testing.F) {
	f.Add("country=de&as=64500&ip=192.0.2.1&avoid=a,b&avoid_country=us")
	f.Fuzz(func(t *testing.T, raw string) {
		w := parseWishes(raw)
		if len(w.avoid) > maxWishes || len(w.avoidCountries) > maxWishes || w.country != "" && len(w.country) != 2 {
			t.Errorf("%q: %+v", raw, w)
		}
	})
}

func FuzzTreePath(f *testing.F) {
	f.Add("/a/b.iso")
	f.Add("//a/../b\x00")
	f.Fuzz(func(t *testing.T, p string) {
		if file, ok := treePath(p); ok && (mirror.ValidPath(file) != nil || file == "" || "/"+file != p) {
			t.Errorf("%q gives %q", p, file)
		}
	})
}
