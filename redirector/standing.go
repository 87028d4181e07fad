package redirector

import (
	"fmt"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// Standing says how a candidate stands among those of its group.
type Standing uint8

// The standings, in the order in which they are tried.
const (
	// StandingDrawn: near enough to share the requests by score, or no distance
	// in the group is known.
	StandingDrawn Standing = iota
	// StandingFar: follows by distance.
	StandingFar
	// StandingUnplaced: no coordinates where others have them; follows, by score.
	StandingUnplaced
	// StandingTried: the client came back from all that could serve it; the one
	// that was tried longest ago comes first.
	StandingTried
)

// String names the standing.
func (s Standing) String() string {
	switch s {
	case StandingDrawn:
		return "drawn by score"
	case StandingFar:
		return "by distance"
	case StandingUnplaced:
		return "unknown distance"
	case StandingTried:
		return "tried before"
	}
	return fmt.Sprintf("standing(%d)", uint8(s))
}

// Candidate is a mirror that could serve a query. They come in the order in which
// they are tried; those that share the requests, with the largest share first,
// or the one that comes first where no chance is in it.
type Candidate struct {
	Mirror int // index into the mirrors given to Compile
	Tier   mirror.Tier
	// Group is the number of those who are compared with each other, from 1:
	// mirrors of one tier, or of several that were joined.
	Group      int
	Standing   Standing
	Lot        Lot     // what the order hangs on, where it is drawn
	DistanceKm float64 // great circle from the client; -1 unknown
	Score      int
	Weight     uint64  // what it is drawn with: the score, or what stands for it under load
	Share      float64 // probability of being the one the client is sent to, 0 to 1
}
