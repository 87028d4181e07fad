package worldmap

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
)

type vertex struct{ x, y float64 }

var (
	onlyPath = regexp.MustCompile(`^(m[-0-9 ]+z)+$`)
	numbers  = regexp.MustCompile(`-?[0-9]+`)
)

// parse reads the rings of the outline.
func parse(t *testing.T, path string) [][]vertex {
	t.Helper()
	if !onlyPath.MatchString(path) {
		t.Fatalf("the outline is not made of relative rings: %.80q", path)
	}
	var rings [][]vertex
	var at vertex
	for ring := range strings.SplitSeq(strings.TrimSuffix(path, "z"), "z") {
		fields := numbers.FindAllString(ring, -1)
		if len(fields)%2 != 0 || len(fields) < 6 {
			t.Fatalf("a ring of %d numbers: %q", len(fields), ring)
		}
		var r []vertex
		for i := 0; i < len(fields); i += 2 {
			dx, _ := strconv.Atoi(fields[i])
			dy, _ := strconv.Atoi(fields[i+1])
			at = vertex{at.x + float64(dx), at.y + float64(dy)}
			r = append(r, at)
		}
		rings = append(rings, r)
		at = r[0]
	}
	return rings
}

// inside reports whether a point is on land, by the rule that the style sheet
// fills by.
func inside(rings [][]vertex, x, y float64) bool {
	in := false
	for _, r := range rings {
		for i, a := range r {
			b := r[(i+1)%len(r)]
			if (a.y > y) != (b.y > y) && x < a.x+(y-a.y)/(b.y-a.y)*(b.x-a.x) {
				in = !in
			}
		}
	}
	return in
}

func TestOutline(t *testing.T) {
	t.Parallel()
	if n := len(outline); n < 8_000 || n > 15_000 {
		t.Errorf("the outline has %d bytes", n)
	}
	for _, r := range parse(t, outline) {
		for _, v := range r {
			if v.x < 0 || v.x > Width || v.y < 0 || v.y > Height {
				t.Fatalf("%v is not on the map", v)
			}
		}
	}
}
