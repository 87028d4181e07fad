package redirector

import (
	"cmp"
	"slices"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// Shares gives every mirror that could serve q, in the order in which they are
// tried, with the exact probability of being the one the client is sent to. The
// shares of one answer add up to 1. Every mirror is asked whether it holds the
// file.
func (s *Set) Shares(q *Query, holder Holder) []Candidate {
	var d Decision
	var r request
	r.read(s, q)
	s.explain(&r, holder, &d)
	return d.Candidates
}

// place is where a candidate stands before anything is drawn.
type place struct {
	Candidate

	step  int
	chord float64 // -1 unknown
}

// explain sorts every mirror into d's candidates or rejections.
func (s *Set) explain(r *request, holder Holder, d *Decision) {
	steps, tiers := s.steps(r)
	var places, tried []place
	for i := range s.hot {
		p := s.placeOf(int32(i), r)
		p.step, p.Tier = steps[i], tiers[i]
		switch why := s.verdict(int32(i), tiers[i], r, holder); why {
		case ReasonNone:
			places = append(places, p)
		case ReasonTried:
			tried = append(tried, p)
		default:
			d.Rejected = append(d.Rejected, Rejection{Mirror: i, Reason: why})
		}
	}
	if len(places) == 0 {
		s.lineUp(r, tried)
		places = tried
	} else {
		for _, p := range tried {
			d.Rejected = append(d.Rejected, Rejection{Mirror: p.Mirror, Reason: ReasonTried})
		}
		slices.SortFunc(d.Rejected, func(a, b Rejection) int { return cmp.Compare(a.Mirror, b.Mirror) })
		f := s.fateOf(r, &d.scratch.name)
		s.rank(r, places, &f)
	}
	for i := range places {
		d.Candidates = append(d.Candidates, places[i].Candidate)
	}
}

// placeOf describes mirror i as a candidate.
func (s *Set) placeOf(i int32, r *request) place {
	p := place{
		Candidate: Candidate{Mirror: int(i), DistanceKm: -1, Score: int(s.weights[i]), Weight: r.weight(i)},
		chord:     -1,
	}
	if r.placed && s.hot[i].placed {
		p.chord = s.hot[i].point.chord(r.point)
		p.DistanceKm = kilometres(p.chord)
	}
	return p
}

// steps gives each mirror's first step and its tier; mirror.Tiers for those in
// none.
func (s *Set) steps(r *request) ([]int, []mirror.Tier) {
	steps := slices.Repeat([]int{r.end}, len(s.hot))
	tiers := slices.Repeat([]mirror.Tier{mirror.Tiers}, len(s.hot))
	for at := range r.end {
		for _, i := range s.step(at, r) {
			if at < steps[i] {
				steps[i], tiers[i] = at, r.tier(at)
			}
		}
	}
	return steps, tiers
}

// verdict says what speaks against mirror i, whose tier is known.
func (s *Set) verdict(i int32, tier mirror.Tier, r *request, holder Holder) Reason {
	c := &s.hot[i]
	switch {
	case r.now < c.from:
		return ReasonDisabled
	case c.static != ReasonNone:
		return c.static
	case r.now > c.until:
		return ReasonScanTooOld
	case tier == mirror.Tiers:
		return s.cold[i].rule
	}
	why := s.bar(i, r)
	if (why == ReasonNone || why == ReasonTried) && !holder.Holds(int(i), r.file) {
		return ReasonNotHeld
	}
	return why
}

// lineUp puts those that the client came back from into the order of their
// trial. The first one gets it.
func (s *Set) lineUp(r *request, ps []place) {
	last := func(p *place) int { // the last time it was tried
		for n, id := range slices.Backward(r.tried) {
			if id == s.cold[p.Mirror].m.ID {
				return n
			}
		}
		return -1
	}
	slices.SortStableFunc(ps, func(a, b place) int { return cmp.Or(cmp.Compare(last(&a), last(&b)), cmp.Compare(a.step, b.step)) })
	for i := range ps {
		ps[i].Standing, ps[i].Group = StandingTried, 1
	}
	if len(ps) > 0 {
		ps[0].Share = 1
	}
}

// rank puts candidates into the order in which they are tried and works out
// their groups, standings and shares.
func (s *Set) rank(r *request, ps []place, f *fate) {
	s.group(r, ps)
	for from := 0; from < len(ps); {
		to := from + 1
		for to < len(ps) && ps[to].Group == ps[from].Group {
			to++
		}
		s.stand(ps[from:to])
		from = to
	}
	// Those of the first one's group and standing are the ones that share.
	n := 1
	for n < len(ps) && ps[n].Group == 1 && ps[n].Standing == ps[0].Standing {
		n++
	}
	s.share(ps[:n], f)
	s.sort(ps, f)
}

// group numbers the groups and sorts by them: as gather joins steps. Where
// borders do not count, those without coordinates are groups by themselves.
func (s *Set) group(r *request, ps []place) {
	slices.SortStableFunc(ps, func(a, b place) int { return cmp.Compare(a.step, b.step) })
	serving, group := 0, 0
	for at, next := 0, 0; at < r.end; at++ {
		if !s.joins(at, r, serving) {
			serving = 0
			group += r.end + 1
		}
		for ; next < len(ps) && ps[next].step == at; next++ {
			serving++
			p := &ps[next]
			p.Group = group
			if r.borderless && p.chord < 0 && at >= stepCountry && at <= r.world {
				p.Group += at + 1
			}
		}
	}
	slices.SortStableFunc(ps, func(a, b place) int { return cmp.Compare(a.Group, b.Group) })
	number, last := 0, 0
	for i := range ps {
		if ps[i].Group != last {
			last = ps[i].Group
			number++
		}
		ps[i].Group = number
	}
}

// stand works out the standings of one group and sorts by them.
func (s *Set) stand(ps []place) {
	nearest := float64(wholeEarth)
	for i := range ps {
		if ps[i].chord >= 0 {
			nearest = min(nearest, ps[i].chord)
		}
	}
	reach := s.policy.reach(nearest)
	for i := range ps {
		switch p := &ps[i]; {
		case nearest == wholeEarth:
			p.Standing = StandingDrawn
		case p.chord < 0:
			p.Standing = StandingUnplaced
		case p.chord > reach:
			p.Standing = StandingFar
		}
	}
	slices.SortStableFunc(ps, func(a, b place) int { return cmp.Compare(a.Standing, b.Standing) })
}

// share gives those who share the requests their shares.
func (s *Set) share(ps []place, f *fate) {
	if f.lot == LotChance {
		var total float64
		for i := range ps {
			total += float64(ps[i].Weight)
		}
		for i := range ps {
			ps[i].Share = float64(ps[i].Weight) / total
		}
		return
	}
	from, to := f.orders()
	for order := from; order < to; order++ {
		first := 0
		for i := range ps {
			if s.arrives(&ps[i], f, order) < s.arrives(&ps[first], f, order) {
				first = i
			}
		}
		ps[first].Share += 1 / float64(to-from)
	}
}

func (s *Set) arrives(p *place, f *fate, order int) float64 {
	return arrival(f.seed(order), s.seeds[p.Mirror], p.Weight)
}

// sort gives the candidates of each standing their order: by arrival where there
// is but one order, else by share and weight.
func (s *Set) sort(ps []place, f *fate) {
	from, to := f.orders()
	for i := range ps {
		if ps[i].Standing != StandingFar {
			ps[i].Lot = f.lot
		}
	}
	slices.SortFunc(ps, func(a, b place) int {
		order := cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Standing, b.Standing))
		switch {
		case order != 0:
			return order
		case a.Standing == StandingFar:
			order = cmp.Compare(a.chord, b.chord)
		case f.lot != LotChance && to-from == 1:
			order = cmp.Compare(s.arrives(&a, f, from), s.arrives(&b, f, from))
		default:
			order = cmp.Or(cmp.Compare(b.Share, a.Share), cmp.Compare(b.Weight, a.Weight))
		}
		return cmp.Or(order, cmp.Compare(a.Mirror, b.Mirror))
	})
}
