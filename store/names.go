package store

import (
	"context"
	"errors"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// Names gives names of a folder's current files, and of its folders, that begin
// with prefix, in order, at most limit of each. A folder that is not there has
// none.
func (s *Store) Names(ctx context.Context, folder, prefix string, limit int) (files, folders []string, err error) {
	err = s.read(ctx, func(n *Snapshot) error {
		id, err := findFolder(ctx, n.q, s.d.bytes, folder)
		if errors.Is(err, ErrNotFound) {
			return nil
		} else if err != nil {
			return err
		}
		if files, err = n.names("file WHERE gone = 0 AND folder", id, prefix, limit); err != nil {
			return err
		}
		folders, err = n.names("folder WHERE id <> 1 AND parent", id, prefix, limit)
		return err
	})
	return files, folders, fail("reading names", deadline(ctx, err))
}

// names reads from "table WHERE ... column", of which column is to be id.
func (n *Snapshot) names(from string, id int64, prefix string, limit int) (all []string, err error) {
	where, args := " = $1 AND name >= $2", []any{id, []byte(prefix), int64(limit)}
	if end := afterAll(prefix); end != nil {
		where += " AND name < $4"
		args = append(args, end)
	}
	rows, err := n.q.QueryContext(n.ctx, "SELECT name FROM "+from+where+" ORDER BY name LIMIT $3", args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var name []byte
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		all = append(all, string(name))
	}
	return all, rows.Err()
}

// afterAll gives the least bytes that come after all that begin with prefix;
// nil: there are none.
func afterAll(prefix string) []byte {
	end := []byte(prefix)
	for len(end) > 0 {
		if last := len(end) - 1; end[last] < 0xff {
			end[last]++
			return end
		}
		end = end[:len(end)-1]
	}
	return nil
}

// AltMTimesOf gives the modification times that versions had earlier, of those
// that had any.
func (s *Store) AltMTimesOf(ctx context.Context, ids []mirror.FileID) (map[mirror.FileID][]AltMTime, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	alts := make(map[mirror.FileID][]AltMTime)
	err := s.read(ctx, func(n *Snapshot) error {
		rows, err := n.q.QueryContext(ctx, "SELECT file, mtime, mtime_precision FROM alt_mtime WHERE file IN ("+idList(ids)+") ORDER BY file, mtime")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id mirror.FileID
			var a AltMTime
			if err := rows.Scan(&id, &a.MTime, &a.Precision); err != nil {
				return err
			}
			alts[id] = append(alts[id], a)
		}
		return rows.Err()
	})
	return alts, fail("reading earlier times", deadline(ctx, err))
}
