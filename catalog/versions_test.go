package catalog

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

var sortVersions = cmpopts.SortSlices(func(a, b mirror.Version) bool {
	return a.ID < b.ID || a.ID == b.ID && a.MTime < b.MTime
})

func TestVersions(t *testing.T) {
	t.Parallel()
	db := newFakeDB()
	want := map[string][]mirror.Version{}
	const day = int64(24 * time.Hour)
	id := mirror.FileID(0)
	for i := range 5000 {
		path := fmt.Sprintf("d/\xff%d", i)
		for n := range i%4 + 1 {
			id++
			v := mirror.Version{ID: id, Size: int64(i)<<32 + 7, MTime: int64(i)*day + 3, Precision: time.Nanosecond, Seen: int64(i)*day + 12345}
			if n > 0 {
				v.Gone = goneUnit * int64(1000+n)
				v.Precision = time.Minute
			}
			f := fakeFile{Version: v, path: path}
			want[path] = append(want[path], v)
			if n == 1 {
				f.alts = []AltMTime{{MTime: 99, Precision: time.Second}}
				v.MTime, v.Precision = 99, time.Second
				want[path] = append(want[path], v)
			}
			db.files = append(db.files, f)
		}
	}
	s := &fakeSnapshot{fakeState: db.backup()}
	v, err := LoadVersions(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	var buf []mirror.Version
	for path, versions := range want {
		n += len(versions)
		buf = v.Lookup(path, buf[:0])
		if d := cmp.Diff(versions, buf, sortVersions); d != "" {
			t.Fatalf("%q: -want +got\n%s", path, d)
		}
	}
	if v.Len() != n {
		t.Errorf("%d entries, want %d", v.Len(), n)
	}
	if got := v.Lookup("nowhere", nil); len(got) != 0 {
		t.Errorf("a path that is not known has %v", got)
	}
	v.Add("new/file", mirror.Version{ID: 99999, Size: 1, Gone: 1})
	if got := v.Lookup("new/file", nil); len(got) != 1 || got[0].ID != 99999 || got[0].Current() || got[0].Gone != goneUnit {
		t.Errorf("added after loading: %+v", got)
	}
}

func TestVersionsCollide(t *testing.T) {
	t.Parallel()
	v := NewVersions([16]byte{}, func([16]byte, string) uint64 { return 42 })
	v.Add("a", mirror.Version{ID: 1, Size: 5})
	if got := v.Lookup("a", nil); len(got) != 1 {
		t.Errorf("one version: %v", got)
	}
	v.Add("a", mirror.Version{ID: 2, Size: 5, Gone: 7}, AltMTime{MTime: 3})
	if got := v.Lookup("a", nil); len(got) != 3 {
		t.Errorf("a current and a kept version: %v", got)
	}
	v.Add("b", mirror.Version{ID: 3, Size: 5})
	if got := v.Lookup("a", make([]mirror.Version, 1)); len(got) != 1 {
		t.Errorf("two live paths with one hash: %v", got)
	}
}
