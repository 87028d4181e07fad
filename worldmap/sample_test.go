package worldmap

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
)

// element is one of a drawing, with what is in it.
type element struct {
	name     string
	attr     map[string]string
	text     string
	children []*element
}

// read reads markup, which has to be well-formed XML as well as HTML.
func read(t *testing.T, markup string) *element {
	t.Helper()
	root := &element{}
	stack := []*element{root}
	for d := xml.NewDecoder(strings.NewReader(markup)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return root.children[0]
		}
		if err != nil {
			t.Fatalf("%v: %s", err, markup[max(0, len(markup)-400):])
		}
		top := stack[len(stack)-1]
		switch token := token.(type) {
		case xml.StartElement:
			e := &element{name: token.Name.Local, attr: map[string]string{}}
			for _, a := range token.Attr {
				e.attr[a.Name.Local] = a.Value
			}
			top.children = append(top.children, e)
			stack = append(stack, e)
		case xml.EndElement:
			stack = stack[:len(stack)-1]
		case xml.CharData:
			top.text += string(token)
		}
	}
}

// all gives the elements of a name, in order.
func (e *element) all(name string) []*element {
	var found []*element
	for _, c := range e.children {
		if c.name == name {
			found = append(found, c)
		}
		found = append(found, c.all(name)...)
	}
	return found
}

// titles gives the labels of a drawing.
func (e *element) titles() []string {
	var all []string
	for _, t := range e.all("title") {
		all = append(all, t.text)
	}
	return all
}

// cities are where mirrors are, and how many of a hundred or so.
var cities = []struct {
	lat, lng float64
	mirrors  int
}{
	{52.5, 13.4, 6},
	{50.1, 8.7, 9},
	{48.1, 11.6, 5},
	{52.4, 4.9, 8},
	{51.5, -0.1, 7},
	{48.9, 2.3, 8},
	{59.3, 18.1, 5},
	{50.1, 14.4, 5},
	{41.9, 12.5, 2},
	{40.4, -3.7, 3},
	{37.8, -122.4, 8},
	{40.7, -74, 8},
	{41.9, -87.6, 5},
	{45.5, -73.6, 2},
	{-23.5, -46.6, 4},
	{-34.6, -58.4, 2},
	{-33.9, 18.4, 2},
	{35.7, 139.7, 6},
	{37.6, 127, 4},
	{25, 121.5, 5},
	{39.9, 116.4, 6},
	{1.35, 103.8, 4},
	{-33.9, 151.2, 3},
	{-36.8, 174.8, 1},
	{64.1, -21.9, 1},
	{21.3, -157.9, 1},
	{55.8, 37.6, 5},
	{28.6, 77.2, 3},
}

// sample has about n mirrors around the cities, a first choice in Tokyo and a
// client in California.
func sample(n int) *Map {
	r := rand.New(rand.NewPCG(1, 2))
	m := &Map{Title: "World map", Route: true}
	for len(m.Points) < n {
		c := cities[r.IntN(len(cities))]
		for range min(c.mirrors, n-len(m.Points)) {
			p := Point{Lat: c.lat + r.NormFloat64()*0.6, Lng: c.lng + r.NormFloat64()*0.9, Class: ClassMirror}
			if r.IntN(4) == 0 {
				p.Class = []Class{ClassLate, ClassOut, ClassDown}[r.IntN(3)]
			}
			p.Label = fmt.Sprintf("mirror%d.example.org", len(m.Points))
			p.URL = "https://" + p.Label + "/"
			m.Points = append(m.Points, p)
		}
	}
	m.Points = append(m.Points,
		Point{Lat: 37.4, Lng: -122, Class: ClassClient, Label: "You"},
		Point{Lat: 35.7, Lng: 139.7, Class: ClassBest, Label: "tokyo.example.org"})
	return m
}
