package mirrorlist

import (
	"fmt"
	"net/url"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// group is the sources that stand alike to the client, or are on one continent
// where there is no client.
type group struct {
	Class  string // the last part of its CSS class: a realm, or a continent's code
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
func groups(m *Messages, f *File) []group {
	var order []string
	byRealm := map[string][]row{}
	for i := range f.Sources {
		s := &f.Sources[i]
		key := s.Realm()
		if f.Client == nil && s.Kind == mirror.SourceMirror {
			key = m.continent(s.Continent)
		}
		if _, seen := byRealm[key]; !seen {
			order = append(order, key)
		}
		byRealm[key] = append(byRealm[key], newRow(m, f, i))
	}
	out := make([]group, 0, len(order))
	for _, key := range order {
		g := group{Class: key, Title: m.Realms[key], Rows: byRealm[key]}
		switch {
		case f.Client != nil:
			g.Detail = m.nearness(key, f.Client)
		case key == nowhere:
			g.Title = m.Nowhere
		case g.Title == "":
			g.Title = m.Continents[key]
		}
		out = append(out, g)
	}
	return out
}

// nowhere is the group of mirrors whose continent is not known.
const nowhere = "nowhere"

// continent gives a continent's code if there is one of that code.
func (m *Messages) continent(code string) string {
	if m.Continents[code] == "" {
		return nowhere
	}
	return code
}

// nearness says which network, country or continent it is that a group shares
// with the client.
func (m *Messages) nearness(realm string, c *mirror.Client) string {
	switch realm {
	case mirror.TierPrefix.String():
		if c.Prefix.IsValid() {
			return c.Prefix.String()
		}
	case mirror.TierAS.String():
		return fmt.Sprintf(m.ClientAS, c.ASN)
	case mirror.TierCountry.String(), mirror.TierOtherCountry.String():
		_, name := m.country(c.Country)
		return name
	case mirror.TierRegion.String():
		return m.Continents[c.Continent]
	}
	return ""
}

func newRow(m *Messages, f *File, i int) row {
	s := &f.Sources[i]
	r := row{Name: readable(s.Name), URL: s.URL}
	if u, err := url.Parse(s.URL); err == nil && u.Host != s.Name {
		r.Host = readable(u.Host)
	}
	r.Code, r.Country = m.country(s.Country)
	if f.Client == nil {
		return r
	}
	r.Best = i == 0
	if s.Kind == mirror.SourceMirror {
		r.Distance = m.distance(s.DistanceKm)
	}
	if r.Share = m.percent(s.Share); r.Share != "" {
		r.Bar = max(1, min(100, int(s.Share*100+0.5)))
	}
	return r
}
