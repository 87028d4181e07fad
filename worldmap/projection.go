package worldmap

import "math"

// The map is the Natural Earth projection with a central meridian of 11.5° E: its
// edge runs through the Bering Strait and the Pacific, where it cuts no land, so
// that Chukotka is not torn from Russia. It ends at 57° S, a little beyond
// Cape Horn, and at 84° N, a little beyond Greenland.
const (
	// Width and Height are the size of the map in its own units, in which Project
	// gives places.
	Width, Height = 2000, 870

	// centre is the central meridian, in degrees east.
	centre = 11.5
	// north and south are the parallels at which the map ends, in degrees.
	north, south = 84, -57
)

// scale is how many units a radian is along the equator. The equator spans the
// width.
const scale = Width / (2 * math.Pi * 0.8707)

// top is the y of the northern edge of the map in units north of the equator.
var top = scale * rawY(north*math.Pi/180)

// Project gives where a place is on the map: x from the left, y from the top,
// in units of Width and Height. Latitudes are degrees north, longitudes degrees
// east. ok: the coordinates are those of a place, and it is on the map.
func Project(lat, lng float64) (x, y float64, ok bool) {
	if !(lat >= south && lat <= north) || !(lng >= -180 && lng <= 180) { // NaN, too
		return 0, 0, false
	}
	x, y = projectTurned(lat, math.Remainder(lng-centre, 360))
	return x, y, true
}

// projectTurned projects a place of any latitude whose longitude is in degrees
// east of the central meridian.
//
// The polynomials are those of B. Šavrič, B. Jenny, T. Patterson, D. Petrovič,
// L. Hurni: A polynomial equation for the Natural Earth projection. Cartography
// and Geographic Information Science 38 (2011), pages 363-372.
func projectTurned(lat, east float64) (x, y float64) {
	phi, lambda := lat*math.Pi/180, east*math.Pi/180
	p2 := phi * phi
	p4 := p2 * p2
	stretch := 0.8707 - 0.131979*p2 - 0.013791*p4 + p4*p4*(0.003971*p2-0.001529*p4)
	return Width/2 + scale*lambda*stretch, top - scale*rawY(phi)
}

// rawY is the distance of a parallel from the equator on a globe of radius 1.
func rawY(phi float64) float64 {
	p2 := phi * phi
	p4 := p2 * p2
	return phi * (1.007226 + p2*(0.015085+p4*(-0.044475+0.028874*p2-0.005916*p4)))
}
