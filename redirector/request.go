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
	bit       uint16 // the lane's
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

// read works out what q asks of the mirrors of s. r is zero before.
func (r *request) read(s *Set, q *Query) {
	r.addr = q.Client.Addr.Unmap()
	r.asn, r.country, r.continent = q.Client.ASN, q.Client.Country, q.Client.Continent
	r.now, r.file, r.size, r.path = q.Now, q.File, q.Size, q.Path
	r.avoid, r.avoidCountries, r.tried = q.Avoid, q.AvoidCountries, q.Tried
	r.picky = len(q.Avoid)+len(q.AvoidCountries)+len(q.Tried) > 0
	r.noReserved = q.NoReserved
	r.lane = laneOf(modeOf(q), r.addr)
	r.bit = r.lane.bit()
	r.point, r.placed = pointOf(q.Client.Place)
	r.borderless = r.placed && s.policy.Order == OrderDistance
	r.route = s.routeOf(r)
	r.weights = s.weights
	if q.Load != nil {
		r.load = q.Load
		if w := q.Load.Weights(); len(w) == len(s.hot) {
			r.weights = w
		}
	}
}

// weight is what mirror i is drawn with; never 0, which nothing could be drawn
// with.
func (r *request) weight(i int32) uint64 { return uint64(max(r.weights[i], 1)) }
