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

// mmdbRecord is what AS databases say of a network: a number in the layout of
// MaxMind and DB-IP, "AS64500" in that of IPinfo.
type mmdbRecord struct {
	Number uint32 `maxminddb:"autonomous_system_number"`
	Text   any    `maxminddb:"asn"`
}

func (r mmdbRecord) asn() uint32 {
	if text, ok := r.Text.(string); ok {
		n, _ := number32([]byte(text)) // not a number is 0: unknown
		return n
	}
	return r.Number
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
	for network := range db.Networks() {
		var rec mmdbRecord
		c.stats.Lines++
		if err := network.Decode(&rec); err != nil {
			c.reject(fmt.Errorf("network %v: %w", network.Prefix(), err))
			continue
		}
		if err := c.add(network.Prefix(), rec.asn()); err != nil {
			return err
		}
	}
	if c.stats.Lines > 0 && c.stats.Unrouted == c.stats.Lines {
		return errors.New(db.Metadata.DatabaseType + " holds no AS numbers: an AS database is needed")
	}
	return nil
}
