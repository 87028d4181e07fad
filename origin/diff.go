package origin

import (
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// differ compares files of the tree with the index and spools what differs.
type differ struct {
	t      *table
	spool  spool
	counts Counts
	live   int64 // rows of the index below the subtree
	seen   int64 // of them, met by the walk
	twice  int64 // paths met more than once (upstream listings)
	// adds makes the table remember new paths too, which tells paths that a
	// listing names twice and the targets of links.
	adds bool
}

// Counts are the differences of a run.
type Counts struct {
	Added   int64 // new paths
	Changed int64 // another size, or another mtime
	Touched int64 // of Changed: another mtime but the same size
	Removed int64
	// Restated files differ in ctime alone: same version, but its digests are
	// to be made again.
	Restated                     int64
	AliasesAdded, AliasesRemoved int64
}

// Any reports whether anything differs.
func (c Counts) Any() bool { return c != Counts{} }

// load takes a row of the index.
func (d *differ) load(path []byte, v mirror.Version, ctime int64) error {
	ok := d.t.add(row{
		hash: d.t.hashBytes(path), size: v.Size, mtime: v.MTime, ctime: ctime,
		id: v.ID, prec: d.t.precision(v.Precision),
	})
	if !ok {
		return errCollision
	}
	d.live++
	return nil
}

// file compares one file of the tree.
func (d *differ) file(f File) {
	r := d.t.find(f.Path)
	if r == nil || r.id == 0 && !r.seen {
		if r != nil {
			r.seen = true // a folder too: the listing contradicts itself
		} else if d.adds {
			d.t.add(row{hash: d.t.hash(f.Path), seen: true})
		}
		d.counts.Added++
		d.spool.add(change{kind: added, file: f})
		return
	}
	if r.seen {
		d.twice++
		return
	}
	r.seen = true
	d.seen++
	old := mirror.Version{MTime: r.mtime, Precision: d.t.precs[r.prec]}
	unknown := old.Precision == 0 && f.Precision == 0
	switch {
	case r.size != f.Size:
		d.counts.Changed++
		d.spool.add(change{kind: changed, old: r.id, file: f})
	case !unknown && !sameTime(old, f):
		d.counts.Changed++
		d.counts.Touched++
		d.spool.add(change{kind: touched, old: r.id, file: f})
	case r.ctime != f.CTime && f.CTime != 0:
		d.counts.Restated++
		f.Path = ""
		d.spool.add(change{kind: restated, old: r.id, file: f})
	}
}

// sameTime compares times of one precision exactly: one server rounds always
// alike.
func sameTime(old mirror.Version, f File) bool {
	if old.Precision == f.Precision {
		return old.MTime == f.MTime
	}
	return old.SameTime(f.MTime, f.Precision)
}

// folder remembers that a path is a folder.
func (d *differ) folder(path string) {
	if r := d.t.find(path); r != nil {
		r.folder = true
		return
	}
	d.t.add(row{hash: d.t.hash(path), folder: true})
}

// unseen gives the ids of the rows that the walk did not meet.
func (d *differ) unseen(fn func(mirror.FileID)) {
	for i := range d.t.slots {
		if r := &d.t.slots[i]; r.hash != 0 && r.id != 0 && !r.seen {
			fn(r.id)
		}
	}
}
