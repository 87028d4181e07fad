package store

import (
	"errors"
	"fmt"
	"strings"
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
	where := "gone = 0 AND folder = $1"
	if below {
		where = "gone = 0 AND folder IN (" + foldersBelow + ")"
	}
	return n.files(where, []any{id}, true, fn)
}

// foldersBelow gives folder $1 and all below it.
const foldersBelow = `WITH RECURSIVE below (id) AS (
	SELECT id FROM folder WHERE id = $1
	UNION SELECT f.id FROM folder f JOIN below ON f.parent = below.id WHERE f.id <> 1
) SELECT id FROM below`

// LiveNamed streams the current files in and below a folder that have one of
// the names, or one of the parts somewhere in their name.
func (n *Snapshot) LiveNamed(folder string, names, parts []string, fn func(FileRow) error) error {
	id, err := findFolder(n.ctx, n.q, n.d.bytes, folder)
	if errors.Is(err, ErrNotFound) || len(names)+len(parts) == 0 {
		return nil
	} else if err != nil {
		return err
	}
	args := []any{id}
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
	where := "gone = 0 AND folder IN (" + foldersBelow + ") AND (" + strings.Join(tests, " OR ") + ")"
	return n.files(where, args, true, fn)
}
