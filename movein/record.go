// Package movein takes mirrors and digests over from another redirector's
// database: what it has is read into Records by the packages below, compared
// with what we have and with what was taken over the last time, and stored.
// Who has which file is never taken over: a scan finds that out.
package movein

import (
	"context"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// Record is one mirror as the other system has it.
type Record struct {
	Name string // there; Mirror.Name is what it is called here
	// Mirror is what can be taken over. Its ID and its switches (Enabled and so
	// on) are not set.
	Mirror mirror.Mirror
	// Unusable is why the mirror cannot be taken over at all; "": it can.
	Unusable string

	Enabled  bool // there
	Score    int  // there, where it may mean something else
	Wildcard bool // MirrorBrain's country "**": counted as of every client's country
	// Left is what could not be taken over of it, and Notes what means something
	// else here, for people. Without passwords.
	Left, Notes []string
}

// Marker names a part of the tree for overview lists of mirrors: a mirror has
// the part if it has all of Paths, in which "*" stands for anything, and none
// of those that begin with "!".
type Marker struct {
	Name  string   `json:"name"`
	Paths []string `json:"paths"`
}

// Inventory is what another system has besides digests.
type Inventory struct {
	System  string // one word, under which it is remembered: mirrorbrain, mirrorbits
	Title   string // for people: "MirrorBrain 2.19.0"
	Records []Record
	Markers []Marker
	Left    []string // what could not be taken over of the whole
	Law     Law
}

// Digest is what the other system knows of the bytes of a file.
type Digest struct {
	Path      string // in the tree
	Size      int64
	MTime     int64         // ns since the epoch, rounded down to Precision
	Precision time.Duration // how exactly MTime is known
	// MD5, SHA1 and SHA256 have 16, 20 and 32 bytes; nil: not known.
	MD5, SHA1, SHA256 []byte
}

// DigestSource streams the digests of another system. An error of fn ends the
// stream and is returned.
type DigestSource func(ctx context.Context, fn func(*Digest) error) error

// Law is how another system chooses among mirrors.
type Law interface {
	// Client is a usual client of the country that r is in.
	Client(all []Record, r *Record) mirror.Client
	// Shares gives for each of all the probability of being the one that the
	// client is sent to, for a file that every mirror has. They add up to 1, or
	// are all 0.
	Shares(all []Record, c *mirror.Client) []float64
	// About says in a sentence or two what the shares are worth.
	About() string
}
