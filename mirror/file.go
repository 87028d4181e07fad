package mirror

import "time"

// FileID identifies one version of one path. Ids come from a counter in the
// database, start at 1 and are never used again. 0 is no file.
type FileID uint32

// DefaultKeepVersions is how long replaced and removed versions are known.
const DefaultKeepVersions = 30 * 24 * time.Hour

// Version is one version of a path: what the origin had there at some time.
type Version struct {
	ID    FileID
	Size  int64 // bytes
	MTime int64 // modification time, nanoseconds since the Unix epoch, rounded down to Precision
	// Precision is how exactly MTime is known: the true time is in
	// [MTime, MTime+Precision). 1ns for a local origin, 1s by rsync or MLSD,
	// 1min by LIST or HTML. 0 means that the time is not known at all.
	Precision time.Duration
	Seen      int64 // when the index first saw this version, ns since the epoch
	Gone      int64 // when it was replaced or removed, ns since the epoch; 0: it is the current one
}

// Current reports whether v is what the origin has now.
func (v Version) Current() bool { return v.Gone == 0 }

// SameTime reports whether an mtime known to lie in [mtime, mtime+precision)
// can be v's. Times that are not known (precision 0) are never the same.
func (v Version) SameTime(mtime int64, precision time.Duration) bool {
	if precision <= 0 || v.Precision <= 0 {
		return false
	}
	return mtime < v.MTime+int64(v.Precision) && v.MTime < mtime+int64(precision)
}
