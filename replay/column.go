package replay

import "github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"

// column is a Column that grows.
type column struct {
	Column

	r *report
}

func newColumn(name string, r *report) *column { return &column{Column: Column{Name: name}, r: r} }

// mirror counts a request, or a share of one, that goes to a mirror.
func (c *column) mirror(req *request, then choice, row int, share float64) {
	place := c.r.rows[row].Place
	c.count(req, row, share, place, mirror.DistanceKm(req.client.Place, place))
	if then.row < 0 {
		return
	}
	c.Compared += share
	if row == then.row {
		c.SameMirror += share
	}
	if then.country != "" && place.Country != "" {
		c.ComparedCountry += share
		if then.country == place.Country {
			c.SameCountry += share
		}
	}
}

func (c *column) count(req *request, row int, share float64, place mirror.Place, km float64) {
	for len(c.Mirrors) <= row {
		c.Mirrors = append(c.Mirrors, Tally{})
	}
	c.Mirrors[row].add(share, req)
	c.Near.add(share, req.client.Place, place, km)
	if g := c.group(req); g != nil {
		g.Near.add(share, req.client.Place, place, km)
	}
}

// nobody counts a request that goes to no mirror.
func (c *column) nobody(req *request, to Place) {
	switch to {
	case Local:
		c.Local.add(1, req)
		c.here(req)
	case Fallback:
		c.Fallback.add(1, req)
	case Nowhere:
		c.Nowhere.add(1, req)
	}
}

// exempt counts a request that the site serves itself by its rules.
func (c *column) exempt(req *request) {
	c.Exempt.add(1, req)
	c.here(req)
}

func (c *column) here(req *request) {
	if g := c.group(req); g != nil {
		g.Here.add(1, req)
	}
}

// group gives the request's group; nil: it has none.
func (c *column) group(req *request) *Group {
	if req.group < 0 {
		return nil
	}
	for len(c.Groups) <= req.group {
		c.Groups = append(c.Groups, Group{})
	}
	return &c.Groups[req.group]
}

func (n *Near) add(share float64, client, to mirror.Place, km float64) {
	n.Mirrors += share
	if client.Country != "" && to.Country != "" {
		n.Placed += share
		if client.Country == to.Country {
			n.InCountry += share
		}
		if client.Continent != "" && client.Continent == to.Continent {
			n.InContinent += share
		}
	}
	if km >= 0 {
		n.Km += share * km
		n.KmOf += share
	}
}
