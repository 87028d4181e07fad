package store

import (
	"fmt"
	"slices"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror/glob"
)

func find(t *testing.T, s *Store, pattern string, former bool) (got []string) {
	t.Helper()
	p := must[*glob.Pattern](t)(glob.Parse(pattern))
	f := must[*Finder](t)(s.Find(t.Context(), FindWish{Pattern: p, Former: former}))
	for {
		rows := must[[]FileRow](t)(f.Next(t.Context()))
		if len(rows) == 0 {
			return got
		}
		for _, r := range rows {
			text := string(r.Path)
			if !r.Current() {
				text += " (former)"
			}
			if r.ID == 0 {
				t.Errorf("%s: no id", text)
			}
			got = append(got, text)
		}
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		l := lease(t, s, "index")
		add(t, s, l, "top.iso", "a/one.iso", "a/two", "a/b/one.iso", "c/\xff.iso", "a*/x")
		files := live(t, s)
		must[Head](t)(s.ApplyIndex(t.Context(), l, IndexBatch{
			Remove: []mirror.FileID{files["a/one.iso"].ID, files["a/two"].ID},
			Add:    []NewFile{{Path: "a/one.iso", Size: 99}},
		}))
		for _, test := range []struct {
			pattern string
			former  bool
			want    []string
		}{
			{"", false, []string{"top.iso", "a/one.iso", "a/b/one.iso", "a*/x", "c/\xff.iso"}},
			{"*.iso", false, []string{"top.iso", "a/one.iso", "a/b/one.iso", "c/\xff.iso"}},
			{"*.iso", true, []string{"top.iso", "a/one.iso", "a/one.iso (former)", "a/b/one.iso", "c/\xff.iso"}},
			{"a/", true, []string{"a/one.iso", "a/one.iso (former)", "a/two (former)", "a/b/one.iso"}},
			{"a/*", false, []string{"a/one.iso"}},
			{`a\*/*`, false, []string{"a*/x"}},
			{"a/one.iso", false, []string{"a/one.iso"}},
			{"a/one.iso", true, []string{"a/one.iso", "a/one.iso (former)"}},
			{"%one%", false, []string{"a/one.iso", "a/b/one.iso"}},
			{"a/two", false, nil},
			{"none/x", false, nil},
			{"a/b", false, nil},
		} {
			if d := cmp.Diff(test.want, find(t, s, test.pattern, test.former)); d != "" {
				t.Errorf("%q, former %v (-want +got):\n%s", test.pattern, test.former, d)
			}
		}
	})
}

// A folder of more files than are read at once comes whole, and once.
func TestFindLarge(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		l := lease(t, s, "index")
		var paths []string
		for i := range 2*findRows + 7 {
			paths = append(paths, fmt.Sprintf("big/%05d", i))
		}
		add(t, s, l, slices.Concat(paths, []string{"after/x", "z/x"})...)
		var gone []mirror.FileID
		for path, r := range live(t, s) {
			if path < "big/00900" && path >= "big/" {
				gone = append(gone, r.ID)
			}
		}
		must[Head](t)(s.ApplyIndex(t.Context(), l, IndexBatch{Remove: gone}))
		want := append([]string{"after/x"}, paths[900:]...)
		for _, p := range paths[:900] {
			want = append(want, p+" (former)")
		}
		want = append(want, "z/x")
		if d := cmp.Diff(want, find(t, s, "", true)); d != "" {
			t.Errorf("(-want +got):\n%.2000s", d)
		}
		if got := find(t, s, "big/*5", false); len(got) != 11 {
			t.Errorf("%d files that end in 5", len(got))
		}
	})
}

func TestLongFiles(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		l := lease(t, s, "index")
		add(t, s, l, "short", "a/longer", "a/the longest", "b/the former")
		files := live(t, s)
		must[Head](t)(s.ApplyIndex(t.Context(), l, IndexBatch{Remove: []mirror.FileID{files["b/the former"].ID}}))
		large := must[*roaring.Bitmap](t)(s.LongFiles(t.Context(), 8, 9))
		if !large.Equals(roaring.BitmapOf(uint32(files["a/longer"].ID), uint32(files["a/the longest"].ID))) {
			t.Errorf("got %v of %v", large, files)
		}
		if large = must[*roaring.Bitmap](t)(s.LongFiles(t.Context(), 1, 1)); large.GetCardinality() != 1 {
			t.Errorf("more than the limit: %v", large)
		}
	})
}
