package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"
)

// rootFolder is the id of the tree's root, which is its own parent.
const rootFolder = 1

// splitPath gives the folder and the name of a path.
func splitPath(path string) (folder, name string) {
	at := strings.LastIndexByte(path, '/')
	if at < 0 {
		return "", path
	}
	return path[:at], path[at+1:]
}

// folderTree turns folder ids into paths. It is for one goroutine.
type folderTree struct {
	nodes map[int64]folderNode
	paths map[int64]string // with a trailing slash, of folders that were asked for

	last     int64 // rows of one folder mostly follow one another
	lastPath string
	chain    []string
}

type folderNode struct {
	parent int64
	name   string
}

// tree gives the folders of the rows of table that where selects, with few;
// else all folders, which are kept for the snapshot's next use.
func (n *Snapshot) tree(table string, few bool, where string, args []any) (*folderTree, error) {
	if n.folders != nil {
		return n.folders, nil
	}
	q := "SELECT id, parent, name FROM folder WHERE id <> 1"
	if few {
		q = `WITH RECURSIVE up (id, parent, name) AS (
			SELECT id, parent, name FROM folder WHERE id IN (SELECT folder FROM ` + table + ` WHERE ` + where + `)
			UNION SELECT f.id, f.parent, f.name FROM folder f JOIN up ON f.id = up.parent WHERE up.id <> 1
		) SELECT id, parent, name FROM up WHERE id <> 1`
	} else {
		args = nil
	}
	t, err := readTree(n.ctx, n.q, q, args)
	if err == nil && !few {
		n.folders = t
	}
	return t, err
}

func readTree(ctx context.Context, q querier, query string, args []any) (*folderTree, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	t := &folderTree{nodes: make(map[int64]folderNode), paths: map[int64]string{rootFolder: ""}, last: rootFolder}
	for rows.Next() {
		var id, parent int64
		var name sql.RawBytes
		if err := rows.Scan(&id, &parent, &name); err != nil {
			return nil, err
		}
		t.nodes[id] = folderNode{parent, string(name)}
	}
	return t, rows.Err()
}

// join appends the path of name in a folder to dst.
func (t *folderTree) join(dst []byte, folder int64, name []byte) ([]byte, error) {
	if folder != t.last {
		p, err := t.path(folder)
		if err != nil {
			return dst, err
		}
		t.last, t.lastPath = folder, p
	}
	dst = append(dst, t.lastPath...)
	return append(dst, name...), nil
}

// path is "" for the root, else it ends in a slash. Only what is asked for is
// remembered, not the folders on the way: a very deep tree would take memory by
// the square of its depth.
func (t *folderTree) path(id int64) (string, error) {
	if p, ok := t.paths[id]; ok {
		return p, nil
	}
	t.chain = t.chain[:0]
	var above string
	length := 0
	for at := id; ; {
		if p, ok := t.paths[at]; ok {
			above = p
			break
		}
		node, ok := t.nodes[at]
		if !ok || len(t.chain) > len(t.nodes) {
			return "", fmt.Errorf("folder %d has no way up to the root in the database", id)
		}
		t.chain = append(t.chain, node.name)
		length += len(node.name) + 1
		at = node.parent
	}
	var b strings.Builder
	b.Grow(len(above) + length)
	b.WriteString(above)
	for _, name := range slices.Backward(t.chain) {
		b.WriteString(name)
		b.WriteByte('/')
	}
	t.paths[id] = b.String()
	return b.String(), nil
}

// findFolder gives the id of a folder, or ErrNotFound.
func findFolder(ctx context.Context, q querier, bytesType, path string) (int64, error) {
	id := int64(rootFolder)
	if path == "" {
		return id, nil
	}
	// So many levels at a time as there may be parameters in a statement.
	const levels = 1000
	for segs := strings.Split(path, "/"); len(segs) > 0; {
		some := segs[:min(levels, len(segs))]
		segs = segs[len(some):]
		args := []any{id}
		var steps strings.Builder
		for i, seg := range some {
			if i > 0 {
				steps.WriteString(", ")
			}
			fmt.Fprintf(&steps, "(%d, CAST($%d AS %s))", i+1, i+2, bytesType)
			args = append(args, []byte(seg))
		}
		var depth int
		err := q.QueryRowContext(ctx, `WITH RECURSIVE step (n, name) AS (VALUES `+steps.String()+`),
			walk (id, n) AS (
				SELECT id, 0 FROM folder WHERE id = $1
				UNION ALL
				SELECT f.id, step.n FROM walk JOIN step ON step.n = walk.n + 1
				JOIN folder f ON f.parent = walk.id AND f.name = step.name
			) SELECT id, n FROM walk ORDER BY n DESC LIMIT 1`, args...).Scan(&id, &depth)
		if errors.Is(err, sql.ErrNoRows) || err == nil && depth < len(some) {
			return 0, fmt.Errorf("folder %q: %w", path, ErrNotFound)
		} else if err != nil {
			return 0, err
		}
	}
	return id, nil
}

