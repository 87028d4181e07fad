package catalog_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/catalog"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/pgtest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// site is a node with all that it follows.
type site struct {
	c *catalog.Catalog
	k *catalog.Kept
	r *catalog.Repositories
}

func newSite(t *testing.T, s *store.Store, o catalog.FollowOptions, rules ...catalog.RepositoryRule) *site {
	t.Helper()
	n := &site{catalog.New(catalog.Options{}), catalog.NewKept(catalog.Options{}), catalog.NewRepositories()}
	n.k.SetWant(time.Hour, func([]byte) time.Duration { return time.Hour })
	n.r.SetRules(rules)
	ctx, cancel := context.WithCancel(t.Context())
	src, beside := catalog.FromStore(s), catalog.BesideOptions{File: o.File, Timeout: o.Timeout}
	var wg sync.WaitGroup
	wg.Go(func() { catalog.Follow(ctx, n.c, src, o) })
	wg.Go(func() { catalog.FollowKept(ctx, n.c, n.k, src, beside) })
	wg.Go(func() { catalog.FollowRepositories(ctx, n.c, n.r, src, beside) })
	t.Cleanup(func() {
		cancel()
		wg.Wait()
	})
	return n
}

func (n *site) id(path string) mirror.FileID {
	e, _ := n.c.Lookup(path)
	return e.ID
}

// current reports whether path is of a repository with so many index files, as
// the catalog has them.
func (n *site) current(path string, files int) func() bool {
	return func() bool {
		r := n.r.Find(path)
		return r != nil && r.Files() == files && r.Current(n.c.View(), n.id(path))
	}
}

func (n *site) kept(path string, want ...mirror.FileID) func() bool {
	return func() bool {
		got := n.k.Versions(path, n.id(path), 0, nil)
		for i := range got {
			if i >= len(want) || got[i].ID != want[i] {
				return false
			}
		}
		return len(got) == len(want)
	}
}

// TestStoreBeside changes files, and follows what went and what is left.
func TestStoreBeside(t *testing.T) {
	t.Parallel()
	for kind, database := range databases {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			s := open(t, database(t))
			ok(t, s.Prepare(t.Context()))
			rule, err := catalog.NewRepositoryRule("/pub/", "STAMP")
			ok(t, err)
			n := newSite(t, s, catalog.FollowOptions{}, rule)
			index(t, s, store.IndexBatch{Add: []store.NewFile{
				newFile("pub/f/\xff/repodata/repomd.xml", 1), newFile("pub/f/\xff/repodata/primary", 1), newFile("pub/f/\xff/x.rpm", 1),
				newFile("pub/a/core.db.tar.gz", 1), newFile("pub/a/core.files", 1), newFile("pub/a/x.pkg.tar.zst", 1),
				newFile("pub/d/main/Packages", 1), newFile("elsewhere/repomd.xml", 1), newFile("gone", 1),
			}})
			md := "pub/f/\xff/repodata/repomd.xml"
			eventually(t, "an RPM repository", n.current(md, 2))
			eventually(t, "a pacman repository", n.current("pub/a/core.files", 2))
			if n.r.Len() != 2 || n.r.Find("pub/f/\xff/x.rpm") != nil || n.r.Find("elsewhere/repomd.xml") != nil {
				t.Errorf("%d repositories", n.r.Len())
			}

			m := mirror.Mirror{Name: "one", HTTP: []string{"http://one.example/"}, Score: 100}
			ok(t, s.CreateMirror(t.Context(), &m, "test"))
			primary := n.id("pub/f/\xff/repodata/primary")
			ok(t, s.SetHeld(t.Context(), m.ID, roaring.BitmapOf(uint32(n.id(md))), nil, "test"))
			eventually(t, "the holdings", func() bool { return len(n.c.Holdings().Held) == 1 && n.c.Holdings().Holds(0, n.id(md)) })
			if n.r.Find(md).Complete(n.c.Holdings(), 0) {
				t.Error("a mirror with half of the index has all of it")
			}
			ok(t, s.SetHeld(t.Context(), m.ID, roaring.BitmapOf(uint32(n.id(md)), uint32(primary)), nil, "test"))
			eventually(t, "the whole index", func() bool { return n.r.Find(md).Complete(n.c.Holdings(), 0) })

			// The next generation, and a removed file.
			old, gone := n.id(md), n.id("gone")
			index(t, s, store.IndexBatch{
				Remove: []mirror.FileID{old, gone},
				Add:    []store.NewFile{newFile(md, 2), newFile("pub/d/InRelease", 1), newFile("pub/d/main/by-hash/x", 1)},
			})
			t.Logf("versions that went were followed after %v", eventually(t, "the version before", n.kept(md, old)))
			eventually(t, "the removed one", n.kept("gone", gone))
			t.Logf("the next generation was followed after %v", eventually(t, "the next generation", n.current(md, 2)))
			eventually(t, "a Debian repository", n.current("pub/d/main/Packages", 3))
			a := catalog.AnyOf{World: n.c.Holdings(), Older: n.k.Versions(md, n.id(md), 0, nil)}
			if !a.Holds(0, n.id(md)) {
				t.Error("the mirror has the version before, which would do")
			}
			if a.Repository = n.r.Find(md); a.Holds(0, n.id(md)) {
				t.Error("the mirror has the index before, which will not do")
			}

			n.r.SetRules([]catalog.RepositoryRule{{Folder: "pub/d"}}) // while all goes on
			eventually(t, "other rules", func() bool { return n.r.Len() == 1 })
			index(t, s, store.IndexBatch{Add: []store.NewFile{newFile("gone", 2)}})
			eventually(t, "it is back", func() bool { return n.id("gone") != 0 })
			if !n.kept("gone", gone)() {
				t.Error("the version before the removal is not kept")
			}
		})
	}
}

// TestStoreBesideFrozen: what hangs on the tables' queries neither stops the
// requests nor the end, and is made up for afterwards.
func TestStoreBesideFrozen(t *testing.T) {
	t.Parallel()
	cluster := pgtest.Start(t)
	s := open(t, cluster.Database(t))
	ok(t, s.Prepare(t.Context()))
	index(t, s, store.IndexBatch{Add: []store.NewFile{newFile("r/InRelease", 1), newFile("x", 1)}})
	rule, err := catalog.NewRepositoryRule("")
	ok(t, err)
	n := newSite(t, s, catalog.FollowOptions{Timeout: time.Second}, rule)
	eventually(t, "the repository", n.current("r/InRelease", 1))
	x := n.id("x")

	cluster.Freeze(t)
	n.r.SetRules([]catalog.RepositoryRule{rule, {Folder: "r", Markers: []string{"x"}}})
	n.k.SetWant(2*time.Hour, func([]byte) time.Duration { return 2 * time.Hour })
	time.Sleep(1500 * time.Millisecond)
	if !n.current("r/InRelease", 1)() {
		t.Error("the repository went with the database")
	}
	cluster.Thaw(t)
	index(t, s, store.IndexBatch{Remove: []mirror.FileID{x}, Add: []store.NewFile{newFile("r/Packages", 1)}})
	eventually(t, "what went", n.kept("x", x))
	eventually(t, "what came", n.current("r/Packages", 2))
}
