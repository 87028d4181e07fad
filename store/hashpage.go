package store

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
)

// How many rows and folders are asked for at a time. A query ends soon, as one
// that stays open would keep the database from tidying up.
const (
	hashRows    = 500
	hashFolders = 500
)

// Next gives some of the versions, none at the end.
func (w *HashWalk) Next(ctx context.Context) ([]HashRow, error) {
	for len(w.folders) > 0 {
		rows, err := w.page(ctx)
		if err != nil {
			return nil, fail("looking for files without digests", deadline(ctx, err))
		}
		if len(rows) > 0 {
			return rows, nil
		}
	}
	return nil, nil
}

// page asks for as many folders at once as lately gave a page. A folder with
// more files than that is gone through on its own, by the index of its names;
// the order of several folders must be made by the database.
func (w *HashWalk) page(ctx context.Context) ([]HashRow, error) {
	n := min(w.ahead, len(w.folders))
	var rows []HashRow
	var err error
	switch {
	case w.only != nil:
		n = 1
		rows, err = w.query(ctx, "file f WHERE f.folder = $1 AND f.name = $2", w.folders[0], w.only)
	case w.begun:
		n = 1
		rows, err = w.query(ctx, "file f WHERE f.folder = $1 AND f.name > $2 ORDER BY f.name", w.folders[0], w.after)
	default:
		rows, err = w.query(ctx, inOrder(w.folders[:n])+" JOIN file f ON f.folder = v.folder WHERE 1 = 1 ORDER BY v.n, f.name")
	}
	if err != nil {
		return nil, err
	}
	if len(rows) < hashRows {
		if w.folders = w.folders[n:]; !w.begun {
			w.ahead = min(2*w.ahead, hashFolders)
		}
		w.begun = false
		return rows, nil
	}
	last := &rows[len(rows)-1]
	passed := slices.Index(w.folders, last.folder)
	if w.folders = w.folders[passed:]; !w.begun {
		w.ahead = max(1, passed)
	}
	w.begun, w.after = true, last.Path[bytes.LastIndexByte(last.Path, '/')+1:]
	return rows, nil
}

// inOrder gives the folders as the rows v (n, folder), n being their order.
func inOrder(folders []int64) string {
	b := []byte("(WITH v (n, folder) AS (VALUES ")
	for i, id := range folders {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = fmt.Appendf(b, "(%d, %d)", i, id)
	}
	return string(append(b, ") SELECT n, folder FROM v) AS v"...))
}

// query reads a page. from names f, the versions, and ends in conditions for
// them and an order.
func (w *HashWalk) query(ctx context.Context, from string, args ...any) (list []HashRow, err error) {
	tables, rest, _ := strings.Cut(from, " WHERE ")
	beside := ""
	for i, suffix := range []string{".asc", ".sig"} {
		name := fmt.Sprintf("CAST(f.name || CAST('%s' AS %s) AS %[2]s)", suffix, w.s.d.bytes)
		beside += fmt.Sprintf(" LEFT JOIN file s%d ON s%[1]d.folder = f.folder AND s%[1]d.gone = 0 AND s%[1]d.name = %s", i, name)
	}
	missing := w.missing()
	q := "SELECT f.folder, f.name, f.id, f.size, f.mtime, f.mtime_precision, f.ctime, f.seen, f.revision, coalesce(h.revision, 0), " +
		"CASE WHEN " + missing + " THEN 1 ELSE 0 END, " + sigColumns("s0") + ", " + sigColumns("s1") +
		" FROM " + tables + " LEFT JOIN file_hash h ON h.file = f.id" + beside +
		" WHERE f.gone = 0 AND (" + missing + " OR h.asc_file <> coalesce(s0.id, 0) OR h.sig_file <> coalesce(s1.id, 0)) AND " +
		rest + fmt.Sprintf(" LIMIT %d", hashRows)
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
