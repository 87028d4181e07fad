package disk

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSearch(t *testing.T) {
	t.Parallel()
	root := plant(t, "x1", "a/x2", "a/b/x3", "a/b/c/x4", "a/b/c/y", "x/z", "hidden/x5", "a/self -> .", "a/xlink -> b", "a/xfile -> b/x3")
	tree := &Tree{Root: root, Hidden: func(path string) bool { return path == "hidden" }}
	wantX := func(name string) bool { return strings.HasPrefix(name, "x") }
	most := WalkLimits{Entries: 1000, Found: 1000, Depth: 100}
	for _, test := range []struct {
		name, folder string
		limit        WalkLimits
		want         []string
		cut          bool
	}{
		{"all", "", most, []string{"a/b/c/x4", "a/b/x3", "a/x2", "a/xfile@", "a/xlink/@", "x/", "x1"}, false},
		{"below a folder", "a/b", most, []string{"c/x4", "x3"}, false},
		{"in a link", "a/xlink", most, []string{"c/x4", "x3"}, false},
		{"not deep", "", WalkLimits{Entries: 1000, Found: 1000, Depth: 1}, []string{"a/x2", "a/xfile@", "a/xlink/@", "x/", "x1"}, true},
		{"this folder alone", "a/b/c", WalkLimits{Entries: 1000, Found: 1000}, []string{"x4"}, false},
		{"few looked at", "", WalkLimits{Entries: 1, Found: 1000, Depth: 100}, []string{"x/", "x1"}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			found, cut, err := tree.Search(t.Context(), test.folder, wantX, test.limit)
			if err != nil || cut != test.cut {
				t.Errorf("cut %v, %v", cut, err)
			}
			if d := cmp.Diff(test.want, shorts(found)); d != "" {
				t.Error(d)
			}
		})
	}
	if found, cut, err := tree.Search(t.Context(), "", wantX, WalkLimits{Entries: 1000, Found: 2, Depth: 100}); len(found) != 2 || !cut || err != nil {
		t.Errorf("few wanted: %q %v %v", shorts(found), cut, err)
	}
	for _, none := range []string{"hidden", "no", "x1"} {
		if _, _, err := tree.Search(t.Context(), none, wantX, most); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", none, err)
		}
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if found, cut, err := tree.Search(over, "", wantX, most); len(found) > 0 || !cut || err != nil {
		t.Errorf("out of time: %q %v %v", shorts(found), cut, err)
	}
}
