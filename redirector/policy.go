// Package redirector decides who is sent where: which mirror a client gets for
// a file, which others follow it as duplicates, which requests are not
// redirected at all, and how the answer's header fields are written.
//
// Everything here is a pure function of its arguments: no I/O, no clock, no
// random source of its own unless asked for. A [Set] is compiled once per list
// of mirrors; [Set.Choose] then answers a [Query] without allocating. The
// algorithm is described with a worked example in docs/choice.md.
package redirector

import (
	"math"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// Policy says what comes first and how mirrors share the clients. It is taken literally:
// start from [DefaultPolicy] to change one thing.
type Policy struct {
	// Order says what comes first.
	Order Order
	// DistanceFactor: mirrors whose distance from the client is within this many
	// times the nearest one's share the requests. Below 1 and NaN mean 1.
	DistanceFactor float64
	// DistanceSlackKm: so do those at most this many kilometres farther than the
	// nearest. Negative and NaN mean 0.
	DistanceSlackKm float64
	// Spill: a country or continent with fewer mirrors that could serve the query
	// is joined by the next tier. Tiers of networks never are. 0: none is.
	Spill int
	// Affinity keeps files with mirrors. The zero value does not.
	Affinity Affinity
	// Sticky is for how long a client stays with a mirror. 0: every query is
	// drawn.
	Sticky time.Duration
	// Key makes what is chosen by hash unpredictable; nodes with the same key
	// choose alike.
	Key [16]byte
	// Edges cross borders; nil: none.
	Edges *mirror.Edges
	// Duplicates is how many mirrors a decision names, the chosen one included.
	// Below 1 means 1.
	Duplicates int
	// MaxScanAge takes mirrors out whose last accepted scan is older. 0: no limit.
	MaxScanAge time.Duration
}

// Order is the order in which mirrors are tried.
type Order uint8

// The orders.
const (
	OrderTiers    Order = iota // network, country, continent, elsewhere
	OrderDistance              // network, then distance, whatever the borders
)

// Affinity says how files stay with mirrors: each is shared among a few of those
// that would share it otherwise, always the same.
type Affinity struct {
	Copies      int   // among how many; 0: no affinity
	MinSize     int64 // bytes; smaller files are drawn
	FolderBelow int64 // bytes; smaller files go by their folder
}

// DefaultPolicy is what applies where nothing is configured: 1.5 times the
// nearest mirror's distance or 250 km more, five mirrors, 14 days.
func DefaultPolicy() Policy {
	return Policy{
		DistanceFactor:  1.5,
		DistanceSlackKm: 250,
		Duplicates:      5,
		MaxScanAge:      mirror.DefaultMaxScanAge,
	}
}

// clean replaces what makes no sense, so that the arithmetic cannot go astray.
func (p Policy) clean() Policy {
	if !(p.DistanceFactor >= 1) {
		p.DistanceFactor = 1
	}
	if !(p.DistanceSlackKm >= 0) {
		p.DistanceSlackKm = 0
	}
	p.Duplicates = max(p.Duplicates, 1)
	p.MaxScanAge, p.Sticky = max(p.MaxScanAge, 0), max(p.Sticky, 0)
	p.Spill, p.Affinity.Copies = max(p.Spill, 0), max(p.Affinity.Copies, 0)
	return p
}

// reach is the squared chord up to which mirrors share the requests when the
// nearest one is at the squared chord nearest.
func (p *Policy) reach(nearest float64) float64 {
	arc := arcOf(nearest)
	limit := max(arc*p.DistanceFactor, arc+p.DistanceSlackKm/mirror.EarthRadiusKm)
	if !(limit < math.Pi) {
		return wholeEarth
	}
	// Rounding must not put the nearest mirror itself beyond the limit.
	return max(chordOf(limit), nearest)
}
