package geoip

import (
	"errors"
	"log/slog"
	"net/netip"
	"strconv"
	"sync"

	"github.com/oschwald/maxminddb-golang/v2"
	"github.com/oschwald/maxminddb-golang/v2/mmdbdata"
)

// ASN is an AS database that follows its file, with the promises of DB.
type ASN struct {
	*file
}

// OpenASN reads the AS database at path and watches it from then on. A file
// that is missing, broken or holds no AS numbers is an error. A nil logger is
// silent.
func OpenASN(path string, logger *slog.Logger) (*ASN, error) {
	f, err := openFile(path, logger, checkASNs)
	if err != nil {
		return nil, err
	}
	return &ASN{file: f}, nil
}

// Lookup gives the AS number of addr and the network that the database keeps
// it under, without allocating. The network is near to, but not always, what
// the AS announces: such databases merge neighbours. ok is false when the
// database does not know the address or says AS 0.
func (a *ASN) Lookup(addr netip.Addr) (asn uint32, prefix netip.Prefix, ok bool) {
	if !addr.IsValid() {
		return 0, netip.Prefix{}, false
	}
	res := a.reader().Lookup(addr.Unmap().WithZone(""))
	if !res.Found() {
		return 0, netip.Prefix{}, false
	}
	if asn = decodeASN(res); asn == 0 {
		return 0, netip.Prefix{}, false
	}
	return asn, res.Prefix(), true
}

// asnRecord takes the number from a record: autonomous_system_number as
// MaxMind and DB-IP have it, at the top (ASN and ISP databases) or in traits
// (Enterprise, and DB-IP's with places), or asn as IPinfo does ("AS64500"), at the
// top or in as.
type asnRecord struct {
	asn uint32
}

var asnRecords = sync.Pool{New: func() any { return new(asnRecord) }}

func decodeASN(res maxminddb.Result) uint32 {
	rec := asnRecords.Get().(*asnRecord)
	defer asnRecords.Put(rec)
	*rec = asnRecord{}
	if res.Decode(rec) != nil {
		return 0
	}
	return rec.asn
}

// UnmarshalMaxMindDBCursor reads one record; the mmdb library calls it.
func (r *asnRecord) UnmarshalMaxMindDBCursor(c mmdbdata.Cursor) (mmdbdata.Cursor, error) {
	return eachField(c, r.field)
}

func (r *asnRecord) field(key []byte, v mmdbdata.Cursor) (mmdbdata.Cursor, error) {
	switch string(key) {
	case "traits", "as":
		return eachField(v, r.number)
	}
	return r.number(key, v)
}

// number reads a field if it is the AS number.
func (r *asnRecord) number(key []byte, v mmdbdata.Cursor) (mmdbdata.Cursor, error) {
	switch string(key) {
	case "autonomous_system_number", "asn":
		if text, ok := readText(v); ok {
			r.asn = parseASN(text)
		} else if n, _, err := v.ReadUint(); err == nil && n <= 1<<32-1 {
			r.asn = uint32(n)
		}
	}
	return v.Skip()
}

// parseASN reads "AS64500" or "64500"; 0 when it is neither.
func parseASN(text []byte) uint32 {
	if len(text) > 2 && (text[0]|0x20) == 'a' && (text[1]|0x20) == 's' {
		text = text[2:]
	}
	if len(text) > 10 {
		return 0
	}
	n, err := strconv.ParseUint(string(text), 10, 32)
	if err != nil {
		return 0
	}
	return uint32(n)
}

// checkASNs refuses a database of another kind.
func checkASNs(r *maxminddb.Reader) error {
	found, err := sample(r, func(res maxminddb.Result) (bool, error) {
		var rec asnRecord
		if err := res.Decode(&rec); err != nil {
			return false, err
		}
		return rec.asn != 0, nil
	})
	if err == nil && !found {
		err = errors.New("holds no AS numbers: an AS database is needed")
	}
	return err
}
