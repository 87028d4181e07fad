// Package catalog is the copy in memory of what every request is answered
// from: the mirrors and which files they hold, the file index, the aliases and
// the SHA-256 digests. The database is the truth; Follow keeps the catalog
// within a second or two of it, and a file on disk lets a node start and
// redirect while the database is away.
//
// All of it hangs on one immutable View behind one atomic pointer. Readers
// take no lock and never wait for a writer; a change builds the shards and
// bitmaps it touches anew, shares the others with the View before it, and
// swaps the pointer, so that a request sees files, aliases and holdings of one
// and the same revision.
//
// Two tables follow beside it, each with a follower of its own: Kept has the
// versions that were replaced or removed lately, Repositories the sets of index
// files that belong together.
//
// The package also has Versions, the index of all known versions of all paths
// that scans are matched against.
package catalog

import (
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// Entry is what the index knows about the current version of a path.
type Entry struct {
	ID    mirror.FileID
	Size  int64 // bytes
	MTime int64 // nanoseconds since the Unix epoch, rounded down to Precision
	// Precision of MTime; 0: the time is not known. Values that no protocol
	// has are rounded up to a power of two nanoseconds.
	Precision time.Duration
}

// Result says how a Lookup ended.
type Result uint8

// The results of Lookup.
const (
	NotFound  Result = iota // no live file has this path
	Found                   // the Entry is the file's
	Ambiguous               // two live paths have one hash: such files are never redirected
)

// Options for New. The zero value is good for use.
type Options struct {
	Logger *slog.Logger // nil: slog.Default
	Hash   Hash         // nil: SipHash-2-4; others are for tests
}

// Catalog holds the current View. Its methods are safe for concurrent use.
type Catalog struct {
	log  *slog.Logger
	hash Hash
	view atomic.Pointer[View]
	// since is when the catalog was last known to be what the database has,
	// in nanoseconds since the epoch; 0: never.
	since atomic.Int64
}

// New makes an empty catalog that is not ready.
func New(o Options) *Catalog {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	c := &Catalog{log: o.Logger, hash: o.Hash}
	c.view.Store(&View{hash: newHasher([16]byte{}, o.Hash), files: emptyTable[fileVal](), sums: emptyTable[sum](), world: &World{}})
	return c
}

// View is the catalog as it is now. Take one per request, so that all its
// questions are answered from the same revision.
func (c *Catalog) View() *View { return c.view.Load() }

// Lookup is View().Lookup.
func (c *Catalog) Lookup(path string) (Entry, Result) { return c.View().Lookup(path) }

// Resolve is View().Resolve.
func (c *Catalog) Resolve(path string) (target string, isAlias bool) {
	return c.View().Resolve(path)
}

// Holdings is View().Holdings.
func (c *Catalog) Holdings() *World { return c.View().world }

// SHA256 is View().SHA256.
func (c *Catalog) SHA256(id mirror.FileID) ([32]byte, bool) { return c.View().SHA256(id) }

// Ready reports whether there is something to answer from: a catalog was read
// from the database or from the file.
func (c *Catalog) Ready() bool { return c.View().ready }

// Position gives the database's revision that the catalog is a copy of, and
// when it was last known to be the newest one: the time since then is the
// catalog's age. since is zero while the catalog is not ready.
func (c *Catalog) Position() (head Head, since time.Time) {
	if ns := c.since.Load(); ns != 0 {
		since = time.Unix(0, ns)
	}
	return c.View().head, since
}

// publish makes v current if base still is, and says whether it did.
func (c *Catalog) publish(base, v *View, at time.Time) bool {
	v.since = time.Now()
	if !c.view.CompareAndSwap(base, v) {
		return false
	}
	c.since.Store(at.UnixNano())
	return true
}
