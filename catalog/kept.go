package catalog

import (
	"cmp"
	"slices"
	"sync/atomic"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// KeptVersion is a version that the origin had at a path until lately.
type KeptVersion struct {
	Entry
	Gone int64 // when it was replaced or removed, ns since the epoch; never 0
}

// Kept knows the versions of some paths that were replaced or removed lately:
// what mirrors may be sent clients for although the origin has something else
// by now, or nothing. FollowKept keeps it up to date. Its methods are safe for
// concurrent use; a nil Kept knows none.
type Kept struct {
	hash  Hash
	table atomic.Pointer[keptTable]
	want  atomic.Pointer[keptWant] // nil: not said yet
	wake  chan struct{}
}

// keptWant says what is worth keeping.
type keptWant struct {
	longest time.Duration
	of      func(path []byte) time.Duration
}

// keptTable never changes.
type keptTable struct {
	hash     hasher
	check    hasher // of another key: tells two paths with one hash apart
	versions *table[keptVal]
}

// keptVal is a version in 48 bytes.
type keptVal struct {
	size, mtime int64
	gone, until int64 // ns since the epoch
	check       uint64
	id          uint32
	prec        uint8
}

// NewKept makes a table that knows nothing. Of the options the logger is not
// used.
func NewKept(o Options) *Kept {
	k := &Kept{hash: o.Hash, wake: make(chan struct{}, 1)}
	k.table.Store(newKeptTable([16]byte{}, k.hash))
	return k
}

func newKeptTable(key [16]byte, hash Hash) *keptTable {
	other := key
	for i := range other {
		other[i] ^= 0x5c
	}
	return &keptTable{hash: newHasher(key, hash), check: newHasher(other, nil), versions: emptyTable[keptVal]()}
}

// SetWant says for which paths and how long versions are to be known after
// they have gone. of is called in FollowKept's goroutine with paths that are
// valid only during the call; 0: the path is not wanted. longest is the most
// that of gives; with 0 nothing is kept and the database is not asked. What is
// wanted anew is known after the next reading of the database, within a second
// or two; until then what was wanted before is.
func (k *Kept) SetWant(longest time.Duration, of func(path []byte) time.Duration) {
	if longest <= 0 || of == nil {
		longest, of = 0, func([]byte) time.Duration { return 0 }
	}
	k.want.Store(&keptWant{longest, of})
	wakeUp(k.wake)
}

func wakeUp(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default: // it was woken already
	}
}

// Versions appends to buf the versions of exactly this path that went after
// goneAfter, in nanoseconds since the epoch, the latest first: for an
// allowance of d that is now-d. current is left out: the path's version in the
// catalog, 0 where there is none. When two paths have one hash neither has
// versions. Only a buf that is too small is allocated anew.
func (k *Kept) Versions(path string, current mirror.FileID, goneAfter int64, buf []KeptVersion) []KeptVersion {
	if k == nil {
		return buf
	}
	t, start := k.table.Load(), len(buf)
	if t.versions.n == 0 {
		return buf
	}
	key := t.hash.path(path)
	if v, _ := t.versions.find(key); v == nil {
		return buf
	}
	check, collided := t.check.path(path), false
	t.versions.each(key, func(v *keptVal) {
		collided = collided || v.check != check
		if v.gone > goneAfter && mirror.FileID(v.id) != current {
			buf = append(buf, v.version())
		}
	})
	if collided {
		return buf[:start]
	}
	slices.SortFunc(buf[start:], func(a, b KeptVersion) int {
		return cmp.Or(cmp.Compare(b.Gone, a.Gone), cmp.Compare(b.ID, a.ID))
	})
	return buf
}

// Len is how many versions are known.
func (k *Kept) Len() int {
	if k == nil {
		return 0
	}
	return k.table.Load().versions.n
}

func (v *keptVal) version() KeptVersion {
	return KeptVersion{
		Entry: Entry{ID: mirror.FileID(v.id), Size: v.size, MTime: v.mtime, Precision: unpackPrecision(v.prec)},
		Gone:  v.gone,
	}
}

func sameKept(a, b *keptVal) bool { return a.id == b.id }

// val gives a row as it is kept; false: it is not wanted, or not any more.
func (t *keptTable) val(w *keptWant, f *FileRow, now int64) (key uint64, v keptVal, ok bool) {
	keep := int64(w.of(f.Path))
	if f.Gone == 0 || keep <= 0 || f.Gone <= now-keep {
		return 0, v, false
	}
	return t.hash.bytes(f.Path), keptVal{
		size: f.Size, mtime: f.MTime, gone: f.Gone, until: f.Gone + keep,
		check: t.check.bytes(f.Path), id: uint32(f.ID), prec: packPrecision(f.Precision),
	}, true
}

// without gives the table less what is out of date at now.
func (t *keptTable) without(now int64) *keptTable {
	var ops []op[keptVal]
	for i := range t.versions.shards {
		t.versions.all(i, func(key uint64, v *keptVal) {
			if v.until <= now {
				ops = append(ops, op[keptVal]{key: key, gone: true, val: *v})
			}
		})
	}
	return t.with(ops)
}

func (t *keptTable) with(ops []op[keptVal]) *keptTable {
	if len(ops) == 0 {
		return t
	}
	next := *t
	next.versions = t.versions.apply(ops, sameKept)
	return &next
}
