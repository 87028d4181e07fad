// Outline makes the outlines of the map of package worldmap from those of
// Natural Earth, which are in the public domain:
//
//	npm pack world-atlas@2.0.2 && tar xf world-atlas-2.0.2.tgz
//	go generate ./worldmap
//
// The package world-atlas has Natural Earth 4.1.0 as TopoJSON. Its land of 1:50
// million is taken, since what is left of that of 1:110 million is ragged at the
// size of a page; most of its points go again.
package main

import (
	"flag"
	"fmt"
	"log"
	"math"
	"os"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/worldmap"
)

func main() {
	in := flag.String("in", "package/land-50m.json", "land of Natural Earth as TopoJSON")
	out := flag.String("out", "outline.txt", "the outlines as SVG path data")
	detail := flag.Float64("detail", 7, "least weight of a point of a coast, in square units")
	island := flag.Float64("island", 7, "smallest island, in square units")
	flag.Parse()
	if err := run(*in, *out, *detail, *island); err != nil {
		log.Fatal(err)
	}
}

func run(in, out string, detail, island float64) error {
	data, err := os.ReadFile(in)
	if err != nil {
		return err
	}
	land, err := rings(data)
	if err != nil {
		return fmt.Errorf("%s: %w", in, err)
	}
	shapes, points, err := coasts(land, detail, island)
	if err != nil {
		return err
	}
	b := path(shapes)
	fmt.Printf("%d of %d rings with %d points: %d bytes\n", len(shapes), len(land), points, len(b))
	return os.WriteFile(out, b, 0o644) //nolint:gosec // part of the source
}

// coasts projects, simplifies and selects. points is how many are left.
func coasts(land [][]place, detail, island float64) (shapes [][]step, points int, err error) {
	for _, r := range land {
		projected, ok, err := project(r)
		if err != nil {
			return nil, 0, err
		}
		if !ok {
			continue
		}
		keep := kept(r)
		if area(projected)*emphasis(projected[0]) < island && !keep {
			continue
		}
		shape := round(simplify(projected, detail, 4))
		if len(shape) < 3 {
			if !keep {
				continue
			}
			shape = dot(projected[0])
		}
		shapes = append(shapes, shape)
		points += len(shape)
	}
	return shapes, points, nil
}

// project gives a ring in units of the map; not ok: a part of it is not on it,
// or it is an island that the edge cuts.
func project(r []place) (projected []point, ok bool, err error) {
	for i, p := range r {
		x, y, on := worldmap.Project(p.lat, math.Remainder(p.east, 360))
		if !on {
			return nil, false, nil
		}
		if i > 0 && math.Abs(x-projected[i-1].x) > worldmap.Width/2 {
			if len(r) < 100 {
				return nil, false, nil
			}
			return nil, false, fmt.Errorf("the edge of the map cuts land at %v", p)
		}
		projected = append(projected, point{x, y})
	}
	return projected, true, nil
}
