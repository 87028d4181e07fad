package catalog

import (
	"cmp"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// repositoryState is what a repositoryTable is made of, as it changes.
type repositoryState struct {
	rules   []RepositoryRule
	hash    hasher
	repos   map[string]*repositoryParts // by folder
	current *repositoryTable            // nil: something has changed since it was made
}

// repositoryParts become a Repository.
type repositoryParts struct {
	kinds   repositoryKind
	markers map[mirror.FileID]marker
	ids     *roaring.Bitmap // made's, unless that is nil
	made    *Repository     // nil: something has changed since
}

func newRepositoryState(rules []RepositoryRule, h hasher) *repositoryState {
	return &repositoryState{rules: rules, hash: h, repos: map[string]*repositoryParts{}}
}

// load reads everything: where the markers are, and what is with them.
func (st *repositoryState) load(s Snapshot, row func()) error {
	for i := range st.rules {
		rule := &st.rules[i]
		names := slices.Concat(markerNames, rule.Markers)
		err := s.LiveNamed(rule.Folder, names, markerParts, func(f FileRow) error {
			row()
			st.mark(string(f.Path), &f)
			return nil
		})
		if err != nil {
			return err
		}
	}
	for folder := range st.repos {
		if err := st.settle(s, folder, row); err != nil {
			return err
		}
	}
	return nil
}

// change reads what happened since a revision. Files of a folder that has only
// now become a repository, or one of another kind, may be older; these are read
// as well.
func (st *repositoryState) change(s Snapshot, since int64, row func()) error {
	marked := map[string]struct{}{}
	err := s.Files(since, func(f FileRow) error {
		row()
		path := string(f.Path)
		if folder, ok := st.mark(path, &f); ok {
			marked[folder] = struct{}{}
		}
		for n := folderLen(path, len(path)); n >= 0; n = folderLen(path, n-1) {
			if p := st.repos[path[:n]]; p != nil && p.kinds.isIndex(below(path, n)) {
				st.edit(p).set(f.ID, f.Gone == 0)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for folder := range marked {
		if err := st.settle(s, folder, row); err != nil {
			return err
		}
	}
	return nil
}

// mark notes a marker that has come or gone.
func (st *repositoryState) mark(path string, f *FileRow) (folder string, ok bool) {
	folder, name := cutPath(path)
	var kind repositoryKind
	for i := range st.rules {
		if mirror.Below(folder, st.rules[i].Folder) {
			kind |= markerKind(name, st.rules[i].Markers)
		}
	}
	if kind == 0 {
		return "", false
	}
	p := st.repos[folder]
	if p == nil {
		if f.Gone != 0 {
			return "", false
		}
		p = &repositoryParts{markers: map[mirror.FileID]marker{}, ids: roaring.New()}
		st.repos[folder] = p
	}
	st.edit(p)
	if f.Gone != 0 {
		delete(p.markers, f.ID)
	} else {
		p.markers[f.ID] = marker{key: st.hash.path(path), id: f.ID, kind: kind}
	}
	return folder, true
}

// settle makes a folder what its markers say it is.
func (st *repositoryState) settle(s Snapshot, folder string, row func()) error {
	p := st.repos[folder]
	var kinds repositoryKind
	for _, m := range p.markers {
		kinds |= m.kind
	}
	if kinds == 0 {
		delete(st.repos, folder)
	}
	if kinds == 0 || kinds == p.kinds {
		return nil
	}
	p.kinds, p.ids = kinds, roaring.New()
	return s.LiveIn(folder, kinds&debian != 0, func(f FileRow) error {
		row()
		if kinds.isIndex(below(string(f.Path), len(folder))) {
			p.set(f.ID, true)
		}
		return nil
	})
}

// edit gives p ready to be changed.
func (st *repositoryState) edit(p *repositoryParts) *repositoryParts {
	if p.made != nil {
		p.ids, p.made = p.ids.Clone(), nil
	}
	st.current = nil
	return p
}

func (p *repositoryParts) set(id mirror.FileID, live bool) {
	if live {
		p.ids.Add(uint32(id))
	} else {
		p.ids.Remove(uint32(id))
	}
}

// table gives the table. Repositories without a change are the same ones as in
// the table before.
func (st *repositoryState) table() *repositoryTable {
	if st.current != nil {
		return st.current
	}
	byFolder := make(map[string]*Repository, len(st.repos))
	for folder, p := range st.repos {
		if p.made == nil {
			p.made = p.repository(folder, st.hash.key)
		}
		byFolder[folder] = p.made
	}
	st.current = newRepositoryTable(st.rules, byFolder)
	return st.current
}

func (p *repositoryParts) repository(folder string, key [16]byte) *Repository {
	markers := make([]marker, 0, len(p.markers))
	for _, m := range p.markers {
		markers = append(markers, m)
	}
	slices.SortFunc(markers, func(a, b marker) int { return cmp.Compare(a.id, b.id) })
	p.ids.RunOptimize()
	return newRepository(folder, p.kinds, key, markers, p.ids)
}
