package geoip

import (
	"os"
	"path/filepath"
	"slices"
)

// folders are where the update programs and packages of the distributions put
// databases, the usual one first.
var folders = []string{
	"/var/lib/GeoIP",
	"/usr/share/GeoIP",
	"/usr/local/share/GeoIP",
	"/var/lib/geoip",
	"/usr/local/var/GeoIP",
	"/var/db/GeoIP",
	"/opt/geoip",
}

// The names of databases, the more precise first.
var (
	placeNames = []string{
		"GeoIP2-Enterprise.mmdb", "GeoIP2-City.mmdb", "GeoLite2-City.mmdb", "dbip-city-lite.mmdb", "dbip-city-lite-*.mmdb", "dbip-full.mmdb", "dbip-city.mmdb", "ipinfo_plus.mmdb", "ipinfo_core.mmdb",
		"GeoIP2-Country.mmdb", "GeoLite2-Country.mmdb", "dbip-country-lite.mmdb", "dbip-country-lite-*.mmdb",
		"ipinfo_lite.mmdb", "country_asn.mmdb", "country.mmdb",
	}
	asnNames = []string{
		"GeoIP2-ISP.mmdb", "GeoLite2-ASN.mmdb", "dbip-asn-lite.mmdb", "dbip-asn-lite-*.mmdb", "dbip-isp.mmdb", "dbip-full.mmdb",
		"ipinfo_lite.mmdb", "country_asn.mmdb", "asn.mmdb",
	}
)

// DefaultPaths lists the usual paths of City and Country databases, the best
// first, whether or not anything is there. Names may hold a * where a
// publisher puts a date.
func DefaultPaths() []string { return join(placeNames) }

// DefaultASNPaths is DefaultPaths for AS databases.
func DefaultASNPaths() []string { return join(asnNames) }

// Find gives the first regular file that one of the patterns matches, the
// last in order of names (so: of dates) where one matches several; "" when
// there is none.
func Find(patterns []string) string {
	for _, pattern := range patterns {
		matches, _ := filepath.Glob(pattern) // sorted; an error is a bad pattern, which matches nothing
		for _, path := range slices.Backward(matches) {
			if st, err := os.Stat(path); err == nil && st.Mode().IsRegular() {
				return path
			}
		}
	}
	return ""
}

func join(names []string) []string {
	var paths []string
	for _, name := range names {
		for _, folder := range folders {
			paths = append(paths, filepath.Join(folder, name))
		}
	}
	return paths
}
