package worldmap

import (
	"math"
	"testing"
)

// The pole is at 0.52 of half the length of the equator, as its authors say.
func TestProjectionShape(t *testing.T) {
	t.Parallel()
	if got := rawY(math.Pi/2) / (math.Pi * 0.8707); math.Abs(got-0.52) > 0.0005 {
		t.Errorf("height to width: %.4f, want 0.52", got)
	}
	left, _ := projectTurned(0, -180)
	right, _ := projectTurned(0, 180)
	if math.Abs(left) > 1e-9 || math.Abs(right-Width) > 1e-9 {
		t.Errorf("the equator goes from %g to %g", left, right)
	}
	if _, bottom, _ := Project(south, 0); bottom > Height || bottom < Height-1 {
		t.Errorf("the map ends at %g", bottom)
	}
	if _, y, _ := Project(north, 0); math.Abs(y) > 1e-9 {
		t.Errorf("the map begins at %g", y)
	}
}

func TestProject(t *testing.T) {
	t.Parallel()
	nan := math.NaN()
	for _, test := range []struct {
		name     string
		lat, lng float64
		ok       bool
	}{
		{"null island", 0, 0, true},
		{"northern edge", 84, 0, true},
		{"southern edge", -57, 0, true},
		{"date line", 10, 180, true},
		{"date line from the other side", 10, -180, true},
		{"North Pole", 90, 0, false},
		{"South Pole", -90, 0, false},
		{"McMurdo", -77.8, 166.7, false},
		{"no latitude", 91, 0, false},
		{"no longitude", 0, 180.1, false},
		{"no longitude west", 0, -181, false},
		{"not a number", nan, 0, false},
		{"not a number east", 0, nan, false},
		{"infinite", math.Inf(1), 0, false},
		{"infinite east", 0, math.Inf(-1), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			x, y, ok := Project(test.lat, test.lng)
			if ok != test.ok {
				t.Fatalf("ok is %v", ok)
			}
			if ok && (x < 0 || x > Width || y < 0 || y > Height) {
				t.Errorf("%g, %g is not on the map", x, y)
			}
		})
	}
	x1, y1, _ := Project(-18, 180)
	x2, y2, _ := Project(-18, -180)
	if math.Abs(x1-x2) > 1e-9 || y1 != y2 {
		t.Errorf("the date line is at %g and %g", x1, x2)
	}
}

// Cities stand on the outlines, and places at sea do not: so the outlines and the
// points are of one projection.
func TestCitiesOnLand(t *testing.T) {
	t.Parallel()
	land := parse(t, outline)
	for _, test := range []struct {
		name     string
		lat, lng float64
		land     bool
	}{
		{"Berlin", 52.52, 13.4, true},
		{"Madrid", 40.4, -3.7, true},
		{"Birmingham", 52.48, -1.9, true},
		{"Stockholm county", 59.4, 17.5, true},
		{"Kansas City", 39.1, -94.6, true},
		{"Manaus", -3.1, -60, true},
		{"Nairobi", -1.3, 36.8, true},
		{"Novosibirsk", 55, 82.9, true},
		{"Delhi", 28.6, 77.2, true},
		{"Alice Springs", -23.7, 133.9, true},
		{"Nagano", 36.6, 138.2, true},
		{"central Taiwan", 23.8, 121, true},
		{"Anadyr", 65.5, 173, true},
		{"Bilibino, west of the date line", 67.5, 179, true},
		{"Egvekinot, east of it", 66.6, -178.5, true},
		{"Hamilton, New Zealand", -37.8, 175.5, true},
		{"central Iceland", 64.8, -18.5, true},
		{"Hawaii", 19.6, -155.5, true},
		{"Nuuk fjord", 67, -48, true},
		{"North Sea", 56, 3, false},
		{"Baltic", 58, 20, false},
		{"Adriatic", 43, 15, false},
		{"Biscay", 45, -5, false},
		{"Black Sea", 43, 34, false},
		{"Caspian", 42, 50.5, false},
		{"Sea of Japan", 40, 135, false},
		{"Taiwan Strait", 24.3, 119.4, false},
		{"Tasman Sea", -38, 162, false},
		{"Hudson Bay", 60, -86, false},
		{"Gulf of Mexico", 25, -90, false},
		{"Mozambique Channel", -20, 40, false},
		{"mid-Atlantic", 30, -40, false},
		{"mid-Pacific", 0, -150, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			x, y, ok := Project(test.lat, test.lng)
			if !ok || inside(land, x, y) != test.land {
				t.Errorf("at %.1f, %.1f: on the map %v, on land %v", x, y, ok, !test.land)
			}
		})
	}
}

func BenchmarkProject(b *testing.B) {
	for b.Loop() {
		Project(52.5, 13.4)
	}
}
