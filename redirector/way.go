package redirector

import (
	"net/netip"
	"strings"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// The modes in which a client can be sent somewhere.
const (
	modeTLS     = iota // to https only
	modePlain          // to http only
	modeUpgrade        // to http, else to https
	modes
)

// The schemes of base URLs.
const (
	schemeHTTPS = iota
	schemeHTTP
	schemes
)

// exampleAddrs stand for the families of clients: unknown, IPv4, IPv6.
var exampleAddrs = [...]netip.Addr{{}, netip.IPv4Unspecified(), netip.IPv6Unspecified()}

// lane is a mode and the family of a client's address: what decides on the base
// URL that it can be sent to.
type lane uint8

// lanes is the number of lanes.
const lanes = modes * len(exampleAddrs)

// laneOf gives the lane for a mode and an unmapped address.
func laneOf(mode int, addr netip.Addr) lane {
	family := 0
	switch {
	case addr.Is4():
		family = 1
	case addr.Is6():
		family = 2
	}
	return lane(mode*len(exampleAddrs) + family)
}

func (l lane) mode() int        { return int(l) / len(exampleAddrs) }
func (l lane) addr() netip.Addr { return exampleAddrs[int(l)%len(exampleAddrs)] }

// bit is the lane's in candidate.serves.
func (l lane) bit() uint16 { return 1 << l }

// modeOf gives the mode in which a query's client can be sent somewhere.
func modeOf(q *Query) int {
	switch {
	case q.TLS:
		return modeTLS
	case q.HTTPSUpgrade:
		return modeUpgrade
	}
	return modePlain
}

// preferred are the schemes that suit a mode, the better one first.
var preferred = [modes][]uint8{
	modeTLS:     {schemeHTTPS},
	modePlain:   {schemeHTTP},
	modeUpgrade: {schemeHTTP, schemeHTTPS},
}

// baseURLs gives a mirror's base URL of each scheme; "" where it has none.
func baseURLs(m *mirror.Mirror) (base [schemes]string) {
	for _, u := range m.HTTP {
		if !strings.HasSuffix(u, "/") {
			u += "/"
		}
		switch {
		case strings.HasPrefix(u, "https://") && base[schemeHTTPS] == "":
			base[schemeHTTPS] = u
		case strings.HasPrefix(u, "http://") && base[schemeHTTP] == "":
			base[schemeHTTP] = u
		}
	}
	return base
}

// steer gives the scheme by which clients of each lane are sent to m, and a bit
// for each lane that has one. A client of an unknown family is served where any
// family is.
func steer(m *mirror.Mirror, base *[schemes]string) (scheme [lanes]uint8, serves uint16) {
	for l := range lane(lanes) {
		for _, s := range preferred[l.mode()] {
			if base[s] != "" && anyWayUp(m, s, l.addr()) {
				scheme[l] = s
				serves |= l.bit()
				break
			}
		}
	}
	return scheme, serves
}

// anyWayUp reports whether one of m's ways of a scheme that serve addr's family
// is up.
func anyWayUp(m *mirror.Mirror, scheme uint8, addr netip.Addr) bool {
	for w := range mirror.HTTPWays {
		if w.HTTPS() == (scheme == schemeHTTPS) && w.Has(addr) && familyHas(m.Families, w) && !m.Probe.Ways[w].Down {
			return true
		}
	}
	return false
}

// familyHas reports whether a mirror with these families can be reached by w.
func familyHas(f mirror.Families, w mirror.HTTPWay) bool {
	return f.Has(exampleAddrs[1]) && w.Has(exampleAddrs[1]) || f.Has(exampleAddrs[2]) && w.Has(exampleAddrs[2])
}

// way is where a mirror keeps a folder that it has renamed, as if that were a
// mirror of its own that stands for the folder.
type way struct {
	base [schemes]string // see details.base
	trim int             // see Pick.Trim
}

// waysOf gives a way for each of the mirror's renames, in their order.
func waysOf(m *mirror.Mirror, base [schemes]string) []way {
	ways := make([]way, len(m.Renames))
	for i, r := range m.Renames {
		w := way{base: base, trim: len(mirror.EscapePath(r.Tree)) + 1}
		for s, b := range base {
			if b != "" && r.There != "" {
				w.base[s] = b + mirror.EscapePath(r.There) + "/"
			}
		}
		ways[i] = w
	}
	return ways
}

// way gives the base URLs for a path of the tree, and what they stand for.
func (d *details) way(path string) (base *[schemes]string, trim int) {
	if len(d.renamed) > 0 {
		if r := d.m.RenameOf(path); r != nil {
			for i := range d.m.Renames {
				if &d.m.Renames[i] == r {
					return &d.renamed[i].base, d.renamed[i].trim
				}
			}
		}
	}
	return &d.base, d.trim
}
