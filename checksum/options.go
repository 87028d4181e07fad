package checksum

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// Options of a run. Zero values are defaults.
type Options struct {
	// Root is the folder that holds the tree. It must be given.
	Root string
	// Copied says that Root holds copies of the origin's files, of which only
	// size and mtime are the same.
	Copied bool
	// Paths limit the run to these folders and files of the tree.
	Paths []string
	// Select reports whether a file is to be looked at; nil: all are.
	Select func(path string) bool

	Jobs       int   // files at once; default: one for each CPU
	LeastPiece int64 // bytes; see PieceLength
	ZSync      bool  // make sums for zsync
	Tree       bool  // make BEP 52's merkle tree, and with it hybrid torrents
	Force      bool  // hash what has digests already
	DryRun     bool  // find out what would be hashed, and do nothing
	// InfoHashes gives BitTorrent's info hashes; nil: there will be none.
	InfoHashes InfoHasher

	Holder string // who is at work, for others to see; default: host and process
	// Progress is called some times a second; nil: not.
	Progress func(Progress)
	// Tell is called for files that are passed over, and in a dry run for those
	// that would be hashed; nil: not. Never concurrently.
	Tell func(Notice)
}

// Notice is something to tell about one file.
type Notice struct {
	Path string
	Size int64 // bytes, as the index has it
	What What
	Err  error // why it is passed over; nil for Would
}

// What a Notice tells.
type What uint8

// What can be told of a file.
const (
	Would      What = iota // a dry run: it would be hashed
	WouldSign              // a dry run: only its signature would be looked at
	Changed                // it is not the version that the index knows, or gone
	Unreadable             // reading it failed
)

// Progress is how far a run is.
type Progress struct {
	Files, Bytes int64 // done, bytes of begun files included
	// All and AllBytes are what there is to do; less than that while Counting.
	All, AllBytes int64
	Counting      bool
}

// Report is what a run did, or in a dry run would do.
type Report struct {
	DryRun     bool
	Files      int64 // hashed
	Bytes      int64 // of them
	Signatures int64 // files of which only the signature was looked at
	Signed     int64 // files with a signature, among those above
	Changed    int64 // passed over: not as the index knows them
	Unreadable int64 // passed over: could not be read
	Others     int64 // left to other runs that are at work on them
	Took       time.Duration
}

// Nothing reports whether there was nothing to do.
func (r *Report) Nothing() bool {
	return r.Files+r.Signatures+r.Changed+r.Unreadable+r.Others == 0
}

func (o Options) withDefaults() Options {
	if o.Jobs <= 0 {
		o.Jobs = runtime.GOMAXPROCS(0)
	}
	if o.Holder == "" {
		host, _ := os.Hostname()
		o.Holder = fmt.Sprintf("%s (process %d)", host, os.Getpid())
	}
	if o.Select == nil {
		o.Select = func(string) bool { return true }
	}
	if o.Tell == nil {
		o.Tell = func(Notice) {}
	}
	if len(o.Paths) == 0 {
		o.Paths = []string{""}
	}
	return o
}

// wish is what has to be looked at below path.
func (o *Options) wish(path string) store.HashWish {
	return store.HashWish{Path: path, Pieces: pieceSteps(o.LeastPiece), ZSync: o.ZSync, Tree: o.Tree, All: o.Force}
}

// pieceSteps is PieceLength as a table.
func pieceSteps(least int64) (steps []store.PieceStep) {
	for length := leastPiece(least); length < MaxPiece; length *= 2 {
		steps = append(steps, store.PieceStep{Size: manyPieces * length, Length: length})
	}
	return append(steps, store.PieceStep{Size: math.MaxInt64, Length: MaxPiece})
}
