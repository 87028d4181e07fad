package worldmap

import (
	"html/template"
	"slices"
	"strconv"
)

// Map is a map of the world with points on it. The zero value has only the land.
type Map struct {
	// Title is what the map is called for those who do not see it; what it shows
	// should be on the page in words, too.
	Title string
	// Points may be in any order. Those without a place on the map, and those
	// whose coordinates are none (NaN, more than 180 degrees), are left out.
	Points []Point
	// Route draws the way from the first client to the first best point, the
	// shortest one on the globe.
	Route bool
	// More ends the list of the names of many points at one place; its %d is how
	// many are not named. "" is "and %d more".
	More string
}

// Point is something at a place.
type Point struct {
	Lat, Lng float64 // degrees north and east
	Class    Class
	Label    string // shown when pointed at; markup in it is text
	// URL is where a click leads: an http or https URL, or one relative to the
	// page. Anything else is not linked, nor are several points that are drawn as
	// one. The links are left out when one goes through the page by keyboard,
	// which should have them in the list that goes with the map.
	URL string
}

// SVG is the map as an element of HTML.
func (m *Map) SVG() template.HTML {
	return template.HTML(m.Append(nil)) //nolint:gosec // all text in it is escaped
}

// Append appends the map as an element of HTML.
func (m *Map) Append(dst []byte) []byte {
	spots, alone := m.spots()
	dst = append(dst, `<svg class="mirrorbrain-map" viewBox="0 0 `...)
	dst = append(dst, strconv.Itoa(Width)+" "+strconv.Itoa(Height)...)
	// An img has no links in it for those who do not see it.
	role := `" role="img" aria-label="`
	if m.linked(spots, alone) {
		role = `" role="group" aria-label="`
	}
	// No <title>: it would be shown wherever one points.
	dst = appendText(append(dst, role...), m.Title)
	dst = append(dst, `"><path class="mirrorbrain-map-land" d="`...)
	dst = append(append(dst, outline...), `"/>`...)
	if m.Route {
		dst = m.appendRoute(dst)
	}
	for i := range spots {
		dst = m.appendSpot(dst, &spots[i])
	}
	for i := range alone {
		dst = m.appendSpot(dst, &alone[i])
	}
	return append(dst, "</svg>"...)
}

// Missing is how many points have no place on the map.
func (m *Map) Missing() int {
	n := 0
	for i := range m.Points {
		if _, _, ok := m.Points[i].project(); !ok {
			n++
		}
	}
	return n
}

func (p *Point) project() (x, y float64, ok bool) { return Project(p.Lat, p.Lng) }

// linked reports whether there is a link on the map.
func (m *Map) linked(lists ...[]spot) bool {
	for _, list := range lists {
		if slices.ContainsFunc(list, func(s spot) bool { return m.link(&s) != "" }) {
			return true
		}
	}
	return false
}
