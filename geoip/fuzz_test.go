package geoip

import (
	"net/netip"
	"testing"

	"github.com/oschwald/maxminddb-golang/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/geotest"
)

// FuzzDatabase overwrites parts of a database: whatever is accepted must
// answer without a crash, and with codes that are codes.
func FuzzDatabase(f *testing.F) {
	good := geotest.CityBytes(f, world)
	f.Add(uint16(0), []byte{})
	f.Add(uint16(300), []byte{0xff, 0xff, 0xff, 0xff})
	f.Add(uint16(len(good)-200), []byte("\xe0"))
	addrs := []netip.Addr{
		netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("198.51.100.1"), netip.MustParseAddr("203.0.113.1"),
		netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db9::1"),
	}
	f.Fuzz(func(t *testing.T, at uint16, patch []byte) {
		content := append([]byte(nil), good...)
		copy(content[int(at)%len(content):], patch)
		r, err := maxminddb.OpenBytes(content)
		if err != nil || checkPlaces(r) != nil {
			return
		}
		for _, a := range addrs {
			p, ok := placeOf(r, a)
			if ok != (p.Country != "" || p.Continent != "" || p.HasCoords) {
				t.Errorf("%v: ok %v with %+v", a, ok, p)
			}
			if p.Country != "" && code(p.Country) != p.Country || p.Continent != "" && !IsContinent(p.Continent) {
				t.Errorf("%v: codes %+v", a, p)
			}
			r.Lookup(a).Prefix()
			decodeASN(r.Lookup(a))
		}
	})
}
