package redirector

import (
	"slices"
	"strings"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// edges are the operator's ways across borders, compiled: by where the client
// is, the lists of the mirrors that come between its continent's and the rest
// of the world's.
type edges struct {
	byCountry map[string][][]int32
	byRegion  map[string][][]int32
	// neighbours are by continent, for clients without coordinates.
	neighbours map[string][][]int32
}

// continents are the codes that stand for continents where a key may be either:
// as a country's, four of them are Saudi Arabia, Namibia, American Samoa and
// Afghanistan.
var continents = []string{"af", "an", "as", "eu", "na", "oc", "sa"}

// addEdges puts the mirrors of e's countries into the lists of those whose
// clients they serve, and makes the lists of e's continents.
func (s *Set) addEdges(e *mirror.Edges) {
	if e == nil {
		return
	}
	for from, to := range e.Countries {
		from = strings.ToLower(from)
		for i := range s.hot {
			if s.near(i, mirror.TierOtherCountry) && from != "" && holdsCode(to, s.cold[i].country) {
				s.lists.byOther[from] = append(s.lists.byOther[from], int32(i))
			}
		}
	}
	for from, to := range e.Continents {
		from = strings.ToLower(from)
		if c, ok := strings.CutPrefix(from, mirror.EdgeCountry); ok {
			add(&s.edges.byCountry, c, s.continentLists(to))
		} else if slices.Contains(continents, from) {
			add(&s.edges.byRegion, from, s.continentLists(to))
		} else {
			add(&s.edges.byCountry, from, s.continentLists(to))
		}
	}
	for from, to := range e.Neighbours {
		add(&s.edges.neighbours, strings.ToLower(from), s.continentLists(to))
	}
}

// near reports whether mirror i, which is none of last resort, may serve clients
// as far away as the tier.
func (s *Set) near(i int, t mirror.Tier) bool {
	return s.hot[i].static == ReasonNone && !s.cold[i].m.LastResort && s.cold[i].farthest >= t
}

// continentLists gives, for each of some continents that has any, the mirrors
// that serve the world.
func (s *Set) continentLists(codes []string) (steps [][]int32) {
	for at, code := range codes {
		if holdsCode(codes[:at], code) {
			continue
		}
		var list []int32
		for _, i := range s.lists.world {
			if strings.EqualFold(s.cold[i].m.Continent, code) && code != "" {
				list = append(list, i)
			}
		}
		if list != nil {
			steps = append(steps, list)
		}
	}
	return steps
}

// add leaves m nil where there is nothing to add, so that nothing is looked up.
// A list without mirrors is added: it stands for a continent's that has some.
func add(m *map[string][][]int32, from string, steps [][]int32) {
	if from == "" {
		return
	}
	if *m == nil {
		*m = map[string][][]int32{}
	}
	(*m)[from] = steps
}

// beyond gives the steps between the client's continent and the rest of the
// world: those for its country, else those for its continent, and then the
// neighbours of its continent where nothing better is known.
func (e *edges) beyond(r *request) (steps, neighbours [][]int32) {
	own := false
	if e.byCountry != nil {
		steps, own = e.byCountry[r.country]
	}
	if !own && e.byRegion != nil {
		steps = e.byRegion[r.continent]
	}
	if !r.placed && e.neighbours != nil {
		neighbours = e.neighbours[r.continent]
	}
	return steps, neighbours
}

// keptFrom gives the countries whose clients are kept from mirrors of country.
func keptFrom(country string, e *mirror.Edges) (from []string) {
	if e == nil {
		return nil
	}
	for c, avoided := range e.Avoid {
		if c != "" && holdsCode(avoided, country) {
			from = append(from, strings.ToLower(c))
		}
	}
	return from
}

// holdsCode reports whether a list of codes has code, which is not "".
func holdsCode(list []string, code string) bool {
	return code != "" && slices.ContainsFunc(list, func(c string) bool { return strings.EqualFold(c, code) })
}
