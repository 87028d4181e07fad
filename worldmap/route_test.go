package worldmap

import (
	"math"
	"strconv"
	"strings"
	"testing"
)

func TestRoute(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		from, to [2]float64
		parts    int // the line is in; -1: one or two
	}{
		{"across the Atlantic", [2]float64{40.7, -74}, [2]float64{50.1, 8.7}, 1},
		{"across the Pacific", [2]float64{37.4, -122}, [2]float64{35.7, 139.7}, 2},
		{"and back", [2]float64{35.7, 139.7}, [2]float64{37.4, -122}, 2},
		{"over the Pole", [2]float64{65, -150}, [2]float64{60, 25}, -1},
		{"along a meridian over the Pole", [2]float64{60, 11.5}, [2]float64{60, -168.5}, -1},
		{"within a city", [2]float64{52.5, 13.4}, [2]float64{52.4, 13.1}, 0},
		{"to the antipode", [2]float64{40, 10}, [2]float64{-40, -170}, 0},
		{"from the edge to itself", [2]float64{0, 180}, [2]float64{0, -180}, 0},
		{"from nowhere", [2]float64{math.NaN(), 0}, [2]float64{0, 0}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := &Map{Route: true, Points: []Point{
				{Lat: test.from[0], Lng: test.from[1], Class: ClassClient},
				{Lat: test.to[0], Lng: test.to[1], Class: ClassBest},
			}}
			d := route(t, m)
			if got := strings.Count(d, "M"); got != test.parts && (test.parts >= 0 || got < 1 || got > 2) {
				t.Fatalf("the line is in %d parts, want %d: %s", got, test.parts, d)
			}
			for part := range strings.SplitSeq(strings.TrimPrefix(d, "M"), "M") {
				smooth(t, part)
			}
		})
	}
}

// route is the path of the way on a map; "" is none.
func route(t *testing.T, m *Map) string {
	t.Helper()
	for _, p := range read(t, string(m.SVG())).all("path") {
		if p.attr["class"] == "mirrorbrain-map-route" {
			return p.attr["d"]
		}
	}
	return ""
}

// smooth fails where a line jumps from one side of the map to the other.
func smooth(t *testing.T, part string) {
	t.Helper()
	last := math.NaN()
	for step := range strings.SplitSeq(part, "L") {
		x, _, _ := strings.Cut(step, " ")
		if x == "" {
			continue
		}
		v, err := strconv.ParseFloat(x, 64)
		if err != nil || v < 0 || v > Width {
			t.Errorf("the step %q: %v", step, err)
		}
		if math.Abs(v-last) > Width/2 {
			t.Errorf("the line jumps from %.0f to %.0f", last, v)
		}
		last = v
	}
}

// The ends of the line are the points, and it bends towards the Pole.
func TestGreatCircle(t *testing.T) {
	t.Parallel()
	way := greatCircle(vector(50, -60), vector(50, 60))
	lat, east := coordinates(way[0])
	if math.Abs(lat-50) > 1e-9 || math.Abs(east+60+centre) > 1e-9 {
		t.Errorf("it begins at %g, %g", lat, east)
	}
	// tan(latitude of the middle) = tan(50°)/cos(60°).
	want := math.Atan(math.Tan(50*math.Pi/180)/math.Cos(60*math.Pi/180)) * 180 / math.Pi
	top := 0.
	for _, v := range way {
		lat, _ := coordinates(v)
		top = max(top, lat)
	}
	if math.Abs(top-want) > 0.5 {
		t.Errorf("its northernmost point is at %.2f, want %.2f", top, want)
	}
}
