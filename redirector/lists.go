package redirector

import (
	"net/netip"
	"strings"

	"github.com/gaissmai/bart"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// lists hold, per tier and key, the mirrors which that tier may send clients to:
// mirrors that can never be chosen are in none, and a mirror with an *_only rule
// is only in the lists of the tiers the rule admits. So those rules cost nothing
// when choosing.
type lists struct {
	prefixes  bart.Table[int32] // index into byPrefix
	byPrefix  [][]int32
	byAS      map[uint32][]int32
	byCountry map[string][]int32
	byOther   map[string][]int32
	byRegion  map[string][]int32
	world     []int32
	any       bool // some list is not empty
}

// fill puts in those of the compiled mirrors that want to be in.
func (l *lists) fill(s *Set, want func(*mirror.Mirror) bool) {
	l.byAS, l.byCountry = map[uint32][]int32{}, map[string][]int32{}
	l.byOther, l.byRegion = map[string][]int32{}, map[string][]int32{}
	prefixes := map[netip.Prefix][]int32{}
	for i := range s.hot {
		if s.hot[i].static == ReasonNone && want(s.cold[i].m) {
			l.any = true
			l.enlist(int32(i), &s.cold[i], prefixes)
		}
	}
	l.compilePrefixes(prefixes)
}

// enlist puts mirror i into the lists of every tier its rules admit.
func (l *lists) enlist(i int32, d *details, prefixes map[netip.Prefix][]int32) {
	m := d.m
	for _, p := range m.Prefixes {
		if p = plainPrefix(p); p.IsValid() {
			prefixes[p] = append(prefixes[p], i)
		}
	}
	if d.farthest >= mirror.TierAS {
		for _, as := range m.ASNs {
			if as != 0 {
				l.byAS[as] = append(l.byAS[as], i)
			}
		}
	}
	if d.farthest >= mirror.TierCountry && d.country != "" {
		l.byCountry[d.country] = append(l.byCountry[d.country], i)
	}
	if d.farthest >= mirror.TierOtherCountry {
		for _, c := range m.OtherCountries {
			if c = strings.ToLower(c); c != "" {
				l.byOther[c] = append(l.byOther[c], i)
			}
		}
	}
	if d.farthest >= mirror.TierRegion && m.Continent != "" {
		c := strings.ToLower(m.Continent)
		l.byRegion[c] = append(l.byRegion[c], i)
	}
	if d.farthest >= mirror.TierWorld {
		l.world = append(l.world, i)
	}
}

// compilePrefixes builds the prefix table. The list of a prefix includes the
// mirrors of every prefix around it, so that one longest match finds all.
func (l *lists) compilePrefixes(prefixes map[netip.Prefix][]int32) {
	var own bart.Table[int32]
	var all [][]int32
	for p, list := range prefixes {
		own.Insert(p, int32(len(all)))
		all = append(all, list)
	}
	for p := range prefixes {
		var list []int32
		for _, at := range own.Supernets(p) {
			list = append(list, all[at]...)
		}
		l.prefixes.Insert(p, int32(len(l.byPrefix)))
		l.byPrefix = append(l.byPrefix, list)
	}
}

// plainPrefix gives p masked, and as an IPv4 prefix where it stands for one.
func plainPrefix(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked()
}

// of gives the mirrors that tier t may send this request to, those of closer
// tiers possibly included.
func (l *lists) of(t mirror.Tier, r *request) []int32 {
	switch t {
	case mirror.TierPrefix:
		if len(l.byPrefix) == 0 {
			return nil
		}
		if at, ok := l.prefixes.Lookup(r.addr); ok {
			return l.byPrefix[at]
		}
	case mirror.TierAS:
		return l.byAS[r.asn] // 0 is not in the map
	case mirror.TierCountry:
		return l.byCountry[r.country] // nor is ""
	case mirror.TierOtherCountry:
		return l.byOther[r.country]
	case mirror.TierRegion:
		return l.byRegion[r.continent]
	case mirror.TierWorld:
		return l.world
	case mirror.TierLastResort, mirror.Tiers: // have no list of their own
	}
	return nil
}
