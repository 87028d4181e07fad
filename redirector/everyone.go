package redirector

import (
	"cmp"
	"slices"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// Everyone gives every mirror that serves q's file to somebody, whoever asks
// and wherever they are, ordered by continent, country and name. They have the
// base URL that suits q's scheme, else the one that they have. With
// q.NoReserved those reserved for an AS or prefix are left out.
func (s *Set) Everyone(q *Query, holder Holder) []Pick {
	var r request
	r.read(s, q)
	var all []Pick
	for i := range s.hot {
		if l, ok := s.open(int32(i), &r); ok && holder.Holds(i, r.file) {
			d := &s.cold[i]
			base, trim := d.way(r.path)
			all = append(all, Pick{
				Mirror: i, Tier: mirror.TierWorld, BaseURL: base[d.scheme[l]], Trim: trim,
				Name: d.m.Name, Country: d.country, DistanceKm: -1,
			})
		}
	}
	slices.SortFunc(all, func(a, b Pick) int {
		x, y := s.cold[a.Mirror].m, s.cold[b.Mirror].m
		return cmp.Or(cmp.Compare(x.Continent, y.Continent), cmp.Compare(a.Country, b.Country), cmp.Compare(a.Name, b.Name))
	})
	return all
}

// open reports whether mirror i serves r's file to anybody at this time, and in
// which lane: the client's own, as if its address were unknown, if that will do.
func (s *Set) open(i int32, r *request) (lane, bool) {
	c, d := &s.hot[i], &s.cold[i]
	switch {
	case c.static != ReasonNone, r.now < c.from, r.now > c.until, r.size > c.maxSize:
		return 0, false
	case r.noReserved && d.farthest <= mirror.TierAS, r.path != "" && !mirror.Below(r.path, d.m.Subtree):
		return 0, false
	case d.rest.resting(r.now), d.limited && r.load != nil && r.load.Full(int(i)):
		return 0, false
	}
	for _, mode := range [...]int{r.lane.mode(), modeUpgrade, modeTLS} {
		if l := laneOf(mode, exampleAddrs[0]); c.serves&l.bit() != 0 {
			return l, true
		}
	}
	return 0, false
}
