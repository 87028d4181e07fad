package mirror

import (
	"fmt"
	"math"
	"net/netip"
)

// Place is where a mirror or client is. The zero value is an unknown place and
// matches nothing.
type Place struct {
	Continent string // two lower-case letters: af an as eu na oc sa; "" unknown
	Country   string // ISO 3166-1 alpha-2, lower case; "" unknown
	Lat, Lng  float64
	HasCoords bool // whether Lat and Lng are known (0,0 is a real place)
}

// Client is who asks, as far as selection needs to know.
type Client struct {
	Addr netip.Addr // unmapped; the zero Addr is an unknown client
	Place
	ASN    uint32       // autonomous system number; 0 unknown
	Prefix netip.Prefix // announced prefix that contains Addr; zero value: unknown
}

// EarthRadiusKm is the mean Earth radius (IUGG R1) in kilometres.
const EarthRadiusKm = 6371.0088

// DistanceKm is the great-circle distance between two places in kilometres by
// the haversine formula, or -1 when either has no coordinates.
func DistanceKm(a, b Place) float64 {
	if !a.HasCoords || !b.HasCoords {
		return -1
	}
	const rad = math.Pi / 180
	dLat, dLng := (b.Lat-a.Lat)*rad, (b.Lng-a.Lng)*rad
	h := math.Pow(math.Sin(dLat/2), 2) +
		math.Cos(a.Lat*rad)*math.Cos(b.Lat*rad)*math.Pow(math.Sin(dLng/2), 2)
	return 2 * EarthRadiusKm * math.Asin(math.Sqrt(min(1, h)))
}

// Tier is how close a mirror is to a client; lower is closer.
type Tier uint8

// The tiers in the order in which they are tried.
const (
	TierPrefix       Tier = iota // the client is in one of the mirror's prefixes
	TierAS                       // same autonomous system
	TierCountry                  // same country
	TierOtherCountry             // a country the mirror also serves
	TierRegion                   // same continent
	TierWorld                    // elsewhere
	TierLastResort               // for want of any other
	Tiers                        // number of tiers
)

// String gives the tier as X-MirrorBrain-Realm names it.
func (t Tier) String() string {
	switch t {
	case TierPrefix:
		return "prefix"
	case TierAS:
		return "as"
	case TierCountry:
		return "country"
	case TierOtherCountry:
		return "other_country"
	case TierRegion:
		return "region"
	case TierWorld:
		return "world"
	case TierLastResort:
		return "fallback" // as servers that are no mirrors
	}
	return fmt.Sprintf("tier(%d)", uint8(t))
}
