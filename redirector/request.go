package redirector

import (
	"net/netip"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// request is a query with what every mirror is compared with worked out once.
// It holds no pointer to the query, so that callers' queries stay on the stack.
type request struct {
	addr      netip.Addr
	asn       uint32
	country   string
	continent string
	point     point
	placed    bool
	lane      lane
	now       int64
	file      mirror.FileID
	size      int64
	path      string

	route
	borderless bool // distance counts more than borders

	weights []uint32 // what the draw goes by
	load    Load

	picky          bool // has wishes that barSpecial looks at
	noReserved     bool
	avoid          []string
	avoidCountries []string
	tried          []mirror.ID
}

// request works out what q asks of the mirrors.
func (s *Set) request(q *Query) request {
	r := request{
		addr:      q.Client.Addr.Unmap(),
		asn:       q.Client.ASN,
		country:   q.Client.Country,
		continent: q.Client.Continent,
		now:       q.Now,
		file:      q.File,
		size:      q.Size,
		path:      q.Path,

		weights: s.weights,
		load:    q.Load,

		picky:          len(q.Avoid)+len(q.AvoidCountries)+len(q.Tried) > 0,
		noReserved:     q.NoReserved,
		avoid:          q.Avoid,
		avoidCountries: q.AvoidCountries,
		tried:          q.Tried,
	}
	r.lane = laneOf(modeOf(q), r.addr)
	r.point, r.placed = pointOf(q.Client.Place)
	r.route = s.routeOf(&r)
	r.borderless = r.placed && s.policy.Order == OrderDistance
	if q.Load != nil {
		if w := q.Load.Weights(); len(w) == len(s.hot) {
			r.weights = w
		}
	}
	return r
}

// weight is what mirror i is drawn with; never 0, which nothing could be drawn
// with.
func (r *request) weight(i int32) uint64 { return uint64(max(r.weights[i], 1)) }
