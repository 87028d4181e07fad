package store

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// How many rows and folders are asked for at a time. A query ends soon, as one
// that stays open would keep the database from tidying up.
const (
	hashRows    = 500
	hashFolders = 500
)

// folderFiles is a folder and the number of its current files.
type folderFiles struct{ folder, files int64 }

// Next gives some of the versions, none at the end.
func (w *HashWalk) Next(ctx context.Context) ([]HashRow, error) {
	for {
		rows, more, err := w.page(ctx)
		if err != nil {
			return nil, fail("looking for files without digests", deadline(ctx, err))
		}
		if len(rows) > 0 || !more {
			return rows, nil
		}
	}
}

// page asks for the files of small folders together, and of a large one some at
// a time, by the index of its names: the order of several folders must be made
// by the database, which has to look at all their files for it.
func (w *HashWalk) page(ctx context.Context) (rows []HashRow, more bool, err error) {
	if len(w.counted) == 0 {
		if len(w.folders) == 0 {
			return nil, false, nil
		}
		return nil, true, w.count(ctx)
	}
	switch first := w.counted[0]; {
	case w.only != nil:
		rows, err = w.query(ctx, "file f", "f.folder = $1 AND f.name = $2", first.folder, w.only)
		w.counted = nil
	case first.files > hashRows:
		rows, err = w.query(ctx, "file f", fmt.Sprintf("f.folder = $1 AND f.name > $2 ORDER BY f.name LIMIT %d", hashRows), first.folder, w.after)
		if len(rows) < hashRows {
			w.counted, w.after = w.counted[1:], []byte{}
		} else {
			last := rows[len(rows)-1].Path
			w.after = last[bytes.LastIndexByte(last, '/')+1:]
		}
	default:
		n, files := 0, int64(0)
		for n < len(w.counted) && files+w.counted[n].files <= hashRows {
			files += w.counted[n].files
			n++
		}
		rows, err = w.query(ctx, inOrder(w.counted[:n])+" JOIN file f ON f.folder = v.folder", "1 = 1 ORDER BY v.n, f.name")
		w.counted = w.counted[n:]
	}
	return rows, true, err
}

// count finds out how many files the next folders have.
func (w *HashWalk) count(ctx context.Context) error {
	some := w.folders[:min(hashFolders, len(w.folders))]
	files := make(map[int64]int64)
	err := w.s.read(ctx, func(n *Snapshot) error {
		rows, err := n.q.QueryContext(ctx, "SELECT folder, count(*) FROM file WHERE gone = 0 AND folder IN ("+idList(some)+") GROUP BY folder")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var folder, n int64
			if err := rows.Scan(&folder, &n); err != nil {
				return err
			}
			files[folder] = n
		}
		return rows.Err()
	})
	if err != nil {
		return err
	}
	w.folders, w.counted = w.folders[len(some):], nil
	for _, id := range some {
		if files[id] > 0 {
			w.counted = append(w.counted, folderFiles{id, files[id]})
		}
	}
	return nil
}

// inOrder gives the folders as the rows v (n, folder), n being their order.
func inOrder(folders []folderFiles) string {
	b := []byte("(WITH v (n, folder) AS (VALUES ")
	for i, f := range folders {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = fmt.Appendf(b, "(%d, %d)", i, f.folder)
	}
	return string(append(b, ") SELECT n, folder FROM v) AS v"...))
}

// query reads a page. The versions are f of tables; where ends in an order.
func (w *HashWalk) query(ctx context.Context, tables, where string, args ...any) (list []HashRow, err error) {
	missing := w.missing()
	q := "SELECT f.folder, f.name, f.id, f.size, f.mtime, f.mtime_precision, f.ctime, f.seen, f.revision, coalesce(h.revision, 0), " +
		"CASE WHEN " + missing + " THEN 1 ELSE 0 END, " + sigColumns("s0") + ", " + sigColumns("s1") +
		" FROM " + tables + " LEFT JOIN file_hash h ON h.file = f.id" + w.beside("s0", ".asc") + w.beside("s1", ".sig") +
		" WHERE f.gone = 0 AND (" + missing + " OR h.asc_file <> coalesce(s0.id, 0) OR h.sig_file <> coalesce(s1.id, 0)) AND " +
		where
	err = w.s.read(ctx, func(n *Snapshot) error {
		rows, err := n.q.QueryContext(ctx, q, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			r, err := w.row(rows)
			if err != nil {
				return err
			}
			list = append(list, r)
		}
		return rows.Err()
	})
	return list, err
}

// beside joins the current file beside f whose name has a suffix more.
func (w *HashWalk) beside(table, suffix string) string {
	name := "CAST(f.name || CAST('" + suffix + "' AS bytes) AS bytes)"
	return strings.NewReplacer("table", table, "bytes", w.s.d.bytes).
		Replace(" LEFT JOIN file table ON table.folder = f.folder AND table.gone = 0 AND table.name = " + name)
}

func sigColumns(table string) string {
	return strings.ReplaceAll("coalesce(s.id, 0), coalesce(s.size, 0), coalesce(s.mtime, 0), "+
		"coalesce(s.mtime_precision, 0), coalesce(s.ctime, 0)", "s.", table+".")
}

// missing is SQL for: the file f has to be read, having the hashes h or none.
func (w *HashWalk) missing() string {
	if w.wish.All {
		return "1 = 1"
	}
	b := []byte("h.file IS NULL")
	if steps := w.wish.Pieces; len(steps) > 0 {
		b = append(b, " OR h.piece_length <> CASE"...)
		for _, s := range steps {
			b = fmt.Appendf(b, " WHEN f.size <= %d THEN %d", s.Size, s.Length)
		}
		b = fmt.Appendf(b, " ELSE %d END", steps[len(steps)-1].Length)
	}
	if w.wish.ZSync {
		b = append(b, " OR h.zsync_block = 0"...)
	}
	if w.wish.Tree {
		b = append(b, " OR f.size > 0 AND length(h.merkle_root) = 0"...)
	} else {
		b = append(b, " OR length(h.merkle_root) > 0"...)
	}
	return string(b)
}

func (w *HashWalk) row(rows *sql.Rows) (r HashRow, err error) {
	var name sql.RawBytes
	asc, sig := &r.Beside[0], &r.Beside[1]
	err = rows.Scan(&r.folder, &name, &r.ID, &r.Size, &r.MTime, &r.Precision, &r.CTime, &r.Seen, &r.Revision, &r.Hashed, &r.Read,
		&asc.ID, &asc.Size, &asc.MTime, &asc.Precision, &asc.CTime, &sig.ID, &sig.Size, &sig.MTime, &sig.Precision, &sig.CTime)
	if err != nil {
		return r, err
	}
	r.Path, err = w.tree.join(nil, r.folder, name)
	return r, err
}
