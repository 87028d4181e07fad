package asn

import (
	"cmp"
	"net/netip"
	"slices"
)

// maxOrigins bounds the origins that are counted for one prefix. Prefixes that
// hundreds announce on purpose are not known.
const maxOrigins = 256

// votes counts who is said to announce a prefix, in tables that have a route
// for each peer of the router: the origin that most of them see is right, the
// others are mistakes, hijacks or few. The routes to a prefix follow each other
// in all such tables, so that only those of one are kept at a time.
type votes struct {
	prefix netip.Prefix // invalid: none yet
	list   []vote
}

type vote struct {
	asn   uint32
	peers int
	last  uint64 // peer that was counted last; 0: not known
}

// route takes one route. A peer that has several to the prefix (RFC 7911) is
// counted once for each origin when they follow each other; peer 0 is unknown
// and always counted.
func (c *collector) route(p netip.Prefix, asn uint32, peer uint64) error {
	v := &c.votes
	if p != v.prefix {
		if err := c.count(); err != nil {
			return err
		}
		v.prefix = p
	}
	for i := range v.list {
		if o := &v.list[i]; o.asn == asn {
			if peer == 0 || peer != o.last {
				o.peers, o.last = o.peers+1, peer
			}
			return nil
		}
	}
	if len(v.list) < maxOrigins {
		v.list = append(v.list, vote{asn, 1, peer})
	}
	return nil
}

// count decides for the prefix whose routes were taken last.
func (c *collector) count() error {
	v := &c.votes
	if len(v.list) == 0 {
		return nil
	}
	c.counted++
	if len(v.list) > 1 {
		c.stats.MultiOrigin++
		slices.SortFunc(v.list, func(a, b vote) int {
			return cmp.Or(cmp.Compare(b.peers, a.peers), cmp.Compare(a.asn, b.asn))
		})
	}
	var room [8]uint32
	asns := room[:0]
	for _, o := range v.list {
		asns = append(asns, o.asn)
	}
	v.list = v.list[:0]
	return c.add(v.prefix, asns...)
}
