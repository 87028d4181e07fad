package redirector

import (
	"cmp"
	"slices"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// Shares gives every mirror that could serve q, closest first, with the exact
// probability of being the one the client is sent to. The shares of one answer
// add up to 1. Every mirror is asked whether it holds the file.
func (s *Set) Shares(q *Query, holder Holder) []Candidate {
	var d Decision
	r := newRequest(q)
	s.explain(&r, holder, &d)
	return d.Candidates
}

// Everyone gives every mirror that serves q's file to somebody, whoever asks
// and wherever they are, ordered by continent, country and name. They have the
// base URL that suits q's scheme, else the one that they have. With
// q.NoReserved those reserved for an AS or prefix are left out.
func (s *Set) Everyone(q *Query, holder Holder) []Pick {
	r := newRequest(q)
	var all []Pick
	for i := range s.hot {
		c, d := &s.hot[i], &s.cold[i]
		bases, trim := d.way(r.path)
		base := cmp.Or(bases[r.mode], bases[modeUpgrade], bases[modeTLS])
		switch {
		case c.static != ReasonNone, r.now < c.from, r.now > c.until, r.size > c.maxSize, base == "":
		case r.noReserved && d.farthest <= mirror.TierAS, r.path != "" && !mirror.Below(r.path, d.m.Subtree):
		case holder.Holds(i, r.file):
			all = append(all, Pick{
				Mirror: i, Tier: mirror.TierWorld, BaseURL: base, Trim: trim, Name: d.m.Name, Country: d.country, DistanceKm: -1,
			})
		}
	}
	slices.SortFunc(all, func(a, b Pick) int {
		x, y := s.cold[a.Mirror].m, s.cold[b.Mirror].m
		return cmp.Or(cmp.Compare(x.Continent, y.Continent), cmp.Compare(a.Country, b.Country), cmp.Compare(a.Name, b.Name))
	})
	return all
}

// explain sorts every mirror into d's candidates or rejections.
func (s *Set) explain(r *request, holder Holder, d *Decision) {
	tiers := s.tiers(r)
	for i := range s.hot {
		tier := tiers[i]
		if why := s.verdict(int32(i), tier, r, holder); why != ReasonNone {
			d.Rejected = append(d.Rejected, Rejection{Mirror: i, Reason: why})
			continue
		}
		c := Candidate{Mirror: i, Tier: tier, DistanceKm: -1, Score: int(s.hot[i].weight)}
		if r.placed && s.hot[i].placed {
			c.DistanceKm = kilometres(s.hot[i].point.chord(r.point))
		}
		d.Candidates = append(d.Candidates, c)
	}
	s.rank(r, d.Candidates)
}

// tiers gives each mirror's tier for a request; mirror.Tiers for those in none.
func (s *Set) tiers(r *request) []mirror.Tier {
	tiers := slices.Repeat([]mirror.Tier{mirror.Tiers}, len(s.hot))
	for tier := range mirror.Tiers {
		for _, i := range s.list(tier, r) {
			tiers[i] = min(tiers[i], tier)
		}
	}
	return tiers
}

// verdict says what speaks against mirror i, whose tier is known.
func (s *Set) verdict(i int32, tier mirror.Tier, r *request, holder Holder) Reason {
	if why := s.hot[i].static; why != ReasonNone {
		return why
	}
	why := s.bar(i, r)
	switch {
	case why == ReasonDisabled || why == ReasonScanTooOld:
		return why
	case tier == mirror.Tiers:
		return s.cold[i].rule
	case why != ReasonNone:
		return why
	case !holder.Holds(int(i), r.file):
		return ReasonNotHeld
	}
	return ReasonNone
}

// rank puts candidates into the order in which they are tried and works out
// their standings and shares. Among those drawn by lot the greater score comes
// first.
func (s *Set) rank(r *request, cs []Candidate) {
	slices.SortFunc(cs, func(a, b Candidate) int { return cmp.Compare(a.Tier, b.Tier) })
	for from := 0; from < len(cs); {
		to := from + 1
		for to < len(cs) && cs[to].Tier == cs[from].Tier {
			to++
		}
		s.stand(r, cs[from:to])
		from = to
	}
	if len(cs) == 0 {
		return
	}
	// The first candidate's tier and standing are the ones that win.
	var total float64
	won := func(c Candidate) bool { return c.Tier == cs[0].Tier && c.Standing == cs[0].Standing }
	for _, c := range cs {
		if won(c) {
			total += float64(c.Score)
		}
	}
	for i := range cs {
		if won(cs[i]) {
			cs[i].Share = float64(cs[i].Score) / total
		}
	}
}

// stand works out the standings of one tier's candidates and sorts them.
func (s *Set) stand(r *request, cs []Candidate) {
	nearest := float64(wholeEarth)
	for _, c := range cs {
		if c.DistanceKm >= 0 {
			nearest = min(nearest, s.hot[c.Mirror].point.chord(r.point))
		}
	}
	reach := s.policy.reach(nearest)
	for i := range cs {
		switch {
		case nearest == wholeEarth:
			cs[i].Standing = StandingDrawn
		case cs[i].DistanceKm < 0:
			cs[i].Standing = StandingUnplaced
		case s.hot[cs[i].Mirror].point.chord(r.point) > reach:
			cs[i].Standing = StandingFar
		}
	}
	slices.SortStableFunc(cs, func(a, b Candidate) int {
		order := cmp.Compare(a.Standing, b.Standing)
		if order == 0 && a.Standing == StandingFar {
			order = cmp.Compare(a.DistanceKm, b.DistanceKm)
		} else if order == 0 {
			order = cmp.Compare(b.Score, a.Score)
		}
		return cmp.Or(order, cmp.Compare(a.Mirror, b.Mirror))
	})
}
