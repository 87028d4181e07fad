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
		u, err := mirror.BaseURL(f.URL, "http", "https")
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

// How well a fallback suits a client; less is better.
const (
	suitsCountry = iota
	suitsContinent
	suitsAnyone
	suitsElsewhere
	suitsNot
)

// suits ranks f for the client of q. The rule for schemes is the mirrors' one.
func (f *Fallback) suits(q *Query, plainOnly bool) int {
	switch secure := strings.HasPrefix(f.URL, "https://"); {
	case q.TLS && !secure, !q.TLS && secure && (plainOnly || !q.HTTPSUpgrade):
		return suitsNot
	case f.Country != "" && f.Country == q.Client.Country:
		return suitsCountry
	case f.Continent != "" && f.Continent == q.Client.Continent:
		return suitsContinent
	case f.Country == "" && f.Continent == "":
		return suitsAnyone
	}
	return suitsElsewhere
}

// Choose picks one for the client of q: of those for its country, else of
// those for its continent, else of those without a place, else of all; every
// one equally likely. False when there is none of a scheme that suits. rnd nil
// stands for [GlobalRand].
func (fs Fallbacks) Choose(q *Query, rnd Rand) (Fallback, bool) {
	if rnd == nil {
		rnd = GlobalRand{}
	}
	// A client on http gets an http fallback where there is one at all.
	for _, plainOnly := range [...]bool{true, false} {
		best, n := suitsNot, uint64(0)
		for i := range fs {
			switch s := fs[i].suits(q, plainOnly); {
			case s < best:
				best, n = s, 1
			case s == best && s != suitsNot:
				n++
			}
		}
		if best == suitsNot {
			continue
		}
		lot := rnd.Uint64N(n)
		for i := range fs {
			if fs[i].suits(q, plainOnly) != best {
				continue
			}
			if lot == 0 {
				return fs[i], true
			}
			lot--
		}
	}
	return Fallback{}, false
}
