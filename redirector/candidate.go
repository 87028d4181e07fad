package redirector

import (
	"math"
	"net/netip"
	"slices"
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
	weight  uint32
	serves  uint16 // one bit per way of asking, see wayOf
	placed  bool   // point is known
	special bool   // one of the rules of barSpecial may apply
	// static is why the mirror can never be chosen; none if it can.
	static Reason
}

// The modes in which a client can be sent somewhere.
const (
	modeTLS     = iota // to https only
	modePlain          // to http only
	modeUpgrade        // to http, else to https
	modes
)

// details is the rest of a compiled mirror.
type details struct {
	m        *mirror.Mirror
	base     [modes]string // base URL by mode; "" none
	trim     int           // see Pick.Trim
	renamed  []way         // one for each of the mirror's renames
	country  string
	exclude  []string
	rule     Reason      // the strictest of the *_only rules; none if there is none
	farthest mirror.Tier // the farthest tier that rule admits
}

// exampleAddrs stand for the families of a way: unknown, IPv4, IPv6.
var exampleAddrs = [...]netip.Addr{{}, netip.IPv4Unspecified(), netip.IPv6Unspecified()}

// wayOf gives the bit for a mode and the family of an unmapped address.
func wayOf(mode int, addr netip.Addr) uint16 {
	family := 0
	switch {
	case addr.Is4():
		family = 1
	case addr.Is6():
		family = 2
	}
	return 1 << (mode*len(exampleAddrs) + family)
}

// modeOf gives the mode in which a query's client can be sent somewhere.
func modeOf(q *Query) int {
	switch {
	case q.TLS:
		return modeTLS
	case q.HTTPSUpgrade:
		return modeUpgrade
	}
	return modePlain
}

// compile prepares a mirror for the hot path.
func compile(m *mirror.Mirror, p Policy) (candidate, details) {
	d := details{m: m, country: strings.ToLower(m.Country)}
	for _, c := range m.ExcludeCountries {
		if c != "" {
			d.exclude = append(d.exclude, strings.ToLower(c))
		}
	}
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
		weight:  uint32(min(max(m.Score, 0), math.MaxUint32)),
		special: len(d.exclude) > 0 || m.Subtree != "" || d.farthest <= mirror.TierAS,
	}
	c.point, c.placed = pointOf(m.Place)
	if m.MaxSize > 0 {
		c.maxSize = m.MaxSize
	}
	for mode, base := range d.base {
		for _, addr := range exampleAddrs {
			if base != "" && m.Families.Has(addr) {
				c.serves |= wayOf(mode, addr)
			}
		}
	}
	if !m.DisabledUntil.IsZero() {
		c.from = nanos(m.DisabledUntil)
	}
	if p.MaxScanAge > 0 {
		c.until = nanos(m.Scan.Succeeded.Add(p.MaxScanAge))
	}
	c.static = never(m)
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

// baseURLs sorts a mirror's base URLs by the modes they suit.
func baseURLs(m *mirror.Mirror) (base [modes]string) {
	for _, u := range m.HTTP {
		if !strings.HasSuffix(u, "/") {
			u += "/"
		}
		switch {
		case strings.HasPrefix(u, "https://") && base[modeTLS] == "":
			base[modeTLS] = u
		case strings.HasPrefix(u, "http://") && base[modePlain] == "":
			base[modePlain] = u
		}
	}
	base[modeUpgrade] = base[modePlain]
	if base[modeUpgrade] == "" {
		base[modeUpgrade] = base[modeTLS]
	}
	return base
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

// bar says what speaks against mirror i for this request apart from its tier
// and its holdings.
func (s *Set) bar(i int32, r *request) Reason {
	c := &s.hot[i]
	switch {
	case r.now < c.from:
		return ReasonDisabled
	case r.now > c.until:
		return ReasonScanTooOld
	case c.serves&r.way == 0:
		if s.cold[i].base[r.mode] == "" {
			return ReasonScheme
		}
		return ReasonFamily
	case r.size > c.maxSize:
		return ReasonMaxSize
	case c.special || r.picky:
		return s.barSpecial(i, r)
	}
	return ReasonNone
}

// barSpecial looks at the rules that few mirrors and few requests have.
func (s *Set) barSpecial(i int32, r *request) Reason {
	d := &s.cold[i]
	switch {
	case r.country != "" && slices.Contains(d.exclude, r.country):
		return ReasonExcludedCountry
	case r.noReserved && d.farthest <= mirror.TierAS:
		return ReasonReserved
	case r.path != "" && !mirror.Below(r.path, d.m.Subtree):
		return ReasonSubtree
	case slices.Contains(r.avoid, d.m.Name):
		return ReasonAvoided
	case d.country != "" && slices.Contains(r.avoidCountries, d.country):
		return ReasonAvoidedCountry
	}
	return ReasonNone
}
