package catalog

import (
	"strings"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// TestNoAllocation is not parallel: AllocsPerRun counts for the whole process.
func TestNoAllocation(t *testing.T) {
	db, c := newFakeDB(), New(Options{})
	id := db.add("some/folder/file.iso", 5)
	db.putMirror(mirror.Mirror{ID: 1, Name: "one"})
	db.hold(1, uint32(id))
	db.digest(id, [32]byte{1})
	db.link("current", "some/folder", true)
	db.link("some/old", "some/folder", true)
	db.commit()
	mustSync(t, c, db)
	v := NewVersions([16]byte{}, nil)
	v.Add("some/folder/file.iso", mirror.Version{ID: id, Size: 5}, AltMTime{MTime: 3})
	buf := make([]mirror.Version, 0, 4)
	k, keptBuf := NewKept(Options{}), make([]KeptVersion, 0, 4)
	k.table.Store(keptOf(v.hash.key, "some/gone", 3))
	r := NewRepositories()
	r.SetRules([]RepositoryRule{{Folder: "some"}})
	repo := newRepository("some/folder", marked, c.View().hash.key, []marker{{key: c.View().hash.path("some/folder/file.iso"), id: id}}, roaring.BitmapOf(uint32(id)))
	r.table.Store(newRepositoryTable(*r.rules.Load(), map[string]*Repository{"some/folder": repo}))
	var holder AnyOf
	long := strings.Repeat("a/", 1<<20)

	for name, fn := range map[string]func(){
		"Lookup":  func() { c.Lookup("some/folder/file.iso"); c.Lookup("not/there") },
		"Resolve": func() { c.Resolve("some/folder/file.iso"); c.Resolve(long); c.Resolve("not/v2/x") },
		"Holds":   func() { c.Holdings().Holds(0, id) },
		"SHA256":  func() { c.SHA256(id); c.SHA256(0) },
		"Versions": func() {
			if buf = v.Lookup("some/folder/file.iso", buf[:0]); len(buf) != 2 {
				t.Error("a version is missing")
			}
		},
		"Kept": func() {
			if keptBuf = k.Versions("some/gone", 0, 0, keptBuf[:0]); len(keptBuf) != 3 {
				t.Error("a kept version is missing")
			}
			k.Versions("some/folder/file.iso", id, 0, keptBuf[:0])
		},
		"Repositories": func() {
			found := r.Find("some/folder/file.iso")
			if r.Find(long) != nil || r.Find("not/there") != nil || found == nil {
				t.Error("a repository is not found")
			}
			holder = AnyOf{World: c.Holdings(), Older: keptBuf, Repository: found}
			if h := (interface{ Holds(int, mirror.FileID) bool })(&holder); !found.Current(c.View(), id) || !h.Holds(0, id) {
				t.Error("the mirror has not the whole repository")
			}
		},
	} {
		if n := testing.AllocsPerRun(100, fn); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}
