package redirector

import "github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"

// Set is a list of mirrors compiled for choosing. It does not change and may
// be used by any number of goroutines; a changed mirror takes a new Set.
type Set struct {
	policy  Policy
	hot     []candidate // parallel to the mirrors given to Compile, as all here
	cold    []details
	weights []uint32 // the scores
	seeds   []uint64 // see seedOf; nil where nothing is chosen by hash

	lists   lists // of all mirrors but those of last resort
	reserve lists // of those
	edges   edges
}

// Compile prepares mirrors for choosing. The indices in queries' answers are
// those of mirrors, which must not be changed afterwards.
func Compile(mirrors []*mirror.Mirror, p Policy) *Set {
	s := &Set{
		policy:  p.clean(),
		hot:     make([]candidate, len(mirrors)),
		cold:    make([]details, len(mirrors)),
		weights: make([]uint32, len(mirrors)),
	}
	for i, m := range mirrors {
		s.hot[i], s.cold[i] = compile(m, &s.policy)
		s.weights[i] = weightOf(m)
	}
	if s.policy.hashes() {
		s.seeds = seedsOf(mirrors, s.policy.Key)
	}
	s.lists.fill(s, func(m *mirror.Mirror) bool { return !m.LastResort })
	s.reserve.fill(s, func(m *mirror.Mirror) bool { return m.LastResort })
	s.addEdges(s.policy.Edges)
	return s
}

// Len is the number of mirrors.
func (s *Set) Len() int { return len(s.cold) }

// Mirror gives the mirror with index i, as given to [Compile].
func (s *Set) Mirror(i int) *mirror.Mirror { return s.cold[i].m }

// Policy gives the policy the set was compiled with, its odd values corrected.
func (s *Set) Policy() Policy { return s.policy }
