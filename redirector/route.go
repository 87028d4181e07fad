package redirector

import "github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"

// A request goes through the mirrors in steps. The first five are the tiers up
// to its continent; then come those beyond, which only edges make; then the rest
// of the world; and then one for each list of the mirrors of last resort.
const (
	stepCountry = int(mirror.TierCountry)
	stepBeyond  = int(mirror.TierRegion) + 1
)

// route is how many steps a request has.
type route struct {
	beyond, neighbours [][]int32
	world, end         int
}

// routeOf finds the way of a request. It costs nothing where there are neither
// edges nor mirrors of last resort.
func (s *Set) routeOf(r *request) (w route) {
	w.beyond, w.neighbours = s.edges.beyond(r)
	w.world = stepBeyond + len(w.beyond) + len(w.neighbours)
	w.end = w.world + 1
	if s.reserve.any {
		w.end += int(mirror.TierWorld) + 1
	}
	return w
}

// tier is the one that the mirrors of a step are in.
func (w *route) tier(step int) mirror.Tier {
	switch {
	case step < stepBeyond:
		return mirror.Tier(step)
	case step <= w.world:
		return mirror.TierWorld
	}
	return mirror.TierLastResort
}

// step gives the mirrors of a step, those of earlier ones possibly included.
func (s *Set) step(at int, r *request) []int32 {
	if at < stepBeyond {
		return s.lists.of(mirror.Tier(at), r)
	}
	if at > r.world {
		return s.reserve.of(mirror.Tier(at-r.world-1), r)
	}
	at -= stepBeyond
	if at < len(r.beyond) {
		return r.beyond[at]
	}
	if at -= len(r.beyond); at < len(r.neighbours) {
		return r.neighbours[at]
	}
	return s.lists.world
}

// joins reports whether a step is one with those before it, which together have
// so many mirrors that could serve.
func (s *Set) joins(at int, r *request, serving int) bool {
	switch {
	case at >= r.end:
		return false
	case at > r.world:
		return at > r.world+1 // the mirrors of last resort are one group
	case at <= stepCountry:
		return false
	}
	return r.borderless || serving < s.policy.Spill
}
