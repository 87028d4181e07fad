package asn

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/oschwald/maxminddb-golang/v2"
)

// maxMMDB bounds an mmdb file, in bytes. Those with AS numbers have some ten
// megabytes, with much else beside them a few hundred.
const maxMMDB = 1 << 30

// maxNetworks bounds the walk through an mmdb file, networks without data
// included: a few hundred bytes can hold a tree with endlessly many.
const maxNetworks = maxPrefixes

// asnOf reads what AS databases say of a network: a number in the layout of
// MaxMind and DB-IP, "AS64500" in that of IPinfo. The record is
// not decoded as a whole: a small file can have millions of networks with much
// in them.
func asnOf(res maxminddb.Result) (uint32, error) {
	var text string
	err := res.DecodePath(&text, "asn")
	if err == nil && text != "" {
		n, _ := number32([]byte(text)) // not a number is 0: unknown
		return n, nil
	}
	if _, other := errors.AsType[maxminddb.UnmarshalTypeError](err); err != nil && !other {
		return 0, err
	}
	var n uint32
	err = res.DecodePath(&n, "autonomous_system_number")
	return n, err
}

// orgOf reads the name of the AS: as MaxMind and DB-IP, and as IPinfo have it.
// The countries of such records are those of the network.
func orgOf(res maxminddb.Result) string {
	for _, key := range []string{"autonomous_system_organization", "as_name", "name"} {
		var text string
		if err := res.DecodePath(&text, key); err == nil && text != "" {
			return text
		}
	}
	return ""
}

// sniffMMDB goes by the name, because the mark of mmdb files is at their end,
// and else by the zero bytes that every search tree and no text has.
func sniffMMDB(name string, head []byte) bool {
	return strings.Contains(strings.ToLower(name), ".mmdb") || bytes.IndexByte(head, 0) >= 0
}

func readMMDB(r io.Reader, c *collector) error {
	content, err := io.ReadAll(io.LimitReader(r, maxMMDB+1))
	if err != nil {
		return err
	}
	if len(content) > maxMMDB {
		return fmt.Errorf("larger than %d bytes", maxMMDB)
	}
	db, err := maxminddb.OpenBytes(content)
	if err != nil {
		return fmt.Errorf("not a complete mmdb file: %w", err)
	}
	steps := 0
	for network := range db.Networks(maxminddb.IncludeNetworksWithoutData()) {
		if steps++; steps > maxNetworks {
			return fmt.Errorf("more than %d networks", maxNetworks)
		}
		if network.Err() == nil && !network.Found() {
			continue
		}
		c.stats.Lines++
		asn, err := asnOf(network)
		if err != nil {
			c.reject(fmt.Errorf("network %v: %w", network.Prefix(), err))
			continue
		}
		if c.names.wants(asn) {
			c.names.add(asn, orgOf(network), "")
		}
		if err := c.add(network.Prefix(), asn); err != nil {
			return err
		}
	}
	if c.stats.Lines > 0 && c.stats.Unrouted == c.stats.Lines {
		return errors.New(db.Metadata.DatabaseType + " holds no AS numbers: an AS database is needed")
	}
	return nil
}
