// Package geotest makes small mmdb files for tests: City, Country and AS
// databases in MaxMind's layout, and the flat layout that IPinfo uses, from a
// table written in Go.
package geotest

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
)

// Network is one row of a database. Which fields count depends on the kind of
// database that is made from it.
type Network struct {
	CIDR      string  // "192.0.2.0/24" or "2001:db8::/32"; reserved networks are allowed
	Country   string  // ISO 3166-1 alpha-2 in either case; "" leaves it out
	Continent string  // two letters in either case; "" leaves it out
	Lat, Lng  float64 // degrees; both 0 leaves the coordinates out
	ASN       uint32  // for ASN and FlatASN; 0 is written as 0
	Org       string  // name of the AS; "" leaves it out
}

// BuildEpoch is the build time (Unix seconds) of every database made here, so
// that equal tables make equal files.
const BuildEpoch = 1_700_000_000

// City writes a GeoLite2-City database and returns its path. An empty path
// means a new file in the test's temporary folder. An existing file is
// replaced by rename, as update programs do.
func City(tb testing.TB, path string, networks []Network) string {
	tb.Helper()
	return write(tb, path, "city.mmdb", CityBytes(tb, networks))
}

// Country is like City for a GeoLite2-Country database (no coordinates).
func Country(tb testing.TB, path string, networks []Network) string {
	tb.Helper()
	return write(tb, path, "country.mmdb", build(tb, "GeoLite2-Country", networks, countryRecord))
}

// ASN is like City for a GeoLite2-ASN database.
func ASN(tb testing.TB, path string, networks []Network) string {
	tb.Helper()
	return write(tb, path, "asn.mmdb", ASNBytes(tb, networks))
}

// Flat is like City in the layout of IPinfo: every field at the top, numbers
// as strings.
func Flat(tb testing.TB, path string, networks []Network) string {
	tb.Helper()
	return write(tb, path, "flat.mmdb", build(tb, "ipinfo standard_location", networks, flatRecord))
}

// FlatASN is like ASN in the layout of IPinfo: "asn" holds "AS64500".
func FlatASN(tb testing.TB, path string, networks []Network) string {
	tb.Helper()
	return write(tb, path, "flat-asn.mmdb", build(tb, "ipinfo generic_asn_free", networks, flatASNRecord))
}

// CityBytes is the content of the file that City writes.
func CityBytes(tb testing.TB, networks []Network) []byte {
	tb.Helper()
	return build(tb, "GeoLite2-City", networks, cityRecord)
}

// ASNBytes is the content of the file that ASN writes.
func ASNBytes(tb testing.TB, networks []Network) []byte {
	tb.Helper()
	return build(tb, "GeoLite2-ASN", networks, asnRecord)
}

// Build makes a database of any type with records of one's own, for layouts
// that the functions above do not know.
func Build(tb testing.TB, databaseType string, records map[string]mmdbtype.DataType) []byte {
	tb.Helper()
	content, err := encode(databaseType, func(insert inserter) error {
		for cidr, record := range records {
			if err := insert(cidr, record); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	return content
}

func build(tb testing.TB, databaseType string, networks []Network, record func(Network) mmdbtype.Map) []byte {
	tb.Helper()
	content, err := encode(databaseType, func(insert inserter) error {
		for _, n := range networks {
			if err := insert(n.CIDR, record(n)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	return content
}

type inserter func(cidr string, record mmdbtype.DataType) error

func encode(databaseType string, fill func(inserter) error) ([]byte, error) {
	tree, err := mmdbwriter.New(mmdbwriter.Options{
		BuildEpoch:              BuildEpoch,
		DatabaseType:            databaseType,
		Description:             map[string]string{"en": "test data"},
		IncludeReservedNetworks: true,
		RecordSize:              24,
	})
	if err != nil {
		return nil, fmt.Errorf("making a %s database: %w", databaseType, err)
	}
	err = fill(func(cidr string, record mmdbtype.DataType) error {
		_, network, err := net.ParseCIDR(cidr)
		if err != nil {
			return fmt.Errorf("making a %s database: %w", databaseType, err)
		}
		if err := tree.Insert(network, record); err != nil {
			return fmt.Errorf("inserting %s: %w", cidr, err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	if _, err := tree.WriteTo(&buf); err != nil {
		return nil, fmt.Errorf("encoding a %s database: %w", databaseType, err)
	}
	return buf.Bytes(), nil
}

func write(tb testing.TB, path, name string, content []byte) string {
	tb.Helper()
	if path == "" {
		path = filepath.Join(tb.TempDir(), name)
	}
	tmp := path + ".new"
	if err := os.WriteFile(tmp, content, 0o644); err != nil {
		tb.Fatal(err)
	}
	if err := os.Rename(tmp, path); err != nil {
		tb.Fatal(err)
	}
	return path
}
