// Package await tells when enough mirrors hold a file or folder of a release.
package await

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// Store is what is needed of the database.
type Store interface {
	VersionsOf(ctx context.Context, path string) ([]store.FileRow, error)
	FolderIDs(ctx context.Context, folder string) (ids *roaring.Bitmap, files, size int64, err error)
	Read(ctx context.Context, fn func(*store.Snapshot) error) error
	Mirrors(ctx context.Context) ([]mirror.Mirror, error)
	HoldingsOf(ctx context.Context, id mirror.ID) (store.Holdings, error)
}

// Want is what is waited for.
type Want struct {
	Path    string // file or folder of the tree, or an alias of one; "": all of it
	Mirrors int    // how many mirrors must have it; 0: no matter
	// Share is how much of the load these mirrors must carry, from 0 to 1: the sum
	// of their scores against that of all which could have it.
	Share float64
	// PerContinent asks for that many mirrors on each continent that has enabled
	// ones, or for all of a continent that has fewer.
	PerContinent bool
	// Complete is how much of a folder's files a mirror must hold, from 0 to 1.
	// 0 means 1.
	Complete   float64
	MaxScanAge time.Duration // see mirror.Mirror.State
}

// Target is what a path stands for at present.
type Target struct {
	Path   string          // after aliases
	Folder bool            // what the scan of it is about is itself, else what it is in
	IDs    *roaring.Bitmap // current versions; empty: the index does not know it
	Size   int64           // of a file, in bytes
}

// Subtree is the folder to scan for it.
func (t *Target) Subtree() string {
	if t.Folder {
		return t.Path
	}
	return t.Path[:max(0, strings.LastIndexByte(t.Path, '/'))]
}

// same reports whether both stand for the same versions.
func (t *Target) same(o *Target) bool { return t.Path == o.Path && t.IDs.Equals(o.IDs) }

// Look tells how things stand now.
func Look(ctx context.Context, db Store, w Want, now time.Time) (Standing, error) {
	t, err := find(ctx, db, w.Path)
	if err != nil {
		return Standing{}, err
	}
	for {
		s := Standing{Target: t}
		if t.IDs.IsEmpty() {
			return s, nil
		}
		mirrors, err := db.Mirrors(ctx)
		if err != nil {
			return s, err
		}
		held := make([]*roaring.Bitmap, len(mirrors))
		for i := range mirrors {
			h, err := db.HoldingsOf(ctx, mirrors[i].ID)
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return s, err
			}
			held[i] = h.Held
		}
		// An index run in the meantime must not make old copies count.
		again, err := find(ctx, db, w.Path)
		if err != nil {
			return s, err
		}
		if again.same(&t) {
			s.judge(w, mirrors, held, now)
			return s, nil
		}
		t = again
	}
}

// find gives what a path stands for.
func find(ctx context.Context, db Store, path string) (Target, error) {
	path, err := mirror.CleanSubtree(path)
	if err != nil {
		return Target{}, err
	}
	t, err := lookUp(ctx, db, path)
	if err != nil || !t.IDs.IsEmpty() {
		return t, err
	}
	to, err := resolve(ctx, db, path)
	if err != nil || to == path {
		return t, err
	}
	return lookUp(ctx, db, to)
}

func lookUp(ctx context.Context, db Store, path string) (Target, error) {
	t := Target{Path: path, IDs: roaring.New()}
	if path != "" {
		rows, err := db.VersionsOf(ctx, path)
		if err != nil {
			return t, err
		}
		for _, r := range rows {
			if r.Current() {
				t.IDs.Add(uint32(r.ID))
				t.Size = r.Size
			}
		}
		if !t.IDs.IsEmpty() {
			return t, nil
		}
	}
	ids, _, _, err := db.FolderIDs(ctx, path)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return t, nil
	case err != nil:
		return t, err
	}
	t.IDs, t.Folder = ids, true
	return t, nil
}

// maxLinks bounds the aliases that are followed one after the other.
const maxLinks = 40

// resolve follows the aliases in a path.
func resolve(ctx context.Context, db Store, path string) (string, error) {
	aliases := map[string]string{}
	err := db.Read(ctx, func(n *store.Snapshot) error {
		return n.Aliases(0, func(a store.Alias) error {
			aliases[a.Path] = a.Target
			return nil
		})
	})
	if err != nil {
		return "", fmt.Errorf("reading aliases: %w", err)
	}
	return follow(aliases, path), nil
}

func follow(aliases map[string]string, path string) string {
	for range maxLinks {
		to, rest := "", ""
		found := false
		for i := 0; i <= len(path) && !found; i++ {
			if i == len(path) || path[i] == '/' {
				to, found = aliases[path[:i]]
				rest = path[i:]
			}
		}
		if !found {
			return path
		}
		path = strings.TrimPrefix(to+rest, "/")
	}
	return path
}
