package main

import (
	"math"
	"strconv"
)

// step is a point on the grid of whole units.
type step struct{ x, y int }

// round puts a ring on the grid, without points that are the same as, or on the
// straight line between, their neighbours.
func round(ring []point) []step {
	var r []step
	for _, p := range ring {
		r = appendStep(r, step{int(math.Round(p.x)), int(math.Round(p.y))})
	}
	for len(r) > 2 && idle(r[len(r)-2], r[len(r)-1], r[0]) {
		r = r[:len(r)-1]
	}
	for len(r) > 2 && idle(r[len(r)-1], r[0], r[1]) {
		r = r[1:]
	}
	return r
}

func appendStep(r []step, s step) []step {
	for len(r) > 1 && idle(r[len(r)-2], r[len(r)-1], s) {
		r = r[:len(r)-1]
	}
	if len(r) > 0 && r[len(r)-1] == s {
		return r
	}
	return append(r, s)
}

// idle reports whether b is on the line through a and c, and so shows nothing.
func idle(a, b, c step) bool {
	return (b.x-a.x)*(c.y-a.y) == (c.x-a.x)*(b.y-a.y)
}

// dot stands for an island that is too small for the grid.
func dot(at point) []step {
	x, y := int(math.Round(at.x)), int(math.Round(at.y))
	return []step{{x - 1, y}, {x, y - 1}, {x + 1, y}, {x, y + 1}}
}

// path writes rings as SVG path data (SVG 2, section 9.3) in as few bytes as can
// be: everything but the first point is relative, and the lines need no letter.
func path(rings [][]step) []byte {
	var b []byte
	var at step
	for _, r := range rings {
		b = append(b, 'm')
		b = appendPair(b, r[0].x-at.x, r[0].y-at.y)
		for i, p := range r[1:] {
			b = appendPair(b, p.x-r[i].x, p.y-r[i].y)
		}
		b = append(b, 'z')
		at = r[0] // where z leads
	}
	return b
}

func appendPair(b []byte, x, y int) []byte {
	for _, n := range [2]int{x, y} {
		if last := b[len(b)-1]; n >= 0 && last >= '0' && last <= '9' {
			b = append(b, ' ')
		}
		b = strconv.AppendInt(b, int64(n), 10)
	}
	return b
}
