package catalog

import (
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// View is the catalog at one revision. It never changes.
type View struct {
	ready    bool
	since    time.Time
	head     Head
	filesAt  Head   // position at which a file last changed
	history  []Head // positions before head, oldest first; at most maxHistory
	hash     hasher
	files    *table[fileVal]
	sums     *table[sum]
	aliases  *aliases // nil: none
	world    *World
	settings map[string]string
}

// Lookup finds the current version of exactly this path; it does not follow
// aliases. It does not allocate.
func (v *View) Lookup(path string) (Entry, Result) { return v.lookup(v.hash.path(path)) }

// LookupBytes is Lookup for a path that is put together on the spot.
func (v *View) LookupBytes(path []byte) (Entry, Result) { return v.lookup(v.hash.bytes(path)) }

func (v *View) lookup(key uint64) (Entry, Result) {
	f, twice := v.files.find(key)
	switch {
	case f == nil:
		return Entry{}, NotFound
	case twice:
		return Entry{}, Ambiguous
	}
	return f.entry(), Found
}

// Resolve replaces the aliases in path, as the system does with symlinks: the
// first folder that is a link first, at most 40 of them. With no alias in the
// path, or a loop, it gives path itself and false. Nothing is allocated while
// no alias is met.
func (v *View) Resolve(path string) (target string, isAlias bool) {
	return v.aliases.resolve(path)
}

// Key is the database's secret key, the same on all nodes.
func (v *View) Key() [16]byte { return v.hash.key }

// Holdings gives the mirrors and what they hold; never nil.
func (v *View) Holdings() *World { return v.world }

// SHA256 gives the digest of a hashed file.
func (v *View) SHA256(id mirror.FileID) ([32]byte, bool) {
	s, _ := v.sums.find(idKey(id))
	if s == nil {
		return [32]byte{}, false
	}
	return *s, true
}

// Ready reports whether the view is a copy of a database at all.
func (v *View) Ready() bool { return v.ready }

// Head is the revision that the view is a copy of.
func (v *View) Head() Head { return v.head }

// Since is when the view came to be the current one.
func (v *View) Since() time.Time { return v.since }

// Files is the number of files in the index.
func (v *View) Files() int { return v.files.n }

// Setting gives a setting from the database that FollowOptions asked for; ""
// when it is not set.
func (v *View) Setting(name string) string { return v.settings[name] }

// fileVal is an Entry in 24 bytes.
type fileVal struct {
	size  int64
	mtime int64
	id    uint32
	prec  uint8 // see packPrecision
}

func newFileVal(v mirror.Version) fileVal {
	return fileVal{size: v.Size, mtime: v.MTime, id: uint32(v.ID), prec: packPrecision(v.Precision)}
}

func (f *fileVal) entry() Entry {
	return Entry{ID: mirror.FileID(f.id), Size: f.size, MTime: f.mtime, Precision: unpackPrecision(f.prec)}
}

func sameFile(a, b *fileVal) bool { return a.id == b.id }

// sum is a SHA-256 digest.
type sum = [32]byte

func sameSum(_, _ *sum) bool { return true }

// idKey spreads ids over the table. Multiplying by an odd number is a
// bijection, so two ids never share a key.
func idKey(id mirror.FileID) uint64 { return normKey(uint64(id) * 0x9e3779b97f4a7c15) }
