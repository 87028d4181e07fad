package redirector

import (
	"fmt"
	"strings"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// Fallback is a server that is believed to have everything, for files no
// mirror has.
type Fallback struct {
	URL       string // base URL; ends in a slash
	Continent string // clients it is meant for; "" all
	Country   string // clients it is meant for; "" all
}

// Fallbacks is a list of fallbacks. The zero value has none.
type Fallbacks []Fallback

// NewFallbacks checks and normalises a list as it stands in a configuration.
func NewFallbacks(list []Fallback) (Fallbacks, error) {
	out := make(Fallbacks, 0, len(list))
	for _, f := range list {
		u, err := mirror.PublicURL(f.URL)
		if err != nil {
			return nil, fmt.Errorf("fallback: %w", err)
		}
		f.URL, f.Continent, f.Country = u, strings.ToLower(f.Continent), strings.ToLower(f.Country)
		for _, code := range [...]string{f.Continent, f.Country} {
			if code != "" && len(code) != 2 {
				return nil, fmt.Errorf("fallback %s: %q is not a code of two letters", mirror.Redact(u), code)
			}
		}
		out = append(out, f)
	}
	return out, nil
}

// How well a fallback suits a client, best first. Among equals one of the
// client's own scheme comes first.
const (
	suitsCountry = 2 * iota
	suitsContinent
	suitsAnyone
	suitsElsewhere
	suitsNot
)

// suits ranks f for the client of q.
func (f *Fallback) suits(q *Query) int {
	rank := suitsElsewhere
	switch {
	case f.Country != "" && f.Country == q.Client.Country:
		rank = suitsCountry
	case f.Continent != "" && f.Continent == q.Client.Continent:
		rank = suitsContinent
	case f.Country == "" && f.Continent == "":
		rank = suitsAnyone
	}
	switch secure := strings.HasPrefix(f.URL, "https://"); {
	case secure == q.TLS:
		return rank
	case q.HTTPSUpgrade && secure:
		return rank + 1
	}
	return suitsNot
}

// Rank gives all that the client of q may be sent to, best first; those that
// suit equally well keep their order.
func (fs Fallbacks) Rank(q *Query) Fallbacks {
	var ranked Fallbacks
	for rank := range suitsNot {
		for i := range fs {
			if fs[i].suits(q) == rank {
				ranked = append(ranked, fs[i])
			}
		}
	}
	return ranked
}

// Choose picks one for the client of q: of those for its country, else of
// those for its continent, else of those without a place, else of all; every
// one equally likely. A client on https is never sent to http, one on http to
// https only where q allows that. False when none is left. rnd nil stands for
// [GlobalRand].
func (fs Fallbacks) Choose(q *Query, rnd Rand) (Fallback, bool) {
	best, n := suitsNot, uint64(0)
	for i := range fs {
		switch s := fs[i].suits(q); {
		case s < best:
			best, n = s, 1
		case s == best:
			n++
		}
	}
	if best == suitsNot {
		return Fallback{}, false
	}
	if rnd == nil {
		rnd = GlobalRand{}
	}
	lot := rnd.Uint64N(n)
	for i := range fs {
		if fs[i].suits(q) != best {
			continue
		}
		if lot == 0 {
			return fs[i], true
		}
		lot--
	}
	return Fallback{}, false
}
