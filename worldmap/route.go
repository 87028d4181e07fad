package worldmap

import "math"

const (
	// stride is how far the points of a way are apart, in radians.
	stride = 4 * math.Pi / 180
	// shortest is the way that is still drawn, in radians: about twice the size of
	// the points at its ends.
	shortest = 4 * math.Pi / 180
)

// appendRoute draws the way from the client to the best point.
func (m *Map) appendRoute(dst []byte) []byte {
	from, to := m.first(ClassClient), m.first(ClassBest)
	if from == nil || to == nil {
		return dst
	}
	way := greatCircle(vector(from.Lat, from.Lng), vector(to.Lat, to.Lng))
	if len(way) == 0 {
		return dst
	}
	dst = append(dst, `<path class="mirrorbrain-map-route" d="`...)
	dst = appendWay(dst, way)
	return append(dst, `"/>`...)
}

// first is the first point of a class that is on the map.
func (m *Map) first(c Class) *Point {
	for i := range m.Points {
		p := &m.Points[i]
		if _, _, ok := p.project(); ok && p.Class == c {
			return p
		}
	}
	return nil
}

// appendWay appends a way as path data; where it leaves the map at one side it
// comes back at the other.
func appendWay(dst []byte, way [][3]float64) []byte {
	var lastLat, lastEast float64
	for i, v := range way {
		lat, east := coordinates(v)
		switch {
		case i == 0:
			dst = appendStep(dst, 'M', lat, east)
		case math.Abs(east-lastEast) > 180:
			side := math.Copysign(180, lastEast)
			// How much of the step lies before the edge.
			part := (side - lastEast) / (east + 2*side - lastEast)
			edge := lastLat + (lat-lastLat)*part
			dst = appendStep(dst, 'L', edge, side)
			dst = appendStep(dst, 'M', edge, -side)
			dst = appendStep(dst, 'L', lat, east)
		default:
			dst = appendStep(dst, 'L', lat, east)
		}
		lastLat, lastEast = lat, east
	}
	return dst
}

func appendStep(dst []byte, command byte, lat, east float64) []byte {
	x, y := projectTurned(lat, east)
	return appendPair(append(dst, command), x, y)
}

// greatCircle gives points along the shortest way between two places, both of
// them included; none where it is too short to be seen, or where any way is as
// short as another.
func greatCircle(a, b [3]float64) [][3]float64 {
	angle := math.Acos(max(-1, min(1, a[0]*b[0]+a[1]*b[1]+a[2]*b[2])))
	sin := math.Sin(angle)
	if angle < shortest || sin < 1e-6 {
		return nil
	}
	steps := int(math.Ceil(angle / stride))
	way := make([][3]float64, 0, steps+1)
	for i := range steps + 1 {
		t := float64(i) / float64(steps)
		u, v := math.Sin((1-t)*angle)/sin, math.Sin(t*angle)/sin
		way = append(way, [3]float64{u*a[0] + v*b[0], u*a[1] + v*b[1], u*a[2] + v*b[2]})
	}
	return way
}

// vector is a place on a globe of radius 1.
func vector(lat, lng float64) [3]float64 {
	lat, lng = lat*math.Pi/180, lng*math.Pi/180
	return [3]float64{math.Cos(lat) * math.Cos(lng), math.Cos(lat) * math.Sin(lng), math.Sin(lat)}
}

// coordinates gives the latitude of a place, and its longitude in degrees east
// of the central meridian.
func coordinates(v [3]float64) (lat, east float64) {
	lat = math.Asin(max(-1, min(1, v[2]))) * 180 / math.Pi
	lng := math.Atan2(v[1], v[0]) * 180 / math.Pi
	return lat, math.Remainder(lng-centre, 360)
}
