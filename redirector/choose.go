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
	mode      int
	way       uint16
	now       int64
	file      mirror.FileID
	size      int64

	picky          bool // has wishes that barSpecial looks at
	noReserved     bool
	path           string
	avoid          []string
	avoidCountries []string
}

func newRequest(q *Query) request {
	r := request{
		addr:      q.Client.Addr.Unmap(),
		asn:       q.Client.ASN,
		country:   q.Client.Country,
		continent: q.Client.Continent,
		mode:      modeOf(q),
		now:       q.Now,
		file:      q.File,
		size:      q.Size,

		picky:          len(q.Avoid) > 0 || len(q.AvoidCountries) > 0,
		noReserved:     q.NoReserved,
		path:           q.Path,
		avoid:          q.Avoid,
		avoidCountries: q.AvoidCountries,
	}
	r.way = wayOf(r.mode, r.addr)
	r.point, r.placed = pointOf(q.Client.Place)
	return r
}

// Choose answers q into d, whose former contents are lost. Mirrors are asked
// tier by tier whether they hold the file, until there are picks enough. rnd
// nil stands for [GlobalRand].
func (s *Set) Choose(q *Query, holder Holder, rnd Rand, d *Decision) {
	d.reset(len(s.hot))
	if rnd == nil {
		rnd = GlobalRand{}
	}
	t := table{s: s, r: newRequest(q), holder: holder, rnd: rnd, d: d, limit: s.limit(q)}
	for tier := mirror.TierPrefix; tier < mirror.Tiers && !t.full(); tier++ {
		t.tier = tier
		if t.gather(s.list(tier, &t.r)) {
			t.serve()
		}
	}
	if len(d.Picks) > 0 {
		d.Tier = d.Picks[0].Tier
	}
	if q.Explain {
		s.explain(&t.r, holder, d)
	}
}

// limit is how many picks q wants.
func (s *Set) limit(q *Query) int {
	switch {
	case q.Limit > 0:
		return q.Limit
	case q.Limit < 0:
		return len(s.hot)
	}
	return s.policy.Duplicates
}

// table is what one tier's mirrors are dealt from.
type table struct {
	s      *Set
	r      request
	holder Holder
	rnd    Rand
	d      *Decision
	limit  int
	tier   mirror.Tier
}

func (t *table) full() bool { return len(t.d.Picks) >= t.limit }

// gather puts those of list that belong to no closer tier and that nothing
// speaks against into the scratch, sorted into placed and unplaced; false if
// there are none. The nearest comes last.
func (t *table) gather(list []int32) bool {
	w := &t.d.scratch
	w.placed, w.unplaced = w.placed[:0], w.unplaced[:0]
	nearest := runner{chord: wholeEarth}
	at := 0
	for _, i := range list {
		if w.seen[i] == w.turn {
			continue
		}
		w.seen[i] = w.turn
		if t.s.bar(i, &t.r) != ReasonNone {
			continue
		}
		c := &t.s.hot[i]
		if !t.r.placed || !c.placed {
			w.unplaced = append(w.unplaced, runner{-1, i})
			continue
		}
		r := runner{c.point.chord(t.r.point), i}
		if r.before(nearest) {
			nearest, at = r, len(w.placed)
		}
		w.placed = append(w.placed, r)
	}
	if n := len(w.placed); n > 0 {
		w.placed[at], w.placed[n-1] = w.placed[n-1], w.placed[at]
	}
	return len(w.placed)+len(w.unplaced) > 0
}

// serve turns the gathered mirrors into picks: those near enough by lot, the
// others by distance, and those of unknown distance by lot.
func (t *table) serve() {
	w := &t.d.scratch
	if left, ok := t.nearest(w.placed); ok {
		// The nearest lies right behind what is left, and those near it are moved
		// to the end of what is left: together they take part in the draw.
		nearest := w.placed[len(left)]
		far := partition(left, t.s.policy.reach(nearest.chord))
		t.draw(w.placed[far:len(left)+1], nearest.mirror)
		t.byDistance(left[:far])
	}
	if !t.full() {
		t.draw(w.unplaced, nobody)
	}
}

// nearest looks for the nearest mirror that holds the file and gives those not
// yet asked; the nearest lies right behind them. The last of placed is the
// nearest of all.
func (t *table) nearest(placed []runner) (left []runner, ok bool) {
	if len(placed) == 0 {
		return nil, false
	}
	left = placed[:len(placed)-1]
	r := placed[len(left)]
	if t.holds(r.mirror) {
		return left, true
	}
	heapify(left)
	for len(left) > 0 {
		r, left = pop(left)
		if t.holds(r.mirror) {
			return left, true
		}
	}
	return nil, false
}

// byDistance takes the nearest first until there are picks enough.
func (t *table) byDistance(far []runner) {
	if t.full() {
		return
	}
	heapify(far)
	for len(far) > 0 && !t.full() {
		var r runner
		r, far = pop(far)
		if t.holds(r.mirror) {
			t.take(r)
		}
	}
}

// nobody is no mirror's index.
const nobody int32 = -1

// draw takes mirrors out of group by lot in proportion to their scores until
// there are picks enough, leaving aside those that do not hold the file. That
// keeps the proportions among the holders exact. The mirror known holds it.
func (t *table) draw(group []runner, known int32) {
	l := &t.d.scratch.lots
	l.fill(group, t.s.hot)
	for range group {
		if t.full() {
			return
		}
		r := l.draw(t.rnd)
		if r.mirror == known || t.holds(r.mirror) {
			t.take(r)
		}
	}
}

// holds asks whether mirror i holds the file.
func (t *table) holds(i int32) bool {
	t.d.Considered++
	return t.holder.Holds(int(i), t.r.file)
}

// take makes r the next pick.
func (t *table) take(r runner) {
	c := &t.s.cold[r.mirror]
	base, trim := c.way(t.r.path)
	t.d.Picks = append(t.d.Picks, Pick{
		Mirror:     int(r.mirror),
		Tier:       t.tier,
		BaseURL:    base[t.r.mode],
		Trim:       trim,
		Name:       c.m.Name,
		Country:    c.country,
		DistanceKm: kilometres(r.chord),
	})
}
