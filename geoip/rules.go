package geoip

import (
	"fmt"
	"net/netip"

	"github.com/gaissmai/bart"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// Rules are what an operator knows better than the databases: where networks
// are, which continent a country counts as, and where clients may go across
// borders. They are made by [ParseRules], and never change; nil is none, with
// the neighbours of continents that are built in.
type Rules struct {
	overrides  *bart.Table[*override] // nil: none
	continents *[26 * 26]string       // by country; nil: none
	edges      *mirror.Edges
}

// noRules is what nil stands for.
var noRules = &Rules{edges: &mirror.Edges{Neighbours: readNeighbours(neighboursText)}}

// Client gives a client with what the rules say of it: c is what the databases
// say of addr. It allocates nothing.
func (r *Rules) Client(addr netip.Addr, c mirror.Client) mirror.Client {
	if r == nil {
		return c
	}
	fixed := false
	if o := r.override(addr); o != nil {
		c = o.apply(c)
		fixed = o.placed && o.fixed
	}
	if r.continents == nil || fixed {
		return c
	}
	if i := codeIndex(c.Country); i >= 0 && r.continents[i] != "" {
		c.Continent = r.continents[i]
	}
	return c
}

// Located is Client for the addresses of mirrors: it leaves out what clients of
// a country count as.
func (r *Rules) Located(addr netip.Addr, c mirror.Client) mirror.Client {
	if o := r.override(addr); o != nil {
		return o.apply(c)
	}
	return c
}

// Override gives the network under which the rules know addr. ok is false where
// they say nothing about it.
func (r *Rules) Override(addr netip.Addr) (network netip.Prefix, ok bool) {
	if o := r.override(addr); o != nil {
		return o.network, true
	}
	return netip.Prefix{}, false
}

func (r *Rules) override(addr netip.Addr) *override {
	if r == nil || r.overrides == nil || !addr.IsValid() {
		return nil
	}
	o, _ := r.overrides.Lookup(addr.Unmap().WithZone(""))
	return o
}

func (o *override) apply(c mirror.Client) mirror.Client {
	if o.placed {
		c.Place = o.place
	}
	if o.netted {
		c.ASN, c.Prefix = o.asn, netip.Prefix{}
		if o.asn != 0 {
			c.Prefix = o.network
		}
	}
	return c
}

// Continent is the function of that name with what the rules say: which
// continent clients of a country count as.
func (r *Rules) Continent(country string) string {
	if r != nil && r.continents != nil {
		if i := codeIndex(country); i >= 0 && r.continents[i] != "" {
			return r.continents[i]
		}
	}
	return Continent(country)
}

// Edges gives the ways across borders. Nobody may change them.
func (r *Rules) Edges() *mirror.Edges {
	if r == nil {
		return noRules.edges
	}
	return r.edges
}

// With gives rules with further overrides, which go before those of r for the
// same network.
func (r *Rules) With(front []Override) (*Rules, error) {
	if len(front) == 0 {
		return r, nil
	}
	if r == nil {
		r = noRules
	}
	out := *r
	out.overrides = new(bart.Table[*override])
	if r.overrides != nil {
		out.overrides = r.overrides.Clone()
	}
	seen := map[netip.Prefix]bool{}
	for _, o := range front {
		c, err := o.compile()
		if err != nil {
			return nil, err
		}
		if seen[c.network] {
			return nil, fmt.Errorf("%s is given twice", c.network)
		}
		seen[c.network] = true
		out.overrides.Insert(c.network, c)
	}
	return &out, nil
}
