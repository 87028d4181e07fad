package geoip

import (
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/maxmind/mmdbwriter/mmdbtype"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/geotest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

var world = []geotest.Network{
	{CIDR: "192.0.2.0/24", Country: "de", Continent: "eu", Lat: 52.5, Lng: 13.4, ASN: 64500, Org: "Example"},
	{CIDR: "198.51.100.0/24", Country: "us", Continent: "na", Lat: -1.25, Lng: 179.5, ASN: 64501},
	{CIDR: "203.0.113.0/25", Country: "jp", ASN: 4200000001},
	{CIDR: "203.0.113.128/25", Continent: "as"},
	{CIDR: "2001:db8::/32", Country: "br", Continent: "sa", Lat: -23.5, Lng: -46.6, ASN: 64502},
	{CIDR: "2001:db9::/33", Country: "fr", Continent: "eu", Lat: 48.9, Lng: 2.3, ASN: 64503},
}

func TestLookupLayouts(t *testing.T) {
	t.Parallel()
	type want struct {
		addr  string
		place mirror.Place
		ok    bool
	}
	wants := []want{
		{"192.0.2.7", mirror.Place{Country: "de", Continent: "eu", Lat: 52.5, Lng: 13.4, HasCoords: true}, true},
		{"::ffff:192.0.2.7", mirror.Place{Country: "de", Continent: "eu", Lat: 52.5, Lng: 13.4, HasCoords: true}, true},
		{"198.51.100.255", mirror.Place{Country: "us", Continent: "na", Lat: -1.25, Lng: 179.5, HasCoords: true}, true},
		{"203.0.113.1", mirror.Place{Country: "jp", Continent: "as"}, true},
		{"203.0.113.129", mirror.Place{Continent: "as"}, true},
		{"2001:db8::1", mirror.Place{Country: "br", Continent: "sa", Lat: -23.5, Lng: -46.6, HasCoords: true}, true},
		{"fe80::1%eth0", mirror.Place{}, false},
		{"10.0.0.1", mirror.Place{}, false},
		{"::1", mirror.Place{}, false},
	}
	for name, make := range map[string]func(testing.TB, string, []geotest.Network) string{
		"City": geotest.City, "Country": geotest.Country, "Flat": geotest.Flat,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := open(t, make(t, "", world))
			for _, w := range wants {
				if name == "Country" {
					w.place.Lat, w.place.Lng, w.place.HasCoords = 0, 0, false
				}
				got, ok := db.Lookup(netip.MustParseAddr(w.addr))
				if ok != w.ok {
					t.Errorf("Lookup(%s): ok %v, want %v", w.addr, ok, w.ok)
				}
				if diff := cmp.Diff(w.place, got); diff != "" {
					t.Errorf("Lookup(%s) (-want +got):\n%s", w.addr, diff)
				}
			}
			if _, ok := db.Lookup(netip.Addr{}); ok {
				t.Error("the zero address has a place")
			}
		})
	}
}

