package redirector

import (
	"net/netip"
	"strings"

	"github.com/gaissmai/bart"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// Set is a list of mirrors compiled for choosing. It does not change and may
// be used by any number of goroutines; a changed mirror takes a new Set.
type Set struct {
	policy Policy
	hot    []candidate // both parallel to the mirrors given to Compile
	cold   []details

	// The lists hold, per tier and key, the mirrors which that tier may send
	// clients to: mirrors that can never be chosen are in none, and a mirror
	// with an *_only rule is only in the lists of the tiers the rule admits. So
	// those rules cost nothing when choosing.
	prefixes  bart.Table[int32] // index into byPrefix
	byPrefix  [][]int32
	byAS      map[uint32][]int32
	byCountry map[string][]int32
	byOther   map[string][]int32
	byRegion  map[string][]int32
	world     []int32
}

// Compile prepares mirrors for choosing. The indices in queries' answers are
// those of mirrors, which must not be changed afterwards.
func Compile(mirrors []*mirror.Mirror, p Policy) *Set {
	s := &Set{
		policy:    p.clean(),
		hot:       make([]candidate, len(mirrors)),
		cold:      make([]details, len(mirrors)),
		byAS:      map[uint32][]int32{},
		byCountry: map[string][]int32{},
		byOther:   map[string][]int32{},
		byRegion:  map[string][]int32{},
	}
	prefixes := map[netip.Prefix][]int32{}
	for i, m := range mirrors {
		s.hot[i], s.cold[i] = compile(m, s.policy)
		if s.hot[i].static == ReasonNone {
			s.enlist(int32(i), prefixes)
		}
	}
	s.compilePrefixes(prefixes)
	return s
}

// Len is the number of mirrors.
func (s *Set) Len() int { return len(s.cold) }

// Mirror gives the mirror with index i, as given to [Compile].
func (s *Set) Mirror(i int) *mirror.Mirror { return s.cold[i].m }

// Policy gives the policy the set was compiled with, its odd values corrected.
func (s *Set) Policy() Policy { return s.policy }

// enlist puts mirror i into the lists of every tier its rules admit.
func (s *Set) enlist(i int32, prefixes map[netip.Prefix][]int32) {
	m, farthest := s.cold[i].m, s.cold[i].farthest
	for _, p := range m.Prefixes {
		if p = plainPrefix(p); p.IsValid() {
			prefixes[p] = append(prefixes[p], i)
		}
	}
	if farthest >= mirror.TierAS {
		for _, as := range m.ASNs {
			if as != 0 {
				s.byAS[as] = append(s.byAS[as], i)
			}
		}
	}
	if farthest >= mirror.TierCountry && m.Country != "" {
		c := strings.ToLower(m.Country)
		s.byCountry[c] = append(s.byCountry[c], i)
	}
	if farthest >= mirror.TierOtherCountry {
		for _, c := range m.OtherCountries {
			if c = strings.ToLower(c); c != "" {
				s.byOther[c] = append(s.byOther[c], i)
			}
		}
	}
	if farthest >= mirror.TierRegion && m.Continent != "" {
		c := strings.ToLower(m.Continent)
		s.byRegion[c] = append(s.byRegion[c], i)
	}
	if farthest >= mirror.TierWorld {
		s.world = append(s.world, i)
	}
}

// compilePrefixes builds the prefix table. The list of a prefix includes the
// mirrors of every prefix around it, so that one longest match finds all.
func (s *Set) compilePrefixes(prefixes map[netip.Prefix][]int32) {
	var own bart.Table[int32]
	var lists [][]int32
	for p, list := range prefixes {
		own.Insert(p, int32(len(lists)))
		lists = append(lists, list)
	}
	for p := range prefixes {
		var all []int32
		for _, l := range own.Supernets(p) {
			all = append(all, lists[l]...)
		}
		s.prefixes.Insert(p, int32(len(s.byPrefix)))
		s.byPrefix = append(s.byPrefix, all)
	}
}

// plainPrefix gives p masked, and as an IPv4 prefix where it stands for one.
func plainPrefix(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked()
}

// list gives the mirrors that tier t may send this request to, those of closer
// tiers possibly included.
func (s *Set) list(t mirror.Tier, r *request) []int32 {
	switch t {
	case mirror.TierPrefix:
		if len(s.byPrefix) == 0 {
			return nil
		}
		if l, ok := s.prefixes.Lookup(r.addr); ok {
			return s.byPrefix[l]
		}
	case mirror.TierAS:
		return s.byAS[r.asn] // 0 is not in the map
	case mirror.TierCountry:
		return s.byCountry[r.country] // nor is ""
	case mirror.TierOtherCountry:
		return s.byOther[r.country]
	case mirror.TierRegion:
		return s.byRegion[r.continent]
	case mirror.TierWorld:
		return s.world
	case mirror.Tiers: // not a tier
	}
	return nil
}
