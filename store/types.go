package store

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// Head is a position in the history of one database. Two databases, or two
// histories of one (after a restore), have different stamps at one revision.
type Head struct {
	Revision int64 // raised by every visible write
	Stamp    int64 // random, drawn anew with every revision
}

// FileRow is one version of a path as it is stored.
type FileRow struct {
	mirror.Version
	Path     []byte // in a callback valid only during the call
	CTime    int64  // inode change time of a local origin's file, ns since the epoch; 0 unknown
	Revision int64  // of the last visible change to this row
}

// AltMTime is a modification time that a version had earlier.
type AltMTime struct {
	MTime     int64 // ns since the epoch
	Precision time.Duration
}

// Alias is a symbolic link inside the tree.
type Alias struct {
	Path   string // the link's path in the tree
	Target string // path inside the tree that it stands for
	Folder bool   // the target is a folder
	Gone   int64  // when it was removed, ns since the epoch; 0: it is there
}

// Holdings says which file versions a mirror has.
type Holdings struct {
	Mirror mirror.ID
	Held   *roaring.Bitmap // of mirror.FileID
	Exact  *roaring.Bitmap // those of Held whose size a HEAD request confirmed
}

// Event is an entry of the log of changes.
type Event struct {
	At         time.Time
	Mirror     mirror.ID // 0: not about one mirror
	MirrorName string    // as it was then
	Who        string
	What       string // short: "enabled", "score"
	Detail     string // "" or more words
}

// NewFile is a version to add.
type NewFile struct {
	Path         string
	Size         int64 // bytes
	MTime, CTime int64 // ns since the epoch; CTime 0: unknown
	Precision    time.Duration
}

// Touch gives a version new times while it stays the same version.
type Touch struct {
	ID           mirror.FileID
	MTime, CTime int64 // ns since the epoch
	Precision    time.Duration
}

// MaxBatch is how many changes one IndexBatch may hold.
const MaxBatch = 10_000

// IndexBatch is a part of what an index run changes, at most MaxBatch changes.
type IndexBatch struct {
	Add    []NewFile
	Remove []mirror.FileID
	// Touch changes mtimes; the old mtime stays known in alt_mtime.
	Touch []Touch
	// CTimes changes only the ctime (and nothing that others could see).
	CTimes                    []Touch
	AddAliases, RemoveAliases []Alias // of RemoveAliases only Path counts
}

// Len is the number of changes in the batch.
func (b *IndexBatch) Len() int {
	return len(b.Add) + len(b.Remove) + len(b.Touch) + len(b.CTimes) + len(b.AddAliases) + len(b.RemoveAliases)
}

// IndexStats is what an index run found, kept for status.
type IndexStats struct {
	Files    int64         `json:"files,omitempty"` // what the origin has
	Bytes    int64         `json:"bytes,omitempty"`
	Added    int64         `json:"added,omitempty"`
	Changed  int64         `json:"changed,omitempty"`
	Removed  int64         `json:"removed,omitempty"`
	Touched  int64         `json:"touched,omitempty"`
	Aliases  int64         `json:"aliases,omitempty"`
	Problems int64         `json:"problems,omitempty"`
	Took     time.Duration `json:"took,omitempty"` // nanoseconds
}

// Origin is where the tree comes from.
type Origin struct {
	URL       string    // file:///abs/dir, or an rsync, ftp or http URL; "": never indexed
	HTTP      string    // where clients can fetch from; "" nowhere
	IndexedAt time.Time // end of the last index run
	Host      string    // where that run was
	Stats     IndexStats
}

// ScanResult is what a scan decided.
type ScanResult struct {
	Mirror      mirror.ID
	Subtree     string // "": the whole of what the mirror has
	Started     time.Time
	Protocol    string // rsync, ftp, http
	FilesPerSec float64
	Response    time.Duration // of the web server, as of mirror.Run; 0: not measured
	// Knew holds the ids that this scan knew and decided about. Nothing outside
	// is touched.
	Knew  *roaring.Bitmap
	Found *roaring.Bitmap // held, part of Knew
	Exact *roaring.Bitmap // of Found: exact size confirmed by HEAD; nil: none
	// Before holds the ids that the mirror held when the scan began; nil: not
	// known. What was credited or taken away since then, by another scan or by
	// hand, stays so, but for what is in Lost.
	Before *roaring.Bitmap
	Lost   *roaring.Bitmap // of Knew: listed as something else; nil: none
	// Still reports why the mirror, as it is at the commit, is not the one that
	// was scanned any more; nil: not asked.
	Still func(now *mirror.Mirror) error
	// Enable switches the mirror on with this commit.
	Enable bool
	Who    string
}

// ScanFailure is a full scan that failed.
type ScanFailure struct {
	Mirror   mirror.ID
	Started  time.Time // zero: not known
	At       time.Time // when it ended
	Protocol string    // as of mirror.Run, as is Response
	Response time.Duration
	Reason   string // without passwords
}

// ScanOutcome is what a scan's commit changed.
type ScanOutcome struct {
	Added, Removed, Held uint64
	Head                 Head
}

// Prefix is an announced network and the AS that announces it.
type Prefix struct {
	Prefix netip.Prefix
	ASN    uint32
}

// Node is a redirector that follows this database.
type Node struct {
	Name     string
	Seen     time.Time // by the database's clock; set by PutNode
	Head     Head      // where its catalog is
	Settings string    // effective settings, JSON
	Version  string
}

// PurgeStats counts what Purge deleted.
type PurgeStats struct{ Versions, Changes, Mirrors, Aliases int64 }

// Lease is the right to work on something until its end.
type Lease struct {
	Name, Holder string
	Token        int64
	Until        time.Time // by the database's clock
}

// LeasedError says who holds a lease. It is an ErrLeased.
type LeasedError struct {
	Name, Holder string
	Until        time.Time
}

func (e *LeasedError) Error() string {
	return fmt.Sprintf("%s is at work on %s (until %s at the latest)", e.Holder, e.Name, e.Until.UTC().Format(time.DateTime))
}

// Is makes it an ErrLeased.
func (e *LeasedError) Is(target error) bool { return target == ErrLeased }
