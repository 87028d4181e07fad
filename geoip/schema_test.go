package geoip

import (
	"maps"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/maxmind/mmdbwriter/mmdbtype"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/geotest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// TestSchemas holds records as the publishers document them, cut to what is near
// to what is read: dev.maxmind.com/geoip/docs/databases, db-ip.com/db/format,
// ipinfo.io/developers.
func TestSchemas(t *testing.T) {
	t.Parallel()
	type fields = mmdbtype.Map
	text := func(s string) mmdbtype.String { return mmdbtype.String(s) }
	place := func(more fields) fields {
		m := fields{
			"continent":          fields{"code": text("EU"), "geoname_id": mmdbtype.Uint32(6255148), "names": fields{"en": text("Europe")}},
			"country":            fields{"iso_code": text("DE"), "is_in_european_union": mmdbtype.Bool(true), "names": fields{"en": text("Germany")}},
			"registered_country": fields{"iso_code": text("US")},
			"location":           fields{"latitude": mmdbtype.Float64(52.5), "longitude": mmdbtype.Float64(13.4), "time_zone": text("Europe/Berlin")},
			"subdivisions":       mmdbtype.Slice{fields{"iso_code": text("BE")}},
		}
		maps.Copy(m, more)
		return m
	}
	traits := fields{
		"autonomous_system_number": mmdbtype.Uint32(3320), "autonomous_system_organization": text("DTAG"),
		"isp": text("Deutsche Telekom"), "organization": text("x"), "user_type": text("residential"), "is_anycast": mmdbtype.Bool(false),
	}
	berlin := mirror.Place{Country: "de", Continent: "eu", Lat: 52.5, Lng: 13.4, HasCoords: true}
	germany := mirror.Place{Country: "de", Continent: "eu"}
	bundle := fields{
		"geo": fields{
			"city": text("Berlin"), "region_code": text("BE"), "country": text("Germany"), "country_code": text("DE"), "continent": text("Europe"),
			"continent_code": text("EU"), "latitude": mmdbtype.Float64(52.5), "longitude": mmdbtype.Float64(13.4),
		},
		"as":      fields{"asn": text("AS3320"), "name": text("DTAG"), "type": text("isp")},
		"network": text("192.0.2.0/24"),
	}
	for _, test := range []struct {
		name   string
		record fields
		place  mirror.Place // zero: refused as a place database
		asn    uint32       // 0: refused as an AS database
	}{
		{"MaxMind City", place(nil), berlin, 0},
		{"MaxMind Enterprise", place(fields{"traits": traits}), berlin, 3320},
		{"MaxMind ISP", fields{
			"autonomous_system_number": mmdbtype.Uint32(3320), "autonomous_system_organization": text("DTAG"), "isp": text("Deutsche Telekom"),
			"mobile_country_code": text("262"), "mobile_network_code": text("01"), "organization": text("x"),
		}, mirror.Place{}, 3320},
		{"DB-IP ASN Lite", fields{"autonomous_system_number": mmdbtype.Uint32(3320), "autonomous_system_organization": text("DTAG")}, mirror.Place{}, 3320},
		{"DB-IP ISP", fields{"continent": fields{"code": text("EU")}, "country": fields{"iso_code": text("DE")}, "traits": traits}, germany, 3320},
		{"DB-IP Location and ISP", place(fields{"traits": traits, "security": fields{"is_proxy": mmdbtype.Bool(false)}}), berlin, 3320},
		{"IPinfo Lite", fields{
			"asn": text("AS3320"), "as_name": text("DTAG"), "as_domain": text("telekom.de"), "continent": text("Europe"), "continent_code": text("EU"),
			"country": text("Germany"), "country_code": text("DE"),
		}, germany, 3320},
		{"IPinfo country_asn", fields{
			"asn": text("AS3320"), "as_name": text("DTAG"), "continent": text("EU"), "continent_name": text("Europe"), "country": text("DE"), "country_name": text("Germany"),
		}, germany, 3320},
		{"IPinfo standard location", fields{
			"city": text("Berlin"), "country": text("DE"), "lat": text("52.5"), "lng": text("13.4"), "postal_code": text("10115"), "region": text("Berlin"), "timezone": text("Europe/Berlin"),
		}, berlin, 0},
		{"IPinfo core, flat", fields{
			"asn": text("AS3320"), "as_name": text("DTAG"), "as_type": text("isp"), "country": text("Germany"), "country_code": text("DE"), "continent_code": text("EU"),
			"latitude": text("52.5"), "longitude": text("13.4"), "city": text("Berlin"),
		}, berlin, 3320},
		{"IPinfo plus, nested", bundle, berlin, 3320},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "x.mmdb")
			writeFile(t, path, geotest.Build(t, test.name, map[string]mmdbtype.DataType{"192.0.2.0/24": test.record}))
			addr := netip.MustParseAddr("192.0.2.1")
			db, err := Open(path, nil)
			switch {
			case err == nil:
				defer db.Close()
				got, _ := db.Lookup(addr)
				if diff := cmp.Diff(test.place, got); diff != "" {
					t.Errorf("place (-want +got):\n%s", diff)
				}
			case test.place != (mirror.Place{}) || !strings.Contains(err.Error(), "City or Country database is needed"):
				t.Errorf("as a place database: %v", err)
			}
			as, err := OpenASN(path, nil)
			switch {
			case err == nil:
				defer as.Close()
				if n, _, _ := as.Lookup(addr); n != test.asn {
					t.Errorf("AS%d, want AS%d", n, test.asn)
				}
			case test.asn != 0 || !strings.Contains(err.Error(), "AS database is needed"):
				t.Errorf("as an AS database: %v", err)
			}
			_, err = Inspect(path, KindPlaces|KindASN)
			if both := test.asn != 0 && test.place != (mirror.Place{}); (err == nil) != both {
				t.Errorf("Inspect for both: %v", err)
			}
		})
	}
}
