package geoip

import (
	"fmt"
	"math"
	"strconv"

	"github.com/oschwald/maxminddb-golang/v2/mmdbdata"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// maxFields bounds the entries of one map in a record. Real records have
// fewer than twenty; a file that claims more is not worth the time.
const maxFields = 256

// record takes from a database's record what a place needs, whichever of the
// known layouts it has:
//
//	MaxMind, DB-IP  continent.code, country.iso_code, location.latitude
//	                and .longitude, registered_country.iso_code
//	IPinfo          country or country_code, continent or continent_code,
//	                lat and lng as text, or latitude and longitude; in
//	                bundles all of them also within geo
//
// It is decoded by hand, because a struct of the mmdb library insists on one
// kind per field ("country" is a map here and text there) and strings would be
// allocated.
type record struct {
	country, registered, continent string
	lat, lng                       coordinate
}

type coordinate struct {
	degrees float64
	known   bool
}

// place turns the record into a place. ok is false when it says nothing.
func (r *record) place() (p mirror.Place, ok bool) {
	p.Country = r.country
	if p.Country == "" {
		// Where the network is registered is the best guess for addresses whose
		// users the database could not find.
		p.Country = r.registered
	}
	p.Continent = r.continent
	if p.Continent == "" {
		p.Continent = Continent(p.Country)
	}
	if r.lat.known && r.lng.known && math.Abs(r.lat.degrees) <= 90 && math.Abs(r.lng.degrees) <= 180 {
		p.Lat, p.Lng, p.HasCoords = r.lat.degrees, r.lng.degrees, true
	}
	return p, p.Country != "" || p.Continent != "" || p.HasCoords
}

// UnmarshalMaxMindDBCursor reads one record; the mmdb library calls it.
func (r *record) UnmarshalMaxMindDBCursor(c mmdbdata.Cursor) (mmdbdata.Cursor, error) {
	return eachField(c, r.field)
}

func (r *record) field(key []byte, v mmdbdata.Cursor) (mmdbdata.Cursor, error) {
	switch string(key) {
	case "country":
		return r.countryField(v)
	case "country_code":
		return readCode(v, &r.country)
	case "registered_country":
		return r.nested(v, "iso_code", &r.registered)
	case "continent":
		return r.continentField(v)
	case "continent_code":
		return readContinent(v, &r.continent)
	case "location":
		return r.location(v)
	case "geo":
		return eachField(v, r.flat)
	case "lat", "latitude":
		return readDegrees(v, &r.lat)
	case "lng", "longitude":
		return readDegrees(v, &r.lng)
	}
	return v.Skip()
}

// flat reads what IPinfo's bundles have within geo: no map of theirs has another
// geo in it.
func (r *record) flat(key []byte, v mmdbdata.Cursor) (mmdbdata.Cursor, error) {
	if string(key) == "geo" {
		return v.Skip()
	}
	return r.field(key, v)
}

func (r *record) countryField(v mmdbdata.Cursor) (mmdbdata.Cursor, error) {
	if kind, err := v.Kind(); err != nil || kind == mmdbdata.KindMap {
		return r.nested(v, "iso_code", &r.country)
	}
	return readCode(v, &r.country)
}

func (r *record) continentField(v mmdbdata.Cursor) (mmdbdata.Cursor, error) {
	if kind, err := v.Kind(); err != nil || kind == mmdbdata.KindMap {
		next, err := r.nested(v, "code", &r.continent)
		if !IsContinent(r.continent) {
			r.continent = ""
		}
		return next, err
	}
	return readContinent(v, &r.continent)
}

// nested reads the code that the map v holds under name.
func (r *record) nested(v mmdbdata.Cursor, name string, to *string) (mmdbdata.Cursor, error) {
	return eachField(v, func(key []byte, v mmdbdata.Cursor) (mmdbdata.Cursor, error) {
		if string(key) == name {
			return readCode(v, to)
		}
		return v.Skip()
	})
}

func (r *record) location(v mmdbdata.Cursor) (mmdbdata.Cursor, error) {
	return eachField(v, func(key []byte, v mmdbdata.Cursor) (mmdbdata.Cursor, error) {
		switch string(key) {
		case "latitude":
			return readDegrees(v, &r.lat)
		case "longitude":
			return readDegrees(v, &r.lng)
		}
		return v.Skip()
	})
}

// eachField calls f for each entry of the map at c and gives what follows it.
// A value that is no map is skipped.
func eachField(c mmdbdata.Cursor, f func(key []byte, v mmdbdata.Cursor) (mmdbdata.Cursor, error)) (mmdbdata.Cursor, error) {
	kind, err := c.Kind()
	if err != nil {
		return mmdbdata.Cursor{}, err
	}
	if kind != mmdbdata.KindMap {
		return c.Skip()
	}
	m, err := c.MapReader()
	if err != nil {
		return mmdbdata.Cursor{}, err
	}
	if m.Len() > maxFields {
		return mmdbdata.Cursor{}, fmt.Errorf("record with %d fields: at most %d are expected", m.Len(), maxFields)
	}
	at := m.First()
	for range m.Len() {
		key, v, err := at.ReadMapKey()
		if err != nil {
			return mmdbdata.Cursor{}, err
		}
		if at, err = f(key, v); err != nil {
			return mmdbdata.Cursor{}, err
		}
	}
	return m.End(at)
}

// readCode reads a two-letter code into to and leaves to alone when the value
// is something else (a country's full name, say).
func readCode(v mmdbdata.Cursor, to *string) (mmdbdata.Cursor, error) {
	if text, ok := readText(v); ok {
		if c := code(text); c != "" {
			*to = c
		}
	}
	return v.Skip()
}

func readContinent(v mmdbdata.Cursor, to *string) (mmdbdata.Cursor, error) {
	if text, ok := readText(v); ok {
		if c := code(text); IsContinent(c) {
			*to = c
		}
	}
	return v.Skip()
}

// readDegrees reads a number or a number in text.
func readDegrees(v mmdbdata.Cursor, to *coordinate) (mmdbdata.Cursor, error) {
	if text, ok := readText(v); ok {
		if d, err := strconv.ParseFloat(string(text), 64); err == nil && len(text) <= 32 {
			*to = coordinate{degrees: d, known: true}
		}
		return v.Skip()
	}
	if d, _, err := v.ReadFloat(); err == nil {
		*to = coordinate{degrees: d, known: true}
	}
	return v.Skip()
}

// readText gives a string value's bytes within the database: ReadMapKey reads
// any string, and unlike ReadString without making a copy of it.
func readText(v mmdbdata.Cursor) ([]byte, bool) {
	if kind, err := v.Kind(); err != nil || kind != mmdbdata.KindString {
		return nil, false
	}
	text, _, err := v.ReadMapKey()
	return text, err == nil
}
