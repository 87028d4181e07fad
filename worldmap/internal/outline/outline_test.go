package main

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A square that is made of an arc and another backwards, and an island that
// crosses the 180th meridian.
const topo = `{"type":"Topology","transform":{"scale":[0.1,0.1],"translate":[-180,-90]},
"objects":{"land":{"type":"GeometryCollection","geometries":[{"type":"MultiPolygon","arcs":[[[0,-2]],[[2]]]}]}},
"arcs":[[[1800,900],[100,0],[0,100]],[[1800,900],[0,100],[100,0]],[[3590,900],[-3580,0],[0,10],[3580,0],[0,-10]]]}`

func TestRings(t *testing.T) {
	t.Parallel()
	got, err := rings([]byte(topo))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range got {
		for i := range r {
			r[i] = place{math.Round(r[i].lat), math.Round(r[i].east)}
		}
	}
	want := [][]place{
		{{0, 0}, {0, 10}, {10, 10}, {10, 0}},
		{{0, 179}, {0, 181}, {1, 181}, {1, 179}},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(place{})); diff != "" {
		t.Error(diff)
	}
	for name, bad := range map[string]string{
		"no JSON":      "{",
		"no land":      `{"objects":{"countries":{}}}`,
		"another kind": strings.Replace(topo, "MultiPolygon", "LineString", 1),
		"no such arc":  strings.Replace(topo, "[[2]]", "[[7]]", 1),
		"too short":    strings.Replace(topo, "[[0,-2]]", "[[0]]", 1),
	} {
		if _, err := rings([]byte(bad)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestSimplify(t *testing.T) {
	t.Parallel()
	ring := []point{{1200, 500}, {1250, 500.1}, {1300, 500}, {1300, 600}, {1250, 600}, {1250.1, 650}, {1249.9, 600}, {1200, 600}}
	want := []point{{1200, 500}, {1300, 500}, {1300, 600}, {1200, 600}}
	if got := simplify(ring, 20, 4); !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	if got := simplify(ring, math.Inf(1), 5); len(got) != 5 {
		t.Errorf("%d points are left", len(got))
	}
	if got := area(want); got != 10_000 {
		t.Errorf("the area is %g", got)
	}
}

func TestPath(t *testing.T) {
	t.Parallel()
	shape := round([]point{{0.4, 0.2}, {5, 0}, {10, 0.3}, {10, 5}, {10.2, 5.1}, {9.9, 10}, {0, 10}, {0, 5}})
	if want := []step{{0, 0}, {10, 0}, {10, 10}, {0, 10}}; !slices.Equal(shape, want) {
		t.Errorf("rounded to %v", shape)
	}
	if got, want := string(path([][]step{shape, dot(point{20, 7})})), "m0 0 10 0 0 10-10 0zm19 7 1-1 1 1-1 1z"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestCoasts(t *testing.T) {
	t.Parallel()
	land := [][]place{
		{{10, 10}, {10, 30}, {30, 30}, {30, 10}},                                 // large
		{{1.2, 103.7}, {1.2, 103.9}, {1.4, 103.9}, {1.4, 103.7}},                 // Singapore
		{{0, -30}, {0, -29.9}, {0.1, -29.9}, {0.1, -30}},                         // tiny
		{{53, -168.9}, {53, -168}, {54, -168}, {54, -168.9}},                     // at the edge of the map
		{{-89, -180}, {-70, -90}, {-70, 0}, {-70, 90}, {-70, 180}, {-89.5, 180}}, // around the Pole
	}
	shapes, points, err := coasts(land, 7, 7)
	if err != nil || len(shapes) != 2 || points < 7 || points > 8 {
		t.Errorf("%d shapes of %d points, %v", len(shapes), points, err)
	}
	var wide []place
	for i := range 120 {
		wide = append(wide, place{float64(i % 3), -169.5 + float64(i)/60})
	}
	if _, _, err := coasts([][]place{wide}, 7, 7); err == nil {
		t.Error("land is cut by the edge of the map")
	}
}