// FolderIDs gives the ids, number and bytes of the current files below a
// folder as of the last index run. ErrNotFound: there is no such folder, or
// nothing was ever below it.
func (s *Store) FolderIDs(ctx context.Context, folder string) (ids *roaring.Bitmap, files, size int64, err error) {
	err = s.read(ctx, func(n *Snapshot) error {
		id, err := findFolder(ctx, n.q, s.d.bytes, folder)
		if err != nil {
			return err
		}
		var raw []byte
		err = n.q.QueryRowContext(ctx, "SELECT files, bytes, ids FROM folder_stat WHERE folder = $1", id).Scan(&files, &size, &raw)
		if err != nil {
			return err
		}
		ids, err = unpacked(raw)
		return err
	})
	return ids, files, size, fail("reading what is in a folder", deadline(ctx, err))
}

// folderKey is what is unique about a folder.
type folderKey struct {
	parent int64
	name   string
}

// folderIDs gives the ids of all these folders and of those above them,
// making what is not there.
func (t *tx) folderIDs(ctx context.Context, paths map[string]struct{}) (map[string]int64, error) {
	levels := byDepth(paths)
	ids := map[string]int64{"": rootFolder}
	for _, level := range levels {
		byKey := make(map[folderKey]string, len(level))
		for _, p := range level {
			parent, name := splitPath(p)
			byKey[folderKey{ids[parent], name}] = p
		}
		if err := lookUpFolders(ctx, t, t.d, byKey, ids); err != nil {
			return nil, err
		}
		if err := t.makeFolders(ctx, byKey, ids); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// byDepth gives the paths and those above them, without the root, level by level.
func byDepth(paths map[string]struct{}) [][]string {
	var levels [][]string
	seen := map[string]struct{}{"": {}}
	for p := range paths {
		for {
			if _, ok := seen[p]; ok {
				break
			}
			seen[p] = struct{}{}
			depth := strings.Count(p, "/")
			for len(levels) <= depth {
				levels = append(levels, nil)
			}
			levels[depth] = append(levels[depth], p)
			p, _ = splitPath(p)
		}
	}
	return levels
}

// lookUpFolders moves the folders that are there from keys to ids.
func lookUpFolders(ctx context.Context, q querier, d *dialect, keys map[folderKey]string, ids map[string]int64) error {
	args := make([]any, 0, 2*d.keys)
	ask := func() error {
		rows, err := q.QueryContext(ctx, "WITH v (parent, name) AS (VALUES "+typed(placeholders(len(args)/2, 2), "bigint", d.bytes)+`)
			SELECT f.id, f.parent, f.name FROM v JOIN folder f ON f.parent = v.parent AND f.name = v.name`, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id int64
			var k folderKey
			if err := rows.Scan(&id, &k.parent, &k.name); err != nil {
				return err
			}
			if p, ok := keys[k]; ok {
				ids[p] = id
			}
		}
		return rows.Err()
	}
	for k := range keys {
		args = append(args, k.parent, []byte(k.name))
		if len(args) == cap(args) {
			if err := ask(); err != nil {
				return err
			}
			args = args[:0]
		}
	}
	if len(args) > 0 {
		return ask()
	}
	return nil
}

// makeFolders makes those of keys that ids does not have yet.
func (t *tx) makeFolders(ctx context.Context, keys map[folderKey]string, ids map[string]int64) error {
	var rows [][]any
	var made []string
	for k, p := range keys {
		if _, ok := ids[p]; !ok {
			rows = append(rows, []any{int64(0), k.parent, []byte(k.name)})
			made = append(made, p)
		}
	}
	if len(rows) == 0 {
		return nil
	}
	first, err := t.draw(ctx, "folder", len(rows))
	if err != nil {
		return err
	}
	for i := range rows {
		rows[i][0] = first + int64(i)
		ids[made[i]] = first + int64(i)
	}
	return t.d.insert(ctx, t, "folder", []string{"id", "parent", "name"}, rows)
}
