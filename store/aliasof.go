package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"
)

// maxLinks bounds the links followed from one path, as systems do.
const maxLinks = 40

// Resolve follows the links of a path, and gives the path that it stands for;
// the path itself where there are none on its way.
func (s *Store) Resolve(ctx context.Context, path string) (string, error) {
	err := s.read(ctx, func(n *Snapshot) error {
		for range maxLinks {
			next, err := n.step(path)
			if err != nil || next == path {
				return err
			}
			path = next
		}
		return nil // in a circle: no file has this path
	})
	return path, fail("following links", deadline(ctx, err))
}

// step replaces the first link on the way of path by what it stands for.
func (n *Snapshot) step(path string) (string, error) {
	folder := int64(rootFolder)
	for at := 0; at <= len(path); {
		end := len(path)
		if i := strings.IndexByte(path[at:], '/'); i >= 0 {
			end = at + i
		}
		name := []byte(path[at:end])
		var target []byte
		err := n.q.QueryRowContext(n.ctx, "SELECT target FROM alias WHERE folder = $1 AND name = $2 AND gone = 0", folder, name).Scan(&target)
		if err == nil {
			return strings.TrimPrefix(string(target)+path[end:], "/"), nil // a target that is the root is ""
		} else if !errors.Is(err, sql.ErrNoRows) {
			return path, err
		}
		err = n.q.QueryRowContext(n.ctx, "SELECT id FROM folder WHERE id <> 1 AND parent = $1 AND name = $2", folder, name).Scan(&folder)
		if errors.Is(err, sql.ErrNoRows) {
			return path, nil
		} else if err != nil {
			return path, err
		}
		at = end + 1
	}
	return path, nil
}
