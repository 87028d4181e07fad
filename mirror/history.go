package mirror

import "time"

// StateChange is a state that a mirror came to have. The zero value: none is
// known.
type StateChange struct {
	At     time.Time // when this was first seen
	Since  time.Time // since when the state is this one; before At when only the reason changed
	State  State
	Reason string // in words that everybody may read, as of PublicState; "" none
}

// Run is a full scan of a mirror, as it is remembered. Scans of single folders
// are not, nor those that failed by no fault of the mirror's. The zero value:
// none is known.
type Run struct {
	At       time.Time     // when it ended
	Took     time.Duration // from its begin
	OK       bool          // it was accepted
	Protocol string        // rsync, ftp, http or s3; "" no listing came to its end
	// Held of Files current files of the tree, or of the mirror's subtree, were
	// held after it, as of the last index run before.
	Held, Files uint64
	// Response is the median time from when a connection was there until the
	// first byte of the answer, of the HEAD requests for samples; 0: not measured.
	Response time.Duration
	// Error says why it failed, in one line without passwords; "" if it did not.
	// It may name URLs that only the operator knows.
	Error string
}

// Coverage is the share of the files that were held, from 0 to 1; 0 where there
// were none.
func (r *Run) Coverage() float64 { return share(r.Held, r.Files) }

// Copy says how much of its part of the tree a mirror has, and how old that is.
type Copy struct {
	Held, Files uint64 // so many of the current files of its subtree
	// BehindSince is when the index first saw the oldest of the files that are
	// newer than all that the mirror has; zero: it has the newest file. Package
	// holding says more.
	BehindSince time.Time
	Markers     []MarkerCopy // one for each marker
}

// Coverage is the share of the files that are held, from 0 to 1; 0 where there
// are none.
func (c *Copy) Coverage() float64 { return share(c.Held, c.Files) }

// Age is for how long the copy has been behind; 0: it has the newest file.
func (c *Copy) Age(now time.Time) time.Duration {
	if c.BehindSince.IsZero() {
		return 0
	}
	return max(0, now.Sub(c.BehindSince))
}

// MarkerCopy says how much of what a marker names a mirror has.
type MarkerCopy struct {
	Held, Files uint64 // so many of the current files that its paths stand for
	Has         bool   // the mirror is shown with the marker
}

// Coverage is the share of the files that are held, from 0 to 1; 0 where there
// are none.
func (c *MarkerCopy) Coverage() float64 { return share(c.Held, c.Files) }

func share(part, whole uint64) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

// Share is what was sent to a mirror within some days, and which part that is of
// what was sent to all.
type Share struct {
	Requests, Bytes     int64
	OfRequests, OfBytes float64 // from 0 to 1; 0 where nothing was sent
}
