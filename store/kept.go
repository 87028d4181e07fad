package store

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// Kept streams the versions that were replaced or removed after goneAfter, in
// nanoseconds since the epoch, and whose row changed after revision since;
// since 0: all of them.
func (n *Snapshot) Kept(since, goneAfter int64, fn func(FileRow) error) error {
	goneAfter = max(goneAfter, 0)
	if since > 0 {
		// Without "gone <> 0" the index of all gone rows does not suit, which
		// would be the wrong one: only what is new is wanted.
		return n.files("revision > $1 AND gone > $2", []any{since, goneAfter}, true, fn)
	}
	return n.files("gone <> 0 AND gone > $1", []any{goneAfter}, true, fn)
}

// LiveIn streams the current files directly in a folder, or with below also
// those in the folders below it. A folder that is not there has none.
func (n *Snapshot) LiveIn(folder string, below bool, fn func(FileRow) error) error {
	id, err := findFolder(n.ctx, n.q, n.d.bytes, folder)
	if errors.Is(err, ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	switch {
	case !below:
		return n.files("gone = 0 AND folder = $1", []any{id}, true, fn)
	case id == rootFolder:
		return n.files("gone = 0", nil, false, fn)
	}
	return n.files("gone = 0 AND folder IN ("+foldersBelow+")", []any{id}, true, fn)
}

// foldersBelow gives folder $1 and all below it.
const foldersBelow = `WITH RECURSIVE below (id) AS (
	SELECT id FROM folder WHERE id = $1
	UNION SELECT f.id FROM folder f JOIN below ON f.parent = below.id WHERE f.id <> 1
) SELECT id FROM below`

// LiveNamed streams the current files in and below a folder that have one of
// the names, or one of the parts somewhere in their name. All names there are
// looked at, which takes a second or so for each million, until the first
// comes; the paths of the few that suit are looked up afterwards.
func (n *Snapshot) LiveNamed(folder string, names, parts []string, fn func(FileRow) error) error {
	id, err := findFolder(n.ctx, n.q, n.d.bytes, folder)
	if errors.Is(err, ErrNotFound) || len(names)+len(parts) == 0 {
		return nil
	} else if err != nil {
		return err
	}
	ids, err := n.liveNamed(id, names, parts)
	if err != nil {
		return err
	}
	for some := range slices.Chunk(ids, listChunk) {
		err := n.files("id IN ("+idList(some)+")", nil, true, func(r FileRow) error {
			if !mirror.Below(string(r.Path), folder) {
				return nil
			}
			return fn(r)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// fewFolders is how many folders are gone through one by one. Where there are
// more it is faster to go through all files, though many are elsewhere: the
// planner takes any number of folders for a few.
const fewFolders = 2000

// liveNamed gives the files that LiveNamed wants, and perhaps some elsewhere.
func (n *Snapshot) liveNamed(folder int64, names, parts []string) ([]int64, error) {
	var count int
	err := n.q.QueryRowContext(n.ctx, "SELECT count(*) FROM ("+foldersBelow+" LIMIT "+strconv.Itoa(fewFolders)+") AS f", folder).Scan(&count)
	if err != nil {
		return nil, err
	}
	where, args := "gone = 0", []any(nil)
	if count < fewFolders {
		where, args = "gone = 0 AND folder IN ("+foldersBelow+")", []any{folder}
	}
	var tests []string
	add := func(test, value string) {
		args = append(args, []byte(value))
		tests = append(tests, strings.ReplaceAll(test, "?", fmt.Sprintf("$%d", len(args))))
	}
	for _, name := range names {
		add("name = ?", name)
	}
	for _, part := range parts {
		add(n.d.contains, part)
	}
	return n.fileIDs(where+" AND ("+strings.Join(tests, " OR ")+")", args)
}

func (n *Snapshot) fileIDs(where string, args []any) (ids []int64, err error) {
	rows, err := n.q.QueryContext(n.ctx, "SELECT id FROM file WHERE "+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}
