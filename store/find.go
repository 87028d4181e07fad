package store

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror/glob"
)

// FindWish says which versions a Finder gives.
type FindWish struct {
	Pattern *glob.Pattern
	Former  bool // also those that were replaced or removed
}

// Finder goes through the versions whose paths match a pattern, folder by
// folder in the order of their paths; within a folder by name, or where it is
// large, first the current versions and then the former ones. It keeps folders
// in memory, those below which something can match, and some hundred files.
// What changes meanwhile may be seen or not.
type Finder struct {
	s       *Store
	wish    FindWish
	tree    *folderTree
	match   *glob.Matcher
	folders []foundFolder // to visit, in order
	counted []folderPart  // to be visited before those
	name    []byte        // in the first of counted, after which to go on
	id      int64         // of the version of that name, after which to go on
	exact   string        // the only path, still to be looked up
}

// foundFolder is a folder and where the pattern is after its path.
type foundFolder struct {
	id    int64
	state glob.State
}

// folderPart is the current or the former versions of a folder.
type folderPart struct {
	foundFolder

	former bool
	files  int64
}

// How many rows and folders are asked for at a time; see hashRows.
const (
	findRows    = 500
	findFolders = 500
)

const finding = "looking for files"

// Find begins a search. That nothing matches shows at Next.
func (s *Store) Find(ctx context.Context, wish FindWish) (*Finder, error) {
	f := &Finder{s: s, wish: wish, match: wish.Pattern.Matcher(), name: []byte{}}
	if path, ok := wish.Pattern.Exact(); ok {
		f.exact = path
		return f, nil
	}
	err := s.read(ctx, func(n *Snapshot) error {
		top := wish.Pattern.Folder()
		id, err := findFolder(ctx, n.q, s.d.bytes, top)
		if errors.Is(err, ErrNotFound) {
			return nil
		} else if err != nil {
			return err
		}
		f.tree, err = readTree(ctx, n.q, "SELECT id, parent, name FROM folder WHERE id <> 1 AND id IN ("+foldersBelow+")", []any{id})
		if err != nil {
			return err
		}
		path := []byte(top)
		if top != "" {
			path = append(path, '/')
		}
		f.tree.paths[id] = string(path)
		f.plan(id, f.match.After(f.match.Start(), path))
		return nil
	})
	return f, fail(finding, deadline(ctx, err))
}

// plan puts the folders in order below which something can match.
func (f *Finder) plan(top int64, at glob.State) {
	children := make(map[int64][]int64)
	for id, node := range f.tree.nodes {
		if id != top {
			children[node.parent] = append(children[node.parent], id)
		}
	}
	for stack := []foundFolder{{top, at}}; len(stack) > 0; {
		at := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		f.folders = append(f.folders, at)
		next := children[at.id]
		// The stack gives back the last first.
		slices.SortFunc(next, func(a, b int64) int { return cmp.Compare(f.tree.nodes[b].name, f.tree.nodes[a].name) })
		for _, id := range next {
			if s := f.match.After(at.state, []byte(f.tree.nodes[id].name+"/")); len(s) > 0 {
				stack = append(stack, foundFolder{id, s})
			}
		}
	}
}

// Next gives some of the versions, none at the end. The rows are the caller's
// to keep.
func (f *Finder) Next(ctx context.Context) ([]FileRow, error) {
	if path := f.exact; path != "" {
		f.exact = ""
		rows, err := f.s.VersionsOf(ctx, path)
		return slices.DeleteFunc(rows, func(r FileRow) bool { return !r.Current() && !f.wish.Former }), err
	}
	for {
		rows, more, err := f.page(ctx)
		if err != nil {
			return nil, fail(finding, deadline(ctx, err))
		}
		if len(rows) > 0 || !more {
			return rows, nil
		}
	}
}

// page asks for the files of small folders together, and of a large one some at
// a time.
func (f *Finder) page(ctx context.Context) (rows []FileRow, more bool, err error) {
	if len(f.counted) == 0 {
		if len(f.folders) == 0 {
			return nil, false, nil
		}
		return nil, true, f.count(ctx)
	}
	if first := f.counted[0]; first.files > findRows {
		rows, err = f.largePage(ctx, first)
		return rows, true, err
	}
	n, files := 0, int64(0)
	for n < len(f.counted) && files+f.counted[n].files <= findRows {
		files += f.counted[n].files
		n++
	}
	rows, err = f.smallFolders(ctx, f.counted[:n])
	f.counted = f.counted[n:]
	return rows, true, err
}

