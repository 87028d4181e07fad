package catalog

import (
	"strings"
	"testing"

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
	} {
		if n := testing.AllocsPerRun(100, fn); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}
