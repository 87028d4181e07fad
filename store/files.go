package store

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

const fileColumns = "id, folder, name, size, mtime, mtime_precision, ctime, seen, gone, revision"

// Files streams versions. since 0: the current ones. Else all whose row changed
// after that revision; Gone != 0 are no longer current.
func (n *Snapshot) Files(since int64, fn func(FileRow) error) error {
	if since > 0 {
		return n.files("revision > $1", []any{since}, true, fn)
	}
	return n.files("gone = 0", nil, false, fn)
}

// Versions streams every version that is known, kept ones too, with the
// modification times they had earlier.
func (n *Snapshot) Versions(fn func(FileRow, []AltMTime) error) error {
	alts, err := n.altMTimes()
	if err != nil {
		return err
	}
	var of []AltMTime
	return n.files("1 = 1", nil, false, func(r FileRow) error {
		of = of[:0]
		at, _ := slices.BinarySearchFunc(alts, r.ID, func(a altRow, id mirror.FileID) int { return cmp.Compare(a.file, id) })
		for ; at < len(alts) && alts[at].file == r.ID; at++ {
			of = append(of, alts[at].AltMTime)
		}
		return fn(r, of)
	})
}

type altRow struct {
	file mirror.FileID
	AltMTime
}

func (n *Snapshot) altMTimes() ([]altRow, error) {
	rows, err := n.q.QueryContext(n.ctx, "SELECT file, mtime, mtime_precision FROM alt_mtime ORDER BY file, mtime")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []altRow
	for rows.Next() {
		var a altRow
		if err := rows.Scan(&a.file, &a.MTime, &a.Precision); err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, rows.Err()
}

// files streams the rows that where selects. few says that only some folders
// are concerned, whose paths are then looked up instead of all.
func (n *Snapshot) files(where string, args []any, few bool, fn func(FileRow) error) error {
	tree, err := n.tree("file", few, where, args)
	if err != nil {
		return err
	}
	rows, err := n.q.QueryContext(n.ctx, "SELECT "+fileColumns+" FROM file WHERE "+where, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	sc := newFileScanner(tree)
	for rows.Next() {
		r, err := sc.scan(rows)
		if err != nil {
			return err
		}
		if err := fn(r); err != nil {
			return err
		}
	}
	return rows.Err()
}

// fileScanner reads rows of fileColumns without allocating for each of them.
// Numbers are scanned into interfaces, which is what the drivers hand over.
type fileScanner struct {
	tree *folderTree
	num  [9]any // all but name
	name sql.RawBytes
	to   []any
	buf  []byte
}

func newFileScanner(tree *folderTree) *fileScanner {
	sc := &fileScanner{tree: tree}
	sc.to = []any{&sc.num[0], &sc.num[1], &sc.name}
	for i := range sc.num[2:] {
		sc.to = append(sc.to, &sc.num[2+i])
	}
	return sc
}

var errRow = errors.New("a file row in the database has a value of the wrong type")

func (sc *fileScanner) scan(rows *sql.Rows) (r FileRow, err error) {
	if err := rows.Scan(sc.to...); err != nil {
		return r, err
	}
	var v [9]int64
	for i, n := range sc.num {
		var ok bool
		if v[i], ok = n.(int64); !ok {
			return r, errRow
		}
	}
	if sc.buf, err = sc.tree.join(sc.buf[:0], v[1], sc.name); err != nil {
		return r, err
	}
	return FileRow{
		Version: mirror.Version{
			ID: mirror.FileID(v[0]), Size: v[2], MTime: v[3], Precision: time.Duration(v[4]), Seen: v[6], Gone: v[7],
		},
		Path: sc.buf, CTime: v[5], Revision: v[8],
	}, nil
}

// Paths streams the versions of the given ids, in no particular order; ids
// that are not known are left out. path is valid only during the call.
func (s *Store) Paths(ctx context.Context, ids *roaring.Bitmap, fn func(id mirror.FileID, path []byte, v mirror.Version) error) error {
	err := s.read(ctx, func(n *Snapshot) error {
		each := func(r FileRow) error { return fn(r.ID, r.Path, r.Version) }
		if ids.GetCardinality() > 20_000 {
			return n.files("1 = 1", nil, false, func(r FileRow) error {
				if !ids.Contains(uint32(r.ID)) {
					return nil
				}
				return each(r)
			})
		}
		it := ids.ManyIterator()
		chunk := make([]uint32, 1000)
		for k := it.NextMany(chunk); k > 0; k = it.NextMany(chunk) {
			if err := n.files("id IN ("+idList(chunk[:k])+")", nil, true, each); err != nil {
				return err
			}
		}
		return nil
	})
	return fail("reading paths", deadline(ctx, err))
}

// VersionsOf gives every known version of a path, the current one first, then
// the latest first. None is no error.
func (s *Store) VersionsOf(ctx context.Context, path string) ([]FileRow, error) {
	var all []FileRow
	err := s.read(ctx, func(n *Snapshot) error {
		parent, name := splitPath(path)
		folder, err := findFolder(ctx, n.q, s.d.bytes, parent)
		if errors.Is(err, ErrNotFound) {
			return nil
		} else if err != nil {
			return err
		}
		// Two queries, as each of the two indexes is of one kind of rows.
		for _, kind := range []string{"gone = 0", "gone <> 0"} {
			err := n.files("folder = $1 AND name = $2 AND "+kind, []any{folder, []byte(name)}, true, func(r FileRow) error {
				r.Path = bytes.Clone(r.Path)
				all = append(all, r)
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	slices.SortFunc(all, func(a, b FileRow) int {
		if a.Current() != b.Current() {
			if a.Current() {
				return -1
			}
			return 1
		}
		return cmp.Compare(b.ID, a.ID)
	})
	return all, fail("reading the versions of a path", deadline(ctx, err))
}
