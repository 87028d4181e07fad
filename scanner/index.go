package scanner

import (
	"bytes"
	"context"
	"maps"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/catalog"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// index is what all scans of one run share: the versions known when it began.
type index struct {
	versions *catalog.Versions
	head     store.Head
	current  *roaring.Bitmap            // what the origin has now
	below    map[string]*roaring.Bitmap // all ids below each bound
	excluded map[string]*roaring.Bitmap // ids that filters leave out, by their keys
	hidden   *roaring.Bitmap            // ids whose path has a name that begins with a dot
	aliases  map[string]bool
	folders  []string // top folders, for the diagnosis
}

const maxFolders = 5000

// Append implements Versions.
func (ix *index) Append(dst []mirror.Version, path string) []mirror.Version {
	return ix.versions.Lookup(path, dst)
}

// alias reports whether the path is a link on the origin, or lies below one.
func (ix *index) alias(path string) bool {
	if len(ix.aliases) == 0 {
		return false
	}
	for i := range len(path) {
		if path[i] == '/' && ix.aliases[path[:i]] {
			return true
		}
	}
	return ix.aliases[path]
}

// needs are what scans need to know of the index beside the versions.
type needs struct {
	folders []string           // which ids lie below them
	filters map[string]*filter // which ids they leave out, by their keys
}

// needsOf gives what scans of a subtree need.
func needsOf(mirrors []mirror.Mirror, o *Options, subtree string) needs {
	n := needs{targets(mirrors, subtree), filters(mirrors, o)}
	if !slices.Contains(n.folders, "") {
		n.folders = append(n.folders, "") // what lies outside of a mirror's folder
	}
	return n
}

// and gives the needs of both.
func (n needs) and(o needs) needs {
	all := needs{slices.Clone(n.folders), maps.Clone(n.filters)}
	for _, f := range o.folders {
		if !slices.Contains(all.folders, f) {
			all.folders = append(all.folders, f)
		}
	}
	if all.filters == nil {
		all.filters = map[string]*filter{}
	}
	maps.Copy(all.filters, o.filters)
	return all
}

// knows reports whether the index has what is needed.
func (ix *index) knows(n needs) bool {
	for key := range n.filters {
		if ix.excluded[key] == nil {
			return false
		}
	}
	return !slices.ContainsFunc(n.folders, func(f string) bool { return ix.below[f] == nil })
}

// loadIndex reads all versions, and what is needed beside.
func loadIndex(ctx context.Context, db *store.Store, n needs) (*index, error) {
	ix := &index{
		current: roaring.New(), hidden: roaring.New(), aliases: map[string]bool{},
		below: map[string]*roaring.Bitmap{}, excluded: map[string]*roaring.Bitmap{},
	}
	for _, f := range n.folders {
		ix.below[f] = roaring.New()
	}
	for key := range n.filters {
		ix.excluded[key] = roaring.New()
	}
	top := map[string]bool{}
	err := db.Read(ctx, func(s *store.Snapshot) error {
		ix.head = s.Head()
		src := source{s, func(f *store.FileRow) {
			id := uint32(f.ID)
			if f.Current() {
				ix.current.Add(id)
			}
			if f.Path[0] == '.' || bytes.Contains(f.Path, []byte("/.")) {
				ix.hidden.Add(id)
			}
			for folder, ids := range ix.below {
				if folder == "" || belowBytes(f.Path, folder) {
					ids.Add(id)
				}
			}
			for key, filter := range n.filters {
				if filter.leavesOut(string(f.Path)) {
					ix.excluded[key].Add(id)
				}
			}
			if len(top) < maxFolders {
				topFolders(top, f.Path)
			}
		}}
		var err error
		if ix.versions, err = catalog.LoadVersions(ctx, src); err != nil {
			return err
		}
		return s.Aliases(0, func(a store.Alias) error {
			ix.aliases[a.Path] = true
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	ix.current.RunOptimize()
	for _, ids := range ix.below {
		ids.RunOptimize()
	}
	for _, ids := range ix.excluded {
		ids.RunOptimize()
	}
	ix.folders = slices.Sorted(maps.Keys(top))
	return ix, nil
}

// topFolders notes the first two folders of a path.
func topFolders(top map[string]bool, path []byte) {
	depth := 0
	for i, c := range path {
		if c != '/' {
			continue
		}
		if !top[string(path[:i])] {
			top[string(path[:i])] = true
		}
		if depth++; depth == 2 {
			return
		}
	}
}

func belowBytes(path []byte, folder string) bool {
	return len(path) > len(folder) && path[len(folder)] == '/' && string(path[:len(folder)]) == folder
}

// source hands a snapshot to the catalog and looks at every row that passes.
type source struct {
	*store.Snapshot
	see func(*store.FileRow)
}

// Versions implements catalog.VersionSource.
func (s source) Versions(fn func(catalog.FileRow, []catalog.AltMTime) error) error {
	return s.Snapshot.Versions(func(f store.FileRow, alts []store.AltMTime) error {
		s.see(&f)
		return fn(f, alts)
	})
}

// since gives the versions that the index wrote after ix was loaded, by path,
// limited to wanted paths: of each all versions known then and now.
func (ix *index) since(ctx context.Context, db *store.Store, wanted map[string]bool) (map[string][]mirror.Version, error) {
	if len(wanted) == 0 {
		return nil, nil
	}
	news := map[string][]mirror.Version{}
	err := db.Read(ctx, func(s *store.Snapshot) error {
		if s.Head() == ix.head {
			return nil
		}
		return s.Files(ix.head.Revision, func(f store.FileRow) error {
			if wanted[string(f.Path)] {
				news[string(f.Path)] = append(news[string(f.Path)], f.Version)
			}
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	for path, vs := range news {
		for _, old := range ix.Append(nil, path) {
			same := func(v mirror.Version) bool { return v.ID == old.ID }
			if i := slices.IndexFunc(vs, same); i >= 0 { // replaced or touched since
				old.Gone = vs[i].Gone
			}
			vs = append(vs, old)
		}
		news[path] = vs
	}
	return news, nil
}
