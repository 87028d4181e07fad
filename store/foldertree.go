package store

import (
	"context"
	"fmt"

	"github.com/RoaringBitmap/roaring/v2"
)

// FolderTotal is what lies below a folder, as of the last index run.
type FolderTotal struct {
	Path         string // "" the root
	Files, Bytes int64
	IDs          *roaring.Bitmap // of the current files
}

// FolderTotals streams what lies below a folder and below the folders in it, up
// to so many levels down, in no particular order. Folders in which nothing was
// ever are left out. ErrNotFound: there is no such folder.
func (s *Store) FolderTotals(ctx context.Context, folder string, levels int, fn func(FolderTotal) error) error {
	err := s.read(ctx, func(n *Snapshot) error {
		id, err := findFolder(ctx, n.q, s.d.bytes, folder)
		if err != nil {
			return err
		}
		const walk = `WITH RECURSIVE walk (id, parent, name, n) AS (
				SELECT id, parent, name, 0 FROM folder WHERE id = $1
				UNION ALL
				SELECT f.id, f.parent, f.name, walk.n + 1 FROM walk JOIN folder f ON f.parent = walk.id WHERE f.id <> 1 AND walk.n < $2
			) `
		args := []any{id, int64(levels)}
		tree, err := readTree(ctx, n.q, walk+"SELECT id, parent, name FROM walk WHERE id <> 1", args)
		if err != nil {
			return err
		}
		top := folder
		if top != "" {
			top += "/"
		}
		tree.paths[id] = top
		rows, err := n.q.QueryContext(ctx, walk+"SELECT s.folder, s.files, s.bytes, s.ids FROM walk JOIN folder_stat s ON s.folder = walk.id", args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var at int64
			var t FolderTotal
			var raw []byte
			if err := rows.Scan(&at, &t.Files, &t.Bytes, &raw); err != nil {
				return err
			}
			if t.IDs, err = unpacked(raw); err != nil {
				return fmt.Errorf("what is in folder %d: %w", at, err)
			}
			path, err := tree.path(at)
			if err != nil {
				return err
			}
			if path != "" {
				t.Path = path[:len(path)-1]
			}
			if err := fn(t); err != nil {
				return err
			}
		}
		return rows.Err()
	})
	return fail("reading what is in folders", deadline(ctx, err))
}
