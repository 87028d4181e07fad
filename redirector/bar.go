package redirector

import (
	"slices"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// plain reports whether nothing can speak against a mirror, at one look: what the
// hot path asks first.
func (c *candidate) plain(r *request) bool {
	return r.now >= c.from && r.now <= c.until && r.size <= c.maxSize && c.serves&r.bit != 0 && !c.special && !r.picky
}

// bar says what speaks against mirror i for this request apart from its tier
// and its holdings, the first in the order of the reasons.
func (s *Set) bar(i int32, r *request) Reason {
	c := &s.hot[i]
	switch {
	case r.now < c.from:
		return ReasonDisabled
	case r.now > c.until:
		return ReasonScanTooOld
	}
	return s.barSpecial(i, r)
}

// barSpecial looks at all but time.
func (s *Set) barSpecial(i int32, r *request) Reason {
	c, d := &s.hot[i], &s.cold[i]
	switch {
	case r.country != "" && slices.Contains(d.exclude, r.country):
		return ReasonExcludedCountry
	case r.noReserved && d.farthest <= mirror.TierAS:
		return ReasonReserved
	case c.serves&r.bit == 0 && d.mute(r.lane):
		return ReasonScheme
	case c.serves&r.bit == 0 && !d.m.Families.Has(r.addr):
		return ReasonFamily
	case r.size > c.maxSize:
		return ReasonMaxSize
	case r.path != "" && !mirror.Below(r.path, d.m.Subtree):
		return ReasonSubtree
	case d.rest.resting(r.now):
		return ReasonResting
	case c.serves&r.bit == 0:
		return ReasonWayDown
	case d.limited && r.load != nil && r.load.Full(int(i)):
		return ReasonFull
	case r.country != "" && slices.Contains(d.kept, r.country):
		return ReasonAvoidedEdge
	case slices.Contains(r.avoid, d.m.Name):
		return ReasonAvoided
	case d.country != "" && slices.Contains(r.avoidCountries, d.country):
		return ReasonAvoidedCountry
	case slices.Contains(r.tried, d.m.ID):
		return ReasonTried
	}
	return ReasonNone
}

// mute reports whether the mirror has no base URL that suits the lane, up or
// not.
func (d *details) mute(l lane) bool {
	for _, scheme := range preferred[l.mode()] {
		if d.base[scheme] != "" {
			return false
		}
	}
	return true
}
