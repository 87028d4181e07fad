package worldmap

import (
	"cmp"
	"math"
	"slices"
)

// spot is what is drawn at one place: a point, or several that are too near to
// one another to be told apart.
type spot struct {
	x, y   float64
	points []int // indexes of the map's
	class  Class
}

const (
	// near is how far points may be from the first of a spot that they join, in
	// units of the map: a little less than a point's diameter.
	near = 14
	// widest is the largest radius of a spot.
	widest = 40
	// cell is the side of the squares by which spots are found. What bears on one
	// is in it or beside it.
	cell = 2 * widest
)

// radius is that of a spot with several points: areas grow with their number.
func (s *spot) radius() float64 {
	if len(s.points) < 2 {
		return 8
	}
	return min(widest, 13+2*math.Sqrt(float64(len(s.points))))
}

// spots gathers the points that are drawn together, the spots with the most of
// them first, and those that are drawn alone, the client last.
func (m *Map) spots() (together, alone []spot) {
	g := grid{at: map[[2]int][]int{}}
	for i := range m.Points {
		p := &m.Points[i]
		x, y, ok := p.project()
		if !ok {
			continue
		}
		s := spot{x: x, y: y, points: []int{i}, class: p.Class.known()}
		if s.class.alone() {
			alone = append(alone, s)
		} else {
			g.add(s, nearby)
		}
	}
	together = g.spots
	for n := 0; n != len(together); { // what has taken others in is larger, and covers more
		n = len(together)
		together = merge(together)
	}
	for i := range together {
		together[i].class = m.mostly(&together[i])
	}
	slices.SortStableFunc(together, larger)
	slices.SortStableFunc(alone, func(a, b spot) int { return cmp.Compare(layer(a.class), layer(b.class)) })
	return together, alone
}

// merge lets large spots take in the smaller ones that would cover their number.
func merge(spots []spot) []spot {
	slices.SortStableFunc(spots, larger)
	g := grid{at: map[[2]int][]int{}}
	for i := range spots {
		g.add(spots[i], covered)
	}
	return g.spots
}

// larger sorts spots by how many points they have, those with the most first.
func larger(a, b spot) int { return cmp.Compare(len(b.points), len(a.points)) }

// nearby is how near a point has to be to a spot to become part of it.
func nearby(_, _ *spot) float64 { return near }

// covered is how near a smaller spot has to be to a larger one.
func covered(large, small *spot) float64 {
	if len(large.points) < 2 {
		return near
	}
	return 0.55*large.radius() + small.radius()
}

// mostly is the class that most points of a spot have, the first of classes of
// several.
func (m *Map) mostly(s *spot) Class {
	best, most := ClassMirror, 0
	for c, n := range m.counts(s) {
		if n > most {
			best, most = classes[c], n
		}
	}
	return best
}

// counts is how many points of a spot are of each of the classes.
func (m *Map) counts(s *spot) (n [len(classes)]int) {
	for _, i := range s.points {
		n[layer(m.Points[i].Class.known())]++
	}
	return n
}

// layer is a class's place in classes.
func layer(c Class) int { return slices.Index(classes[:], c) }

// grid finds spots by where they are.
type grid struct {
	spots []spot
	at    map[[2]int][]int // by square, as indexes of spots
}

// add puts a spot into the nearest one within reach, else beside the others.
func (g *grid) add(s spot, reach func(there, here *spot) float64) {
	column, row := int(s.x/cell), int(s.y/cell)
	into, least := -1, math.Inf(1)
	for c := column - 1; c <= column+1; c++ {
		for r := row - 1; r <= row+1; r++ {
			for _, i := range g.at[[2]int{c, r}] {
				o := &g.spots[i]
				if d := distance(o, &s); d < least && d < reach(o, &s) {
					into, least = i, d
				}
			}
		}
	}
	if into >= 0 {
		g.spots[into].points = append(g.spots[into].points, s.points...)
		return
	}
	square := [2]int{column, row}
	g.at[square] = append(g.at[square], len(g.spots))
	g.spots = append(g.spots, s)
}

// distance is not by math.Hypot, which takes care of numbers that no map has.
func distance(a, b *spot) float64 {
	dx, dy := a.x-b.x, a.y-b.y
	return math.Sqrt(dx*dx + dy*dy)
}
