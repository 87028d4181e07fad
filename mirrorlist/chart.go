package mirrorlist

import (
	"html/template"
	"strings"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/page"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/worldmap"
)

// chart is the map of a list: the mirrors, those that are out, and the client if
// the list is for one whose place is known. nil: no mirror is on it.
func chart(m words, f *File) *worldmap.Map {
	c := &worldmap.Map{Title: m.List.Map.Title, More: m.List.Map.More, Route: true}
	for i := range f.Sources {
		s := &f.Sources[i]
		if s.Kind != mirror.SourceMirror {
			continue
		}
		p := point(m, worldmap.ClassMirror, s.Name, s.Place)
		p.URL = "#" + rowID(i)
		if f.Client != nil {
			p.Label = join(p.Label, m.Distance(s.DistanceKm))
			if i == 0 {
				p.Class = worldmap.ClassBest
			}
		}
		c.Points = append(c.Points, p)
	}
	for i := range f.Excluded {
		e := &f.Excluded[i]
		p := point(m, worldmap.ClassOut, e.Name, e.Place)
		if e.Down {
			p.Class = worldmap.ClassDown
		}
		p.Label = join(p.Label, page.Readable(e.Reason))
		c.Points = append(c.Points, p)
	}
	if c.Missing() == len(c.Points) {
		return nil
	}
	if f.Client != nil && f.Client.HasCoords {
		p := point(m, worldmap.ClassClient, m.List.Map.Client, f.Client.Place)
		c.Points = append(c.Points, p)
	}
	return c
}

// point places something on the map. What has no coordinates gets none that are.
func point(m words, class worldmap.Class, name string, at mirror.Place) worldmap.Point {
	_, country := m.Country(at.Country)
	p := worldmap.Point{Lat: at.Lat, Lng: at.Lng, Class: class, Label: join(page.Readable(name), country)}
	if !at.HasCoords {
		p.Lat, p.Lng = worldmap.Nowhere, worldmap.Nowhere
	}
	return p
}

// join puts what is known into one line.
func join(parts ...string) string {
	known := parts[:0]
	for _, p := range parts {
		if p != "" {
			known = append(known, p)
		}
	}
	return strings.Join(known, ", ")
}

// HasMap reports whether there is something to show on a map, and it is wanted.
func (v *view) HasMap() bool { return v.chart != nil }

// Map is a map of the world with the mirrors on it; "" for none.
func (v *view) Map() template.HTML {
	if v.chart == nil {
		return ""
	}
	return v.chart.SVG()
}

// MapLegend says what the shapes on the map are.
func (v *view) MapLegend() template.HTML {
	if v.chart == nil {
		return ""
	}
	w := &v.words.List.Map
	return v.chart.Legend(map[worldmap.Class]string{
		worldmap.ClassClient: w.Client, worldmap.ClassBest: w.Best, worldmap.ClassMirror: w.Mirror, worldmap.ClassOut: w.Out, worldmap.ClassDown: w.Down,
	})
}

// MapMissing says how many mirrors are not on the map; "" for none.
func (v *view) MapMissing() string {
	if v.chart == nil {
		return ""
	}
	if n := v.chart.Missing(); n > 0 {
		return v.words.Count(v.words.List.Map.Missing, int64(n))
	}
	return ""
}
