package store

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// FoundName is a current file, or a folder with some below it, whose name
// contains what was searched for.
type FoundName struct {
	mirror.Version // of a file

	Path string
	Dir  bool
}

// SearchNames looks below a folder for names that contain a text; upper and lower
// case are the same for ASCII letters. It ends after about patience, or when most
// names are found; more says that there may be others then. Which are found is
// not defined where there are more. ErrNotFound: there is no such folder.
func (s *Store) SearchNames(ctx context.Context, folder, text string, most int, patience time.Duration) (found []FoundName, more bool, err error) {
	const doing = "searching names"
	f := nameSearch{text: lowerASCII(text), most: most, parents: map[int64]struct{}{}}
	err = s.read(ctx, func(n *Snapshot) error {
		var err error
		f.folder, err = findFolder(ctx, n.q, s.d.bytes, folder)
		return err
	})
	if err != nil {
		return nil, false, fail(doing, deadline(ctx, err))
	}
	some, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err = s.read(some, func(n *Snapshot) error { return f.run(some, n) })
	if err != nil && some.Err() != nil && ctx.Err() == nil {
		f.more, err = true, nil // that is what it had time for
	}
	if err != nil || len(f.found) == 0 {
		return nil, f.more, fail(doing, deadline(ctx, err))
	}
	// The connection of a query that was broken off is gone, hence another read.
	err = s.read(ctx, func(n *Snapshot) error { return f.place(ctx, n) })
	return f.found, f.more, fail(doing, deadline(ctx, err))
}

// nameSearch is a search under way.
type nameSearch struct {
	folder  int64
	text    string // in lower case
	most    int
	more    bool
	found   []FoundName
	in      []int64 // parallel to found: the folders
	parents map[int64]struct{}
}

func (f *nameSearch) run(ctx context.Context, n *Snapshot) error {
	for _, query := range []string{
		`SELECT f.parent, f.name, true, 0, 0, 0, 0 FROM folder f JOIN folder_stat s ON s.folder = f.id WHERE f.id <> 1 AND s.files > 0
			AND f.parent IN (` + belowSecond + `) AND ` + strings.ReplaceAll(n.d.holdsText, "name", "f.name"),
		"SELECT folder, name, false, id, size, mtime, mtime_precision FROM file WHERE gone = 0 AND folder IN (" + belowSecond + ") AND " + n.d.holdsText,
	} {
		if err := f.read(ctx, n, query); err != nil || f.more {
			return err
		}
	}
	return nil
}

// belowSecond is foldersBelow with its parameter in the second place.
var belowSecond = strings.ReplaceAll(foldersBelow, "$1", "$2")

func (f *nameSearch) read(ctx context.Context, n *Snapshot, query string) error {
	rows, err := n.q.QueryContext(ctx, query, n.d.textKey(f.text), f.folder)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var at int64
		var e FoundName
		var name sql.RawBytes
		if err := rows.Scan(&at, &name, &e.Dir, &e.ID, &e.Size, &e.MTime, &e.Precision); err != nil {
			return err
		}
		if !strings.Contains(lowerASCII(string(name)), f.text) { // what the key has in common with others
			continue
		}
		if f.more = len(f.found) == f.most; f.more {
			return nil
		}
		e.Path = string(name)
		f.found, f.in = append(f.found, e), append(f.in, at)
		f.parents[at] = struct{}{}
	}
	return rows.Err()
}

// place makes paths of the names.
func (f *nameSearch) place(ctx context.Context, n *Snapshot) error {
	ids := slices.Sorted(maps.Keys(f.parents))
	tree, err := readTree(ctx, n.q, `WITH RECURSIVE up (id, parent, name) AS (
			SELECT id, parent, name FROM folder WHERE id IN (`+idList(ids)+`)
			UNION SELECT f.id, f.parent, f.name FROM folder f JOIN up ON f.id = up.parent WHERE up.id <> 1
		) SELECT id, parent, name FROM up WHERE id <> 1`, nil)
	if err != nil {
		return err
	}
	for i := range f.found {
		path, err := tree.join(nil, f.in[i], []byte(f.found[i].Path))
		if err != nil {
			return err
		}
		f.found[i].Path = string(path)
	}
	return nil
}

func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// escapedKey is what PostgreSQL's encode(..., 'escape') makes of a text: names
// are bytes, and only texts have upper and lower case there. A backslash in a
// name is doubled by it.
func escapedKey(text string) any {
	var b strings.Builder
	for i := range len(text) {
		switch c := text[i]; {
		case c == '\\':
			b.WriteString(`\\`)
		case c == 0 || c >= 0x80:
			fmt.Fprintf(&b, `\%03o`, c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
