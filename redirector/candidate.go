package redirector

import (
	"math"
	"strings"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// candidate is what the hot path needs of a mirror, in one cache line.
type candidate struct {
	point   point
	from    int64 // usable from this time on, ns since the epoch
	until   int64 // usable until this time, ns since the epoch
	maxSize int64
	serves  uint16 // one bit per lane
	placed  bool   // point is known
	special bool   // one of the rules of barSpecial may apply
	// static is why the mirror can never be chosen; none if it can.
	static Reason
}

// details is the rest of a compiled mirror.
type details struct {
	m        *mirror.Mirror
	base     [schemes]string // base URL by scheme; "" none
	scheme   [lanes]uint8    // which of them, where candidate.serves has the lane's bit
	trim     int             // see Pick.Trim
	renamed  []way           // one for each of the mirror's renames
	country  string
	exclude  []string
	kept     []string    // countries whose clients the operator keeps from the mirror
	rule     Reason      // the strictest of the *_only rules; none if there is none
	farthest mirror.Tier // the farthest tier that rule admits
	rest     *rest       // nil: takes traffic at all times
	limited  bool        // Load is asked whether it is full
}

// compile prepares a mirror for the hot path.
func compile(m *mirror.Mirror, p *Policy) (candidate, details) {
	d := details{m: m, country: strings.ToLower(m.Country), rest: newRest(m), limited: m.MaxShare > 0 || m.Quota.Bytes > 0}
	for _, c := range m.ExcludeCountries {
		if c != "" {
			d.exclude = append(d.exclude, strings.ToLower(c))
		}
	}
	d.kept = keptFrom(d.country, p.Edges)
	if m.Subtree != "" {
		d.trim = len(mirror.EscapePath(m.Subtree)) + 1
	}
	d.base = baseURLs(m)
	d.renamed = waysOf(m, d.base)
	d.rule, d.farthest = strictest(m)

	c := candidate{
		from:    math.MinInt64,
		until:   math.MaxInt64,
		maxSize: math.MaxInt64,
		static:  never(m),
		special: len(d.exclude) > 0 || len(d.kept) > 0 || m.Subtree != "" || d.farthest <= mirror.TierAS || d.rest != nil || d.limited,
	}
	d.scheme, c.serves = steer(m, &d.base)
	c.point, c.placed = pointOf(m.Place)
	if m.MaxSize > 0 {
		c.maxSize = m.MaxSize
	}
	if !m.DisabledUntil.IsZero() {
		c.from = nanos(m.DisabledUntil)
	}
	if p.MaxScanAge > 0 {
		c.until = nanos(m.Scan.Succeeded.Add(p.MaxScanAge))
	}
	return c, d
}

// never says why a mirror cannot be chosen whatever the query; only what time
// alone changes is left to the query.
func never(m *mirror.Mirror) Reason {
	switch {
	case !m.Enabled:
		return ReasonDisabled
	case m.Probe.Down:
		return ReasonDown
	case m.Scan.Succeeded.IsZero():
		return ReasonNeverScanned
	case m.Quota.Spent:
		return ReasonQuotaSpent
	case m.Score <= 0:
		return ReasonScore
	}
	return ReasonNone
}

// weightOf is a mirror's share of the draw.
func weightOf(m *mirror.Mirror) uint32 { return uint32(min(max(m.Score, 0), math.MaxUint32)) }

// strictest gives the strictest of a mirror's *_only rules and the farthest
// tier it admits.
func strictest(m *mirror.Mirror) (Reason, mirror.Tier) {
	switch {
	case m.PrefixOnly:
		return ReasonPrefixOnly, mirror.TierPrefix
	case m.ASOnly:
		return ReasonASOnly, mirror.TierAS
	case m.CountryOnly:
		return ReasonCountryOnly, mirror.TierOtherCountry
	case m.RegionOnly:
		return ReasonRegionOnly, mirror.TierRegion
	}
	return ReasonNone, mirror.TierWorld
}

// nanos is t.UnixNano() that stops at the ends of its range (the years 1678
// and 2262) instead of wrapping.
func nanos(t time.Time) int64 {
	switch {
	case t.Before(time.Unix(0, math.MinInt64)):
		return math.MinInt64
	case t.After(time.Unix(0, math.MaxInt64)):
		return math.MaxInt64
	}
	return t.UnixNano()
}
