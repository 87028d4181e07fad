package geoip

import (
	"errors"
	"log/slog"
	"net/netip"
	"sync"

	"github.com/oschwald/maxminddb-golang/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// DB is a City or Country database that follows its file. All methods may be
// called at any time from any goroutine; Lookup goes on working after Close.
type DB struct {
	*file
}

// Open reads the City or Country database at path and watches it from then
// on. A file that is missing, broken or holds no places is an error. A nil
// logger is silent.
func Open(path string, logger *slog.Logger) (*DB, error) {
	f, err := openFile(path, logger, checkPlaces)
	if err != nil {
		return nil, err
	}
	return &DB{file: f}, nil
}

// Lookup gives the place of addr, codes in lower case, without allocating. ok
// is false when the database knows nothing about it.
func (db *DB) Lookup(addr netip.Addr) (place mirror.Place, ok bool) {
	return placeOf(db.reader(), addr)
}

// records keeps decoding targets: the mmdb library takes them by interface,
// which would put a new one on the heap for each lookup.
var records = sync.Pool{New: func() any { return new(record) }}

func placeOf(r *maxminddb.Reader, addr netip.Addr) (mirror.Place, bool) {
	if !addr.IsValid() {
		return mirror.Place{}, false
	}
	res := r.Lookup(addr.Unmap())
	if !res.Found() {
		return mirror.Place{}, false
	}
	return decodePlace(res)
}

func decodePlace(res maxminddb.Result) (mirror.Place, bool) {
	rec := records.Get().(*record)
	defer records.Put(rec)
	*rec = record{}
	if res.Decode(rec) != nil {
		return mirror.Place{}, false
	}
	return rec.place()
}

// checkPlaces refuses a database of another kind.
func checkPlaces(r *maxminddb.Reader) error {
	found, err := sample(r, func(res maxminddb.Result) (bool, error) {
		var rec record
		if err := res.Decode(&rec); err != nil {
			return false, err
		}
		_, ok := rec.place()
		return ok, nil
	})
	if err == nil && !found {
		err = errors.New("holds neither countries nor coordinates: a City or Country database is needed")
	}
	return err
}
