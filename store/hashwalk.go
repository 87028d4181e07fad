package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// HashWish says which versions a HashWalk gives, of the current ones.
type HashWish struct {
	// Path is a folder, for what is below it, or a file; "" the whole tree.
	Path string
	// Pieces say how long the pieces of a file should be, by its size, in
	// ascending order. The last one holds for all larger files, too.
	Pieces []PieceStep
	ZSync  bool // there should be sums for zsync
	Tree   bool // there should be BEP 52's merkle tree; else there should be none
	All    bool // also those that have everything, as if they had nothing
}

// PieceStep is the length of the pieces of files of up to Size bytes.
type PieceStep struct{ Size, Length int64 }

// HashRow is a version that lacks something.
type HashRow struct {
	FileRow        // Path is the caller's to keep
	Read    bool   // digests are missing; else only the signature is to be looked at
	Hashed  int64  // the revision at which digests were stored; 0: there are none
	Beside  [2]Sig // the files ".asc" and ".sig" beside it

	folder int64
}

// Sig is a file that may hold the signature of another.
type Sig struct {
	mirror.Version       // ID 0: there is none
	CTime          int64 // ns since the epoch; 0 unknown
}

// HashWalk goes through the tree, folder by folder in the order of their
// paths, and finds the versions that `mbctl hash` has to look at. It keeps the
// folders of the tree in memory, and no files. What changes during the walk may
// be seen or not.
type HashWalk struct {
	s       *Store
	wish    HashWish
	tree    *folderTree
	folders []int64       // still to visit
	counted []folderFiles // to be visited before those
	after   []byte        // the name in the first of counted after which to go on
	only    []byte        // the name of the one file; nil: all
}

// HashWalk begins a walk. ErrNotFound: the index has nothing at wish.Path.
func (s *Store) HashWalk(ctx context.Context, wish HashWish) (*HashWalk, error) {
	w := &HashWalk{s: s, wish: wish, after: []byte{}}
	err := s.read(ctx, func(n *Snapshot) error {
		var err error
		if w.tree, err = n.tree("file", false, "", nil); err != nil {
			return err
		}
		return w.start(ctx, n)
	})
	return w, fail("looking for files without digests", deadline(ctx, err))
}

func (w *HashWalk) start(ctx context.Context, n *Snapshot) error {
	at, err := findFolder(ctx, n.q, w.s.d.bytes, w.wish.Path)
	if !errors.Is(err, ErrNotFound) {
		w.folders = w.tree.below(at)
		return err
	}
	parent, name := splitPath(w.wish.Path)
	if at, err = findFolder(ctx, n.q, w.s.d.bytes, parent); err == nil {
		err = n.q.QueryRowContext(ctx, "SELECT 1 FROM file WHERE folder = $1 AND name = $2 AND gone = 0", at, []byte(name)).Scan(new(int))
	}
	if errors.Is(classify(err), ErrNotFound) || errors.Is(err, ErrNotFound) {
		return fmt.Errorf("%q: %w", w.wish.Path, ErrNotFound)
	}
	w.folders, w.only = []int64{at}, []byte(name)
	return err
}

// below gives a folder and all below it, each before those below it, in the
// order of names.
func (t *folderTree) below(root int64) []int64 {
	children := make(map[int64][]int64)
	for id, f := range t.nodes {
		children[f.parent] = append(children[f.parent], id)
	}
	var order []int64
	for stack := []int64{root}; len(stack) > 0; {
		at := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		order = append(order, at)
		next := children[at]
		// The stack gives back the last first.
		slices.SortFunc(next, func(a, b int64) int { return cmp.Compare(t.nodes[b].name, t.nodes[a].name) })
		stack = append(stack, next...)
	}
	return order
}
