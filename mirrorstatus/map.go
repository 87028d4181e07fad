package mirrorstatus

import (
	"html/template"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/worldmap"
)

// onMap are the classes of states on the map.
var onMap = map[string]worldmap.Class{
	classUp: worldmap.ClassMirror, classLate: worldmap.ClassLate, classOut: worldmap.ClassOut, classDown: worldmap.ClassDown,
}

// worldMap draws mirrors where they are; nothing, if no place is known.
func worldMap(w words, list []*Mirror, l layout) (svg, legend template.HTML, off string) {
	m := worldmap.Map{Title: w.Status.Map, More: w.Status.MapMore}
	without := 0
	for _, one := range list {
		if !one.HasCoords {
			without++
			continue
		}
		m.Points = append(m.Points, worldmap.Point{
			Lat: one.Lat, Lng: one.Lng, Class: onMap[classOf(one.State)], Label: one.Name, URL: l.page(one),
		})
	}
	without += m.Missing()
	if without == len(list) {
		return "", "", ""
	}
	if without > 0 {
		off = w.Count(w.Status.OffMap, int64(without))
	}
	named := map[worldmap.Class]string{}
	for class, on := range onMap {
		named[on] = w.Status.Classes[class]
	}
	return m.SVG(), m.Legend(named), off
}