func TestLookupRecords(t *testing.T) {
	t.Parallel()
	text := func(s string) mmdbtype.String { return mmdbtype.String(s) }
	iso := func(s string) mmdbtype.Map { return mmdbtype.Map{"iso_code": text(s)} }
	point := func(lat, lng float64) mmdbtype.Map {
		return mmdbtype.Map{"latitude": mmdbtype.Float64(lat), "longitude": mmdbtype.Float64(lng)}
	}
	tests := []struct {
		name   string
		record mmdbtype.DataType
		want   mirror.Place
		ok     bool
	}{
		{"registered country only", mmdbtype.Map{"registered_country": iso("AU")}, mirror.Place{Country: "au", Continent: "oc"}, true},
		{"country wins over registered", mmdbtype.Map{"registered_country": iso("AU"), "country": iso("NZ")}, mirror.Place{Country: "nz", Continent: "oc"}, true},
		{"represented country does not count", mmdbtype.Map{"represented_country": iso("US")}, mirror.Place{}, false},
		{"IPinfo Lite", mmdbtype.Map{
			"country": text("Germany"), "country_code": text("DE"), "continent": text("Europe"), "continent_code": text("EU"), "asn": text("AS3320"),
		}, mirror.Place{Country: "de", Continent: "eu"}, true},
		{"flat floats", mmdbtype.Map{"country_code": text("CL"), "latitude": mmdbtype.Float32(-33.5), "longitude": mmdbtype.Float32(-70.5)}, mirror.Place{Country: "cl", Continent: "sa", Lat: -33.5, Lng: -70.5, HasCoords: true}, true},
		{"null island", mmdbtype.Map{"location": point(0, 0)}, mirror.Place{HasCoords: true}, true},
		{"latitude out of range", mmdbtype.Map{"country": iso("DE"), "location": point(91, 0)}, mirror.Place{Country: "de", Continent: "eu"}, true},
		{"half a location", mmdbtype.Map{"country": iso("DE"), "lat": text("1.5")}, mirror.Place{Country: "de", Continent: "eu"}, true},
		{"text that is no number", mmdbtype.Map{"country": iso("DE"), "lat": text("north"), "lng": text("1")}, mirror.Place{Country: "de", Continent: "eu"}, true},
		{"NaN", mmdbtype.Map{"country": iso("DE"), "lat": text("NaN"), "lng": text("NaN")}, mirror.Place{Country: "de", Continent: "eu"}, true},
		{"codes that are none", mmdbtype.Map{"country": iso("A1"), "continent": mmdbtype.Map{"code": text("XX")}}, mirror.Place{}, false},
		{"unknown country keeps its code", mmdbtype.Map{"country": iso("ZZ")}, mirror.Place{Country: "zz"}, true},
		{"wrong kinds", mmdbtype.Map{"country": mmdbtype.Uint32(5), "continent": mmdbtype.Slice{text("EU")}, "location": text("here")}, mirror.Place{}, false},
		{"empty map", mmdbtype.Map{}, mirror.Place{}, false},
		{"no map at all", text("Germany"), mirror.Place{}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "x.mmdb")
			writeFile(t, path, geotest.Build(t, "Test", map[string]mmdbtype.DataType{
				"192.0.2.0/24":    test.record,
				"198.51.100.0/24": mmdbtype.Map{"country": iso("SE")}, // so that the file passes for a place database
			}))
			got, ok := open(t, path).Lookup(netip.MustParseAddr("192.0.2.1"))
			if ok != test.ok {
				t.Errorf("ok %v, want %v", ok, test.ok)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("place (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLookupASN(t *testing.T) {
	t.Parallel()
	for name, make := range map[string]func(testing.TB, string, []geotest.Network) string{
		"ASN": geotest.ASN, "FlatASN": geotest.FlatASN,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, err := OpenASN(make(t, "", world), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			for _, test := range []struct {
				addr   string
				asn    uint32
				prefix string
			}{
				{"192.0.2.7", 64500, "192.0.2.0/24"},
				{"::ffff:192.0.2.7", 64500, "192.0.2.0/24"},
				{"203.0.113.5", 4200000001, "203.0.113.0/25"},
				{"203.0.113.200", 0, ""}, // the database says AS 0
				{"2001:db8:1::1", 64502, "2001:db8::/32"},
				{"2001:db8:1::1%eth0", 64502, "2001:db8::/32"},
				{"2001:db9:8000::", 0, ""},
				{"10.1.1.1", 0, ""},
			} {
				asn, prefix, ok := db.Lookup(netip.MustParseAddr(test.addr))
				if asn != test.asn || ok != (test.asn != 0) || ok && prefix.String() != test.prefix {
					t.Errorf("Lookup(%s) = %d, %v, %v; want %d, %s", test.addr, asn, prefix, ok, test.asn, test.prefix)
				}
			}
			if _, _, ok := db.Lookup(netip.Addr{}); ok {
				t.Error("the zero address has an AS")
			}
		})
	}
}

func TestParseASN(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]uint32{
		"AS64500": 64500, "as1": 1, "64500": 64500, "4294967295": 4294967295,
		"4294967296": 0, "AS": 0, "": 0, "ASx": 0, "AS-1": 0, "AS00000000001": 0,
	} {
		if got := parseASN([]byte(in)); got != want {
			t.Errorf("parseASN(%q) = %d, want %d", in, got, want)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	city := geotest.CityBytes(t, world)
	files := map[string][]byte{
		"empty.mmdb":     {},
		"text.mmdb":      []byte(strings.Repeat("not a database\n", 1000)),
		"truncated.mmdb": city[:len(city)/2],
		"asn.mmdb":       geotest.ASNBytes(t, world),
	}
	for name, content := range files {
		writeFile(t, filepath.Join(dir, name), content)
	}
	for _, name := range []string{"empty.mmdb", "text.mmdb", "truncated.mmdb", "asn.mmdb", "missing.mmdb", "."} {
		path := filepath.Join(dir, name)
		db, err := Open(path, nil)
		if err == nil {
			db.Close()
			t.Errorf("Open(%s) took it", name)
			continue
		}
		if !strings.Contains(err.Error(), path) {
			t.Errorf("Open(%s): the error does not name the file: %v", name, err)
		}
	}
	if _, err := OpenASN(geotest.City(t, "", world), nil); err == nil || !strings.Contains(err.Error(), "AS database is needed") {
		t.Errorf("OpenASN took a City database: %v", err)
	}
}

func TestInfo(t *testing.T) {
	t.Parallel()
	path := geotest.City(t, "", world)
	db := open(t, path)
	info := db.Info()
	if info.Path != path || info.Type != "GeoLite2-City" || info.Built.Unix() != geotest.BuildEpoch || info.Size == 0 || info.Loaded.IsZero() {
		t.Errorf("Info() = %+v", info)
	}
}

func TestLookupDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector drops pooled records on purpose")
	}
	addrs := []netip.Addr{
		netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("::ffff:198.51.100.1"),
		netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("10.0.0.1"),
	}
	city, flat := open(t, geotest.City(t, "", world)), open(t, geotest.Flat(t, "", world))
	asn, err := OpenASN(geotest.FlatASN(t, "", world), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer asn.Close()
	for name, lookup := range map[string]func(netip.Addr){
		"city": func(a netip.Addr) { city.Lookup(a) },
		"flat": func(a netip.Addr) { flat.Lookup(a) },
		"asn":  func(a netip.Addr) { asn.Lookup(a) },
	} {
		n := testing.AllocsPerRun(1000, func() {
			for _, a := range addrs {
				lookup(a)
			}
		})
		if n != 0 {
			t.Errorf("%s: %v allocations for four lookups", name, n)
		}
	}
}

func BenchmarkLookup(b *testing.B) {
	db, err := Open(geotest.City(b, "", world), nil)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	addr := netip.MustParseAddr("192.0.2.7")
	b.ReportAllocs()
	for b.Loop() {
		db.Lookup(addr)
	}
}

func open(tb testing.TB, path string) *DB {
	tb.Helper()
	db, err := Open(path, nil)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { db.Close() })
	return db
}
