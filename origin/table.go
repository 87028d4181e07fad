package origin

import (
	"errors"
	"hash/maphash"
	"math/bits"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// row is what the index says about one path, 40 bytes. The path itself is not
// kept: a run of ten million files needs half a gigabyte, not two.
type row struct {
	hash               uint64 // of the path, with a key drawn for this run; 0 marks a free slot
	size, mtime, ctime int64
	id                 mirror.FileID // 0: a path that this run has found
	prec               uint8         // index into table.precs
	seen               bool          // whether the walk met the path as a file
	folder             bool          // whether it met it as a folder (upstream listings)
}

// table finds rows by path: open addressing, sized once if the number of rows
// is known. Two paths of one hash are as good as impossible (1 in 10^6 runs at
// ten million new files beside ten million known ones); the next run, with
// another key, mends what that would do.
type table struct {
	seed  maphash.Seed
	slots []row
	used  int
	precs []time.Duration
}

var errCollision = errors.New("two paths have one hash")

func newTable(n int64) *table {
	t := &table{seed: maphash.MakeSeed()}
	t.slots = make([]row, max(64, n+n/3))
	return t
}

func (t *table) hash(path string) uint64 {
	h := maphash.String(t.seed, path)
	if h == 0 {
		h = 1
	}
	return h
}

func (t *table) hashBytes(path []byte) uint64 {
	h := maphash.Bytes(t.seed, path)
	if h == 0 {
		h = 1
	}
	return h
}

// slot gives the row of hash, or the free one where it belongs.
func (t *table) slot(hash uint64) *row {
	hi, _ := bits.Mul64(hash, uint64(len(t.slots)))
	for i := hi; ; {
		r := &t.slots[i]
		if r.hash == hash || r.hash == 0 {
			return r
		}
		if i++; i == uint64(len(t.slots)) {
			i = 0
		}
	}
}

// find gives the row of path, or nil.
func (t *table) find(path string) *row {
	if r := t.slot(t.hash(path)); r.hash != 0 {
		return r
	}
	return nil
}

// add puts in a row whose hash is not there yet, and reports whether it was.
func (t *table) add(r row) bool {
	if t.used >= len(t.slots)-len(t.slots)/6 {
		t.grow()
	}
	s := t.slot(r.hash)
	if s.hash != 0 {
		return false
	}
	*s = r
	t.used++
	return true
}

func (t *table) grow() {
	old := t.slots
	t.slots = make([]row, 2*len(old))
	for i := range old {
		if old[i].hash != 0 {
			*t.slot(old[i].hash) = old[i]
		}
	}
}

// precision gives the number that stands for d.
func (t *table) precision(d time.Duration) uint8 {
	for i, p := range t.precs {
		if p == d {
			return uint8(i)
		}
	}
	if len(t.precs) == 256 { // nobody has so many; the coarsest is the safe one
		return 255
	}
	t.precs = append(t.precs, d)
	return uint8(len(t.precs) - 1)
}
