package redirector

import (
	"math"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// Distances are compared as squared chords between points on the unit sphere:
// three subtractions and multiplications instead of the haversine formula, in
// the same order, and exact to centimetres also between close points.

// point is a place on the unit sphere.
type point struct{ x, y, z float64 }

// wholeEarth is beyond every squared chord (at most 4).
const wholeEarth = 5

// pointOf gives p's point, or false when p has no coordinates that exist.
func pointOf(p mirror.Place) (point, bool) {
	if !p.HasCoords || !(math.Abs(p.Lat) <= 90) || !(math.Abs(p.Lng) <= 360) {
		return point{}, false
	}
	const rad = math.Pi / 180
	sinLat, cosLat := math.Sincos(p.Lat * rad)
	sinLng, cosLng := math.Sincos(p.Lng * rad)
	return point{cosLat * cosLng, cosLat * sinLng, sinLat}, true
}

// chord gives the squared chord between two points.
func (a point) chord(b point) float64 {
	x, y, z := a.x-b.x, a.y-b.y, a.z-b.z
	return x*x + y*y + z*z
}

// arcOf turns a squared chord into an angle in radians, chordOf an angle of at
// most pi into a squared chord.
func arcOf(chord float64) float64 { return 2 * math.Asin(min(1, math.Sqrt(chord)/2)) }

func chordOf(arc float64) float64 {
	c := 2 * math.Sin(arc/2)
	return c * c
}

// kilometres gives a squared chord as a great-circle distance; -1 stays
// "unknown".
func kilometres(chord float64) float64 {
	if chord < 0 {
		return -1
	}
	return mirror.EarthRadiusKm * arcOf(chord)
}
