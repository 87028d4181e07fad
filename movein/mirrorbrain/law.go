package mirrorbrain

import (
	"slices"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/movein"
)

// Law is how mod_mirrorbrain chooses, as it was measured, with a GeoIP database
// of countries. (With one of cities it sends all clients of a place to one and
// the same mirror, whichever.)
type Law struct{}

// About implements movein.Law.
func (Law) About() string {
	return "before: MirrorBrain with a GeoIP database of countries, where the least of random numbers up to 1/score wins, so that a " +
		"score twice as high gets three quarters (with a database of cities, all clients of a place get one and the same mirror)"
}

// Client implements movein.Law. The client of a mirror that is reserved for an
// AS or a prefix is in that.
func (Law) Client(_ []movein.Record, r *movein.Record) mirror.Client {
	m := &r.Mirror
	c := mirror.Client{Place: mirror.Place{Continent: m.Continent, Country: m.Country}}
	if m.ASOnly && len(m.ASNs) > 0 {
		c.ASN = m.ASNs[0]
	}
	if m.PrefixOnly && len(m.Prefixes) > 0 {
		c.Addr = m.Prefixes[0].Addr()
	}
	return c
}

// The groups that a mirror may belong to, the first that is not empty decides.
const (
	inPrefix = iota
	inAS
	inCountry
	inRegion
	elsewhere
	inOther // only while there is none inCountry
	nowhere
)

// Shares implements movein.Law.
func (Law) Shares(all []movein.Record, c *mirror.Client) []float64 {
	groups := make([][]int, nowhere+1)
	for i := range all {
		if r := &all[i]; r.Enabled && r.Score > 0 && r.Unusable == "" {
			g := groupOf(r, c)
			groups[g] = append(groups[g], i)
		}
	}
	if len(groups[inCountry]) == 0 {
		groups[inCountry] = groups[inOther]
	}
	shares := make([]float64, len(all))
	for _, g := range groups[:inOther] {
		if len(g) > 0 {
			draw(all, g, shares)
			break
		}
	}
	return shares
}

func groupOf(r *movein.Record, c *mirror.Client) int {
	m := &r.Mirror
	contains := func() bool {
		for _, p := range m.Prefixes {
			if p.Contains(c.Addr) {
				return true
			}
		}
		return false
	}
	switch {
	case contains():
		return inPrefix
	case c.ASN != 0 && slices.Contains(m.ASNs, c.ASN) && !m.PrefixOnly:
		return inAS
	case m.Country != "" && m.Country == c.Country && !m.ASOnly && !m.PrefixOnly, r.Wildcard:
		return inCountry
	case c.Country != "" && slices.Contains(m.OtherCountries, c.Country):
		return inOther
	case m.Continent != "" && m.Continent == c.Continent && !m.CountryOnly && !m.ASOnly && !m.PrefixOnly:
		return inRegion
	case !m.RegionOnly && !m.CountryOnly && !m.ASOnly && !m.PrefixOnly:
		return elsewhere
	}
	return nowhere
}

// draw works out the shares of a group: each mirror draws a number up to 32767
// divided by its score, in whole numbers, and the least wins. So a mirror's
// share is the integral over its range of the density 1/w of its own number
// times the chance of all others to draw more.
func draw(all []movein.Record, group []int, shares []float64) {
	most := 0.0
	width := make([]float64, len(group))
	for k, i := range group {
		width[k] = float64(32767 / min(all[i].Score, 32767))
		if k == 0 || width[k] < most {
			most = width[k] // beyond the narrowest range somebody has drawn less
		}
	}
	const steps = 4000 // even; Simpson's rule
	total := 0.0
	for s := range steps + 1 {
		weight := 2.0
		switch {
		case s == 0 || s == steps:
			weight = 1
		case s%2 == 1:
			weight = 4
		}
		// The chance that all draw more, and how many surely do not.
		x, all, out := most*float64(s)/steps, 1.0, 0
		for k := range group {
			if more := 1 - x/width[k]; more > 0 {
				all *= more
			} else {
				out++
			}
		}
		for k, i := range group {
			f := weight * all / width[k]
			switch more := 1 - x/width[k]; {
			case out == 0:
				f /= more
			case out > 1 || more > 0:
				continue
			}
			shares[i] += f
			total += f
		}
	}
	for _, i := range group {
		shares[i] /= total
	}
}
