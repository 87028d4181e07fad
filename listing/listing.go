// Package listing says what a server lists: the entries that listers for
// rsync, FTP, HTTP and S3 stream, and what is known of each entry's exactness. The
// listers themselves are in the folders below; listing/protocols opens the one
// that a URL asks for.
package listing

import (
	"context"
	"time"
)

// Kind is what an entry is.
type Kind uint8

// The kinds of entries.
const (
	File Kind = iota
	Dir
	Symlink
	Other // socket, device, pipe
)

// Entry is one line of a listing.
type Entry struct {
	// Path is relative to the listed URL, in the form of mirror.ValidPath:
	// bytes, no leading slash. Listers never yield a path that ValidPath
	// refuses; they count it in Summary.Refused.
	Path string
	Kind Kind

	// SizeMin and SizeMax bound a file's size in bytes; equal when the protocol
	// gives it exactly. An index page that prints "1.2K" gives the smallest and
	// largest size that it would print so. SizeMin -1: not known at all.
	SizeMin, SizeMax int64

	// MTime is the modification time in nanoseconds since the Unix epoch. The
	// true time lies in [MTime, MTime+Precision). Precision 0: not known.
	MTime     int64
	Precision time.Duration
	// ZoneUnknown is set when MTime was printed in the server's unnamed local
	// zone (LIST, HTML) and was read as if it were UTC.
	ZoneUnknown bool

	// Mode holds the permission bits where the protocol gives them (rsync,
	// MLSD UNIX.mode, LIST); HasMode says so.
	Mode    uint32
	HasMode bool

	// MD5 is a digest of a file's contents, where the protocol gives what is
	// likely to be one (S3); HasMD5 says so. That it is equal to a version's
	// says that the contents are; that it differs says nothing, because some
	// servers put something else in its place that looks the same.
	MD5    [16]byte
	HasMD5 bool

	Target string // of a symlink, verbatim; "" where the protocol does not tell
}

// SizeExact reports whether the size is known to the byte.
func (e *Entry) SizeExact() bool { return e.SizeMin >= 0 && e.SizeMin == e.SizeMax }

// SizeFits reports whether a file of size bytes would be listed like this. An
// unknown size fits nothing.
func (e *Entry) SizeFits(size int64) bool {
	return e.SizeMin >= 0 && e.SizeMin <= size && size <= e.SizeMax
}

// Summary tells how a listing went.
type Summary struct {
	Entries int // yielded
	Refused int // not yielded: names no path can have, or out of the listed folder
	// Incomplete says why something may be missing although List returned no
	// error: a folder that could not be read, lines that could not be parsed, a
	// limit that was reached. At most a few of the reasons are kept. Only when
	// it is empty does absence mean anything.
	Incomplete []string
}

// Complete reports whether the listing can be taken to hold everything.
func (s *Summary) Complete() bool { return len(s.Incomplete) == 0 }

// maxReasons bounds Summary.Incomplete.
const maxReasons = 20

// AddIncomplete notes a reason, made fit to print, dropping it when there are
// many already.
func (s *Summary) AddIncomplete(reason string) {
	if len(s.Incomplete) < maxReasons {
		s.Incomplete = append(s.Incomplete, plainText(reason))
	}
}

// Lister lists one server. Its memory does not grow with the listing.
type Lister interface {
	// List streams everything below folder sub ("" is all) of the listed URL to
	// yield, in no particular order, paths relative to the URL (they begin with
	// sub). The entry and what it points to are yield's to keep. An error from
	// yield ends the listing and is returned. The Summary is valid with an error
	// too. A sub that does not exist on the server is ErrNoFolder.
	List(ctx context.Context, sub string, yield func(Entry) error) (Summary, error)
	// Protocol is "rsync", "ftp", "http" or "s3".
	Protocol() string
}
