package worldmap

import (
	"fmt"
	"math"
	"strconv"
)

// named is how many points of a spot are named at most.
const named = 12

// appendSpot draws a spot: the shape of its class, or a disc with the number of
// its points.
func (m *Map) appendSpot(dst []byte, s *spot) []byte {
	dst = append(dst, `<g class="mirrorbrain-map-`...)
	if len(s.points) > 1 {
		dst = append(dst, "many mirrorbrain-map-"...)
	}
	dst = append(append(dst, s.class...), `" transform="translate(`...)
	dst = appendPair(dst, s.x, s.y)
	dst = append(dst, `)">`...)
	link := m.link(s)
	if link != "" {
		dst = append(dst, `<a tabindex="-1" href="`...)
		dst = append(appendText(dst, link), `">`...)
	}
	dst = m.appendLabels(dst, s)
	if len(s.points) > 1 {
		dst = m.appendDisc(dst, s)
	} else {
		dst = append(dst, shapes[s.class]...)
	}
	if link != "" {
		dst = append(dst, "</a>"...)
	}
	return append(dst, "</g>"...)
}

// link is where a spot leads; "" is nowhere.
func (m *Map) link(s *spot) string {
	if len(s.points) != 1 {
		return ""
	}
	return safe(m.Points[s.points[0]].URL)
}

// appendLabels names what is at a spot, one point a line.
func (m *Map) appendLabels(dst []byte, s *spot) []byte {
	start := len(dst)
	dst = append(dst, "<title>"...)
	empty := len(dst)
	for n, i := range s.points {
		if n == named && len(s.points) > named+1 {
			dst = append(dst, '\n')
			dst = appendText(dst, fmt.Sprintf(m.more(), len(s.points)-n))
			break
		}
		if len(dst) > empty {
			dst = append(dst, '\n')
		}
		dst = appendText(dst, m.Points[i].Label)
	}
	if len(dst) == empty {
		return dst[:start]
	}
	return append(dst, "</title>"...)
}

func (m *Map) more() string {
	if m.More == "" {
		return "and %d more"
	}
	return m.More
}

// appendDisc draws a disc with a number, and around it, for each class but the
// disc's own, an arc as long as its part of the points.
func (m *Map) appendDisc(dst []byte, s *spot) []byte {
	r := s.radius()
	dst = append(dst, `<circle r="`...)
	dst = append(appendNumber(dst, r), `"/>`...)
	done := 0.
	for c, n := range m.counts(s) {
		if n == 0 || classes[c] == s.class {
			continue
		}
		part := 100 * float64(n) / float64(len(s.points))
		dst = append(dst, `<circle class="mirrorbrain-map-part mirrorbrain-map-`...)
		dst = append(append(dst, classes[c]...), `" pathLength="100" stroke-dasharray="`...)
		dst = appendPair(dst, part, 100-part)
		dst = append(dst, `" stroke-dashoffset="`...)
		dst = appendNumber(dst, 25-done) // from the top, clockwise
		dst = append(dst, `" r="`...)
		dst = append(appendNumber(dst, r-2.5), `"/>`...)
		done += part
	}
	digits := strconv.Itoa(len(s.points))
	dst = append(dst, `<text dy=".35em" font-size="`...)
	dst = appendNumber(dst, r*1.15*math.Pow(0.85, float64(len(digits)-1)))
	return append(append(append(dst, `">`...), digits...), "</text>"...)
}

// appendPair appends two numbers.
func appendPair(dst []byte, a, b float64) []byte {
	return appendNumber(append(appendNumber(dst, a), ' '), b)
}

// appendNumber appends a number with at most one decimal.
func appendNumber(dst []byte, v float64) []byte {
	dst = strconv.AppendFloat(dst, v, 'f', 1, 64)
	if n := len(dst); dst[n-1] == '0' {
		return dst[:n-2]
	}
	return dst
}