// count finds out how many files the next folders have.
func (f *Finder) count(ctx context.Context) error {
	some := f.folders[:min(findFolders, len(f.folders))]
	ids := make([]int64, len(some))
	for i, at := range some {
		ids[i] = at.id
	}
	var counts [2]map[int64]int64 // current, former
	err := f.s.read(ctx, func(n *Snapshot) error {
		for i, gone := range f.kinds() {
			var err error
			if counts[i], err = countFiles(ctx, n.q, gone, ids); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	f.folders = f.folders[len(some):]
	for _, at := range some {
		for i := range counts {
			if files := counts[i][at.id]; files > 0 {
				f.counted = append(f.counted, folderPart{at, i == 1, files})
			}
		}
	}
	return nil
}

// kinds gives the conditions for the rows that are wanted; each has an index.
func (f *Finder) kinds() []string {
	if f.wish.Former {
		return []string{"gone = 0", "gone <> 0"}
	}
	return []string{"gone = 0"}
}

func countFiles(ctx context.Context, q querier, gone string, folders []int64) (map[int64]int64, error) {
	rows, err := q.QueryContext(ctx, "SELECT folder, count(*) FROM file WHERE "+gone+" AND folder IN ("+idList(folders)+") GROUP BY folder")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	files := make(map[int64]int64)
	for rows.Next() {
		var folder, n int64
		if err := rows.Scan(&folder, &n); err != nil {
			return nil, err
		}
		files[folder] = n
	}
	return files, rows.Err()
}

func (f *Finder) largePage(ctx context.Context, part folderPart) ([]FileRow, error) {
	kind := "gone = 0"
	if part.former {
		kind = "gone <> 0"
	}
	where := kind + fmt.Sprintf(" AND folder = $1 AND name >= $2 AND (name > $2 OR id > $3) ORDER BY name, id LIMIT %d", findRows)
	var found []FileRow
	read := 0
	err := f.s.read(ctx, func(n *Snapshot) error {
		return f.each(n, where, []any{part.id, f.name, f.id}, func(_ int64, r FileRow) {
			read++
			f.name, f.id = r.Path[bytes.LastIndexByte(r.Path, '/')+1:], int64(r.ID)
			if f.matches(part.state, r.Path) {
				found = append(found, r)
			}
		})
	})
	if read < findRows {
		f.counted, f.name, f.id = f.counted[1:], []byte{}, 0
	}
	return found, err
}

// smallFolders reads all files of some folders.
func (f *Finder) smallFolders(ctx context.Context, parts []folderPart) ([]FileRow, error) {
	order := make(map[int64]int, len(parts))
	var ids [2][]int64 // with current ones, with former ones
	for i, p := range parts {
		if _, ok := order[p.id]; !ok {
			order[p.id] = i
		}
		kind := 0
		if p.former {
			kind = 1
		}
		ids[kind] = append(ids[kind], p.id)
	}
	type placed struct {
		FileRow

		at int
	}
	var found []placed
	take := func(folder int64, r FileRow) {
		if at := order[folder]; f.matches(parts[at].state, r.Path) {
			found = append(found, placed{r, at})
		}
	}
	err := f.s.read(ctx, func(n *Snapshot) error {
		for i, kind := range f.kinds() {
			if len(ids[i]) == 0 {
				continue
			}
			if err := f.each(n, kind+" AND folder IN ("+idList(ids[i])+")", nil, take); err != nil {
				return err
			}
		}
		return nil
	})
	slices.SortFunc(found, func(a, b placed) int {
		current := func(p placed) int {
			if p.Current() {
				return 0
			}
			return 1
		}
		return cmp.Or(cmp.Compare(a.at, b.at), bytes.Compare(a.Path, b.Path), cmp.Compare(current(a), current(b)), cmp.Compare(b.ID, a.ID))
	})
	rows := make([]FileRow, len(found))
	for i := range found {
		rows[i] = found[i].FileRow
	}
	return rows, err
}

// each reads rows and makes them the caller's to keep.
func (f *Finder) each(n *Snapshot, where string, args []any, fn func(folder int64, r FileRow)) error {
	rows, err := n.q.QueryContext(n.ctx, "SELECT "+fileColumns+" FROM file WHERE "+where, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	sc := newFileScanner(f.tree)
	for rows.Next() {
		r, err := sc.scan(rows)
		if err != nil {
			return err
		}
		folder, _ := sc.num[1].(int64)
		r.Path = bytes.Clone(r.Path)
		fn(folder, r)
	}
	return rows.Err()
}

// matches reports whether the pattern, being in at after the folder, matches.
func (f *Finder) matches(at glob.State, path []byte) bool {
	return f.match.Matches(f.match.After(at, path[bytes.LastIndexByte(path, '/')+1:]))
}
