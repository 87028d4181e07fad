package redirector

import (
	"math/rand/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// Query is one request, as far as the choice of a mirror needs to know it.
// Country codes are lower case throughout.
type Query struct {
	Client mirror.Client
	File   mirror.FileID
	Size   int64 // bytes; compared with the mirrors' MaxSize
	// Path is the file's path in the tree. Mirrors that stand for a folder of the
	// tree are only chosen for what lies below it. "" leaves that unchecked.
	Path string

	TLS          bool  // the client asked over https: it is never sent to http
	HTTPSUpgrade bool  // a client on http may be sent to https where there is no http
	Now          int64 // nanoseconds since the Unix epoch

	// NoReserved leaves out mirrors reserved for an AS or prefix (as_only,
	// prefix_only): for clients who merely say that they are elsewhere.
	NoReserved bool

	Avoid          []string // names of mirrors the client does not want
	AvoidCountries []string // countries the client wants no mirror of

	// Tried are mirrors that this client was just sent to for this file, and came
	// back, the latest last: they are taken only where no other is left, and the
	// latest last of all.
	Tried []mirror.ID
	// Load is what the mirrors carry; nil: nothing that matters.
	Load Load

	Limit   int  // how many picks; 0: the policy's Duplicates; negative: all
	Explain bool // fill Candidates and Rejected; asks for every mirror, and allocates
}

// Holder knows which mirror has which file; i indexes the mirrors given to
// [Compile].
type Holder interface {
	Holds(i int, id mirror.FileID) bool
}

// Load knows what the mirrors carry at present, as far as it bears on the
// choice; i indexes the mirrors given to [Compile].
type Load interface {
	// Full reports whether mirror i has as much as it may have: its largest share
	// or its quota.
	Full(i int) bool
	// Weights gives by mirror what takes the place of the scores, above 0 where
	// the score is; nil: the scores. Nobody changes it afterwards.
	Weights() []uint32
}

// Rand draws a number of [0, n), every one equally likely; n is never 0.
// *rand.Rand of math/rand/v2 is one.
type Rand interface {
	Uint64N(n uint64) uint64
}

// GlobalRand draws from the process-wide source of math/rand/v2, which is
// seeded by the system and may be used by any number of goroutines.
type GlobalRand struct{}

// Uint64N implements [Rand].
func (GlobalRand) Uint64N(n uint64) uint64 { return rand.Uint64N(n) }

// Pick is a mirror that was chosen.
type Pick struct {
	Mirror  int // index into the mirrors given to Compile
	Tier    mirror.Tier
	BaseURL string // of the scheme that suits the client; ends in a slash
	// Trim is how many bytes of the file's percent-encoded path BaseURL already
	// stands for (a mirror of one folder of the tree).
	Trim       int
	Name       string
	Country    string  // of the mirror; "" unknown
	DistanceKm float64 // great circle from the client; -1 unknown
}

// Decision is the answer to a Query. The caller may use one again and again
// (not at the same time): its memory is kept, so that choosing allocates
// nothing. The zero value is ready to use.
type Decision struct {
	Picks      []Pick      // the chosen mirror first, then the duplicates in order; empty: no mirror
	Tier       mirror.Tier // of the chosen mirror; meaningless without picks
	Considered int         // how many mirrors were asked whether they hold the file

	Candidates []Candidate // only when asked to explain: who could serve, in order
	Rejected   []Rejection // only when asked to explain: who could not, and why

	scratch scratch
}

// Found reports whether there is a mirror to send the client to.
func (d *Decision) Found() bool { return len(d.Picks) > 0 }

// reset empties d for a new decision among n mirrors.
func (d *Decision) reset(n int) {
	d.Picks = d.Picks[:0]
	d.Candidates, d.Rejected = d.Candidates[:0], d.Rejected[:0]
	d.Tier, d.Considered = mirror.TierWorld, 0
	d.scratch.reset(n)
}
