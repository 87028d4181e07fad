package main

import (
	"encoding/json"
	"fmt"
	"math"
)

// topology is the part of TopoJSON that outlines of land need (The TopoJSON
// Format Specification, version 1.0, sections 2.1 and 2.2): polygons of
// quantised arcs.
type topology struct {
	Transform struct {
		Scale, Translate [2]float64
	}
	Objects struct {
		Land struct {
			Geometries []struct {
				Type string
				Arcs [][][]int
			}
		}
	}
	Arcs [][][2]float64
}

// place is a place in degrees; east is that of the longitude, and may lie beyond
// ±180 where a ring goes on there.
type place struct{ lat, east float64 }

// rings reads the rings of all polygons, each without the repetition of its
// first place at its end.
func rings(data []byte) ([][]place, error) {
	var t topology
	if err := json.Unmarshal(data, &t); err != nil {
		return nil, fmt.Errorf("reading TopoJSON: %w", err)
	}
	var all [][]place
	for _, g := range t.Objects.Land.Geometries {
		if g.Type != "MultiPolygon" {
			return nil, fmt.Errorf("the land has a %s; only a MultiPolygon is known", g.Type)
		}
		for _, polygon := range g.Arcs {
			for _, arcs := range polygon {
				r, err := t.ring(arcs)
				if err != nil {
					return nil, err
				}
				all = append(all, r)
			}
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("the TopoJSON has no object land")
	}
	return all, nil
}

// ring joins arcs, each of which begins where the one before it ends. ~i is arc
// i backwards.
func (t *topology) ring(arcs []int) ([]place, error) {
	var r []place
	for _, i := range arcs {
		backwards := i < 0
		if backwards {
			i = ^i
		}
		if i >= len(t.Arcs) {
			return nil, fmt.Errorf("there is no arc %d", i)
		}
		part := t.arc(i)
		if backwards {
			for a, b := 0, len(part)-1; a < b; a, b = a+1, b-1 {
				part[a], part[b] = part[b], part[a]
			}
		}
		if len(r) > 0 {
			part = part[1:]
		}
		r = append(r, part...)
	}
	if len(r) < 4 {
		return nil, fmt.Errorf("a ring of %d places", len(r))
	}
	return unwrap(r[:len(r)-1]), nil
}

// arc undoes the quantisation of an arc: each position is the difference from
// the one before it.
func (t *topology) arc(i int) []place {
	part := make([]place, 0, len(t.Arcs[i]))
	var x, y float64
	for _, p := range t.Arcs[i] {
		x, y = x+p[0], y+p[1]
		part = append(part, place{
			lat:  y*t.Transform.Scale[1] + t.Transform.Translate[1],
			east: x*t.Transform.Scale[0] + t.Transform.Translate[0],
		})
	}
	return part
}

// unwrap lets a ring that crosses the 180th meridian go on beyond it.
func unwrap(r []place) []place {
	for i := range r[1:] {
		r[i+1].east += 360 * math.Round((r[i].east-r[i+1].east)/360)
	}
	return r
}
