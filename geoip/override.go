package geoip

import (
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// Override says where the addresses of a network are, whatever the databases
// say: for networks that no database knows (an intranet), and for errors.
type Override struct {
	// The network, such as `10.0.0.0/8`, or a single address. The narrowest one
	// that has an address counts.
	Network string `json:"network,omitempty"`

	// The place: a country by its two letters. It takes the whole place, with the
	// coordinates, from what the databases say. Default: the place stays as it is.
	Country string `json:"country,omitempty"`

	// The continent, for a place without a country, or where it is not to be that
	// of the country. Default: the country's.
	Continent string `json:"continent,omitempty"`

	// The coordinates in degrees, both or none. Default: not known.
	Lat *float64 `json:"lat,omitempty"`
	Lng *float64 `json:"lng,omitempty"`

	// Whether the place is not known. Default: false.
	Unknown bool `json:"unknown,omitempty"`

	// The number of the autonomous system; 0: of none. Default: as the databases
	// say.
	ASN *uint32 `json:"asn,omitempty"`
}

// String gives the override as a line of rules.
func (o Override) String() string {
	words := []string{"override", o.Network}
	add := func(key, value string) {
		if value != "" {
			words = append(words, key+"="+value)
		}
	}
	if o.Unknown {
		words = append(words, "unknown")
	}
	add("country", o.Country)
	add("continent", o.Continent)
	if o.Lat != nil {
		add("lat", strconv.FormatFloat(*o.Lat, 'f', -1, 64))
	}
	if o.Lng != nil {
		add("lng", strconv.FormatFloat(*o.Lng, 'f', -1, 64))
	}
	if o.ASN != nil {
		add("asn", strconv.FormatUint(uint64(*o.ASN), 10))
	}
	return strings.Join(words, " ")
}

// parseOverride reads what follows the word override.
func parseOverride(words []string) (o Override, err error) {
	if len(words) < 2 {
		return o, fmt.Errorf("write for example: override 10.0.0.0/8 country=de")
	}
	o.Network = words[0]
	seen := map[string]bool{}
	for _, word := range words[1:] {
		if word == "unknown" {
			o.Unknown = true
			continue
		}
		key, value, ok := strings.Cut(word, "=")
		if !ok || value == "" {
			return o, fmt.Errorf("%q is neither unknown nor one of country=, continent=, lat=, lng=, asn=", word)
		}
		if seen[key] {
			return o, fmt.Errorf("%s= is given twice", key)
		}
		seen[key] = true
		if err := o.set(key, value); err != nil {
			return o, err
		}
	}
	return o, nil
}

func (o *Override) set(key, value string) error {
	degrees := func(to **float64) error {
		d, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return fmt.Errorf("%s=%s: is no number of degrees", key, value)
		}
		*to = &d
		return nil
	}
	switch key {
	case "country":
		o.Country = value
	case "continent":
		o.Continent = value
	case "lat":
		return degrees(&o.Lat)
	case "lng":
		return degrees(&o.Lng)
	case "asn":
		n, err := strconv.ParseUint(trimAS(value), 10, 32)
		if err != nil {
			return fmt.Errorf("asn=%s: is no AS number", value)
		}
		asn := uint32(n)
		o.ASN = &asn
	default:
		return fmt.Errorf("%q is not one of country=, continent=, lat=, lng=, asn=", key+"=")
	}
	return nil
}

func trimAS(s string) string {
	if len(s) > 2 && strings.EqualFold(s[:2], "as") {
		return s[2:]
	}
	return s
}

// override is an Override made ready.
type override struct {
	network netip.Prefix
	place   mirror.Place
	placed  bool // place counts
	fixed   bool // so does its continent, whatever the country counts as
	asn     uint32
	netted  bool // asn counts
}

func (o Override) compile() (*override, error) {
	out := new(override)
	var err error
	if out.network, err = parseNetwork(o.Network); err != nil {
		return nil, err
	}
	if o.ASN != nil {
		out.asn, out.netted = *o.ASN, true
	}
	out.placed = o.Unknown || o.Country != "" || o.Continent != ""
	switch {
	case o.Unknown && (o.Country != "" || o.Continent != "" || o.Lat != nil || o.Lng != nil):
		return nil, fmt.Errorf("%s: a place that is unknown has neither country nor coordinates", o.Network)
	case !out.placed && (o.Lat != nil || o.Lng != nil):
		return nil, fmt.Errorf("%s: coordinates need a country, too", o.Network)
	case !out.placed && !out.netted:
		return nil, fmt.Errorf("%s: give country=, continent=, asn= or unknown", o.Network)
	}
	if err := o.compilePlace(out); err != nil {
		return nil, fmt.Errorf("%s: %w", o.Network, err)
	}
	return out, nil
}

func (o Override) compilePlace(out *override) (err error) {
	if o.Country != "" {
		if out.place.Country, err = countryCode(o.Country); err != nil {
			return err
		}
		out.place.Continent = Continent(out.place.Country)
	}
	if o.Continent != "" {
		if out.place.Continent, err = continentCode(o.Continent); err != nil {
			return err
		}
		out.fixed = true
	}
	switch {
	case o.Lat == nil && o.Lng == nil:
		return nil
	case o.Lat == nil || o.Lng == nil:
		return fmt.Errorf("latitude and longitude belong together")
	case !(math.Abs(*o.Lat) <= 90) || !(math.Abs(*o.Lng) <= 180): // NaN too
		return fmt.Errorf("coordinates %v, %v: latitudes go from -90 to 90, longitudes from -180 to 180", *o.Lat, *o.Lng)
	}
	out.place.Lat, out.place.Lng, out.place.HasCoords = *o.Lat, *o.Lng, true
	return nil
}

// parseNetwork reads a CIDR or an address. What is no network as it stands is
// more likely a slip than meant.
func parseNetwork(s string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	if a, aerr := netip.ParseAddr(s); aerr == nil && a.Zone() == "" {
		p, err = netip.PrefixFrom(a, a.BitLen()), nil
	}
	switch {
	case err != nil:
		return p, fmt.Errorf("%q is no network such as 192.0.2.0/24 or 2001:db8::/32", s)
	case p.Addr().Is4In6():
		return p, fmt.Errorf("%s: write IPv4 networks without ::ffff", s)
	case p != p.Masked():
		return p, fmt.Errorf("%s has bits beyond its length: is %s meant?", s, p.Masked())
	}
	return p, nil
}

func countryCode(s string) (string, error) {
	c := code(s)
	switch {
	case c != "" && Continent(c) != "":
		return c, nil
	case IsContinent(c):
		return "", fmt.Errorf("%s is no country; continents are written with @: @%s", s, c)
	}
	return "", fmt.Errorf("%q is no country: two letters of ISO 3166-1 are", s)
}

// continentCode reads a continent where nothing else can stand, so that the @
// may be left out.
func continentCode(s string) (string, error) {
	c := code(strings.TrimPrefix(s, "@"))
	if !IsContinent(c) {
		return "", fmt.Errorf("%q is no continent: @af, @an, @as, @eu, @na, @oc and @sa are", s)
	}
	return c, nil
}
