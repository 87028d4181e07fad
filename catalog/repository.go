package catalog

import (
	"sync/atomic"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// Repository is a package repository: a set of index files that belong
// together. A client that gets some of them from one generation and some from
// another is told of broken signatures, so they are served only by mirrors
// that have all of the present ones. It never changes.
type Repository struct {
	Folder  string // where its index is
	kinds   repositoryKind
	key     [16]byte // of the database that markers are of
	markers []marker
	ids     *roaring.Bitmap // of the current versions of the index files
	count   uint64
	// complete has for each mirror the number of the holdings that were looked
	// at (World.heldAs) and in the lowest bit what was found. It grows.
	complete atomic.Pointer[[]atomic.Uint64]
}

// marker is a marker file's current version.
type marker struct {
	key  uint64 // hash of its path
	id   mirror.FileID
	kind repositoryKind
}

func newRepository(folder string, kinds repositoryKind, key [16]byte, markers []marker, ids *roaring.Bitmap) *Repository {
	return &Repository{Folder: folder, kinds: kinds, key: key, markers: markers, ids: ids, count: ids.GetCardinality()}
}

// Files is the number of index files.
func (r *Repository) Files() int { return int(r.count) }

// Current reports whether r is of the generation that v has: id, the current
// version of the index file asked for, is one of r's, and so are all marker
// files. If not, r and v are of different revisions: for a second or two
// after a change, or longer when something else fails. It is then not known
// which mirrors have the whole index, and the file must be served locally.
func (r *Repository) Current(v *View, id mirror.FileID) bool {
	return r.ids.Contains(uint32(id)) && r.Fresh(v)
}

// Fresh is Current as far as the marker files tell: for what is said of the
// repository as a whole.
func (r *Repository) Fresh(v *View) bool {
	if r.key != v.hash.key {
		return false
	}
	for i := range r.markers {
		m := &r.markers[i]
		if f, _ := v.files.find(m.key); f == nil || mirror.FileID(f.id) != m.id {
			return false
		}
	}
	return true
}

// Complete reports whether w.Mirrors[i] has the current versions of all index
// files. It is computed when first asked for after the mirror's holdings have
// changed. It means something only while Current.
func (r *Repository) Complete(w *World, i int) bool {
	if i >= len(w.heldAs) {
		return r.has(w.Held[i])
	}
	serial := w.heldAs[i]
	known := r.complete.Load()
	if known == nil || i >= len(*known) {
		known = r.grow(known, len(w.Held))
	}
	at := &(*known)[i]
	if was := at.Load(); was>>1 == serial {
		return was&1 != 0
	}
	yes, now := r.has(w.Held[i]), serial<<1
	if yes {
		now |= 1
	}
	at.Store(now)
	return yes
}

func (r *Repository) has(held *roaring.Bitmap) bool {
	return r.count > 0 && r.ids.AndCardinality(held) == r.count
}

// grow makes room for n mirrors. When two do so at once, what one has found is
// found again.
func (r *Repository) grow(known *[]atomic.Uint64, n int) *[]atomic.Uint64 {
	next := make([]atomic.Uint64, n)
	if known != nil {
		for i := range *known {
			next[i].Store((*known)[i].Load())
		}
	}
	r.complete.Store(&next)
	return &next
}
