package mirrorlist

import (
	"fmt"
	"net/url"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/page"
)

// group is the sources that stand alike to the client, or are on one continent
// where there is no client.
type group struct {
	Class  string // the last part of its CSS class: "realm-" and a realm, "continent-" and a code, "nowhere"
	Title  string
	Detail string // the client's country, for instance
	Rows   []row
}

// row is a source, or an excluded mirror, in words.
type row struct {
	Name, URL string
	Host      string // of the URL where it does not show from the name
	Code      string // of the country
	Country   string
	Distance  string
	Share     string
	Bar       int // share in per cent, at least 1; 0: no bar
	Best      bool
	Reason    string
}

// groups puts the sources into groups, the closest first; those of one group
// stay in their order.
func groups(m words, f *File) []group {
	var out []group
	at := map[string]int{}
	for i := range f.Sources {
		s := &f.Sources[i]
		var g group
		if f.Client == nil && s.Kind == mirror.SourceMirror {
			g = m.continent(s.Continent)
		} else {
			g = m.realm(s.Realm(), f.Client)
		}
		n, seen := at[g.Class]
		if !seen {
			n = len(out)
			at[g.Class] = n
			out = append(out, g)
		}
		out[n].Rows = append(out[n].Rows, newRow(m, f, i))
	}
	return out
}

// continent is the group of the mirrors on a continent.
func (m words) continent(code string) group {
	if name := m.Continents[code]; name != "" {
		return group{Class: "continent-" + code, Title: name}
	}
	return group{Class: "nowhere", Title: m.List.Nowhere}
}

// realm is the group of the sources that are equally near to the client, if
// there is one.
func (m words) realm(realm string, c *mirror.Client) group {
	g := group{Class: "realm-" + realm, Title: m.List.Realms[realm]}
	if c != nil {
		g.Detail = m.nearness(realm, c)
	}
	return g
}

// nearness says which network, country or continent it is that a group shares
// with the client.
func (m words) nearness(realm string, c *mirror.Client) string {
	switch realm {
	case mirror.TierPrefix.String():
		if c.Prefix.IsValid() {
			return c.Prefix.String()
		}
	case mirror.TierAS.String():
		return fmt.Sprintf(m.List.ClientAS, c.ASN)
	case mirror.TierCountry.String(), mirror.TierOtherCountry.String():
		_, name := m.Country(c.Country)
		return name
	case mirror.TierRegion.String():
		return m.Continents[c.Continent]
	}
	return ""
}

func newRow(m words, f *File, i int) row {
	s := &f.Sources[i]
	r := row{Name: page.Readable(s.Name), URL: s.URL}
	if u, err := url.Parse(s.URL); err == nil && u.Host != s.Name {
		r.Host = page.Readable(u.Host)
	}
	r.Code, r.Country = m.Country(s.Country)
	if f.Client == nil {
		return r
	}
	r.Best = i == 0
	if s.Kind == mirror.SourceMirror {
		r.Distance = m.Distance(s.DistanceKm)
	}
	if r.Share = m.Percent(s.Share); r.Share != "" {
		r.Bar = max(1, min(100, int(s.Share*100+0.5)))
	}
	return r
}
