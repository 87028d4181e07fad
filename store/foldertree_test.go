package store

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFolderTotals(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		l := lease(t, s, "index")
		add(t, s, l, "top", "a/one", "a/b/c/deep", "a/\xff/x", "z/y")
		ok(t, s.FinishIndex(t.Context(), l, Origin{URL: "file:///x"}, IndexStats{}))
		for _, test := range []struct {
			folder string
			levels int
			want   []string
		}{
			{"", 0, []string{` 5 files, 26 bytes`}},
			{"", 1, []string{` 5 files, 26 bytes`, `a 3 files, 20 bytes`, `z 1 files, 3 bytes`}},
			{"a", 9, []string{`a 3 files, 20 bytes`, `a/b 1 files, 10 bytes`, `a/b/c 1 files, 10 bytes`, "a/\xff 1 files, 5 bytes"}},
			{"a/b", 1, []string{`a/b 1 files, 10 bytes`, `a/b/c 1 files, 10 bytes`}},
		} {
			var got []string
			ok(t, s.FolderTotals(t.Context(), test.folder, test.levels, func(f FolderTotal) error {
				got = append(got, fmt.Sprintf("%s %d files, %d bytes", f.Path, f.Files, f.Bytes))
				if int64(f.IDs.GetCardinality()) != f.Files {
					t.Errorf("%s: %d ids", f.Path, f.IDs.GetCardinality())
				}
				return nil
			}))
			slices.Sort(got)
			if d := cmp.Diff(test.want, got); d != "" {
				t.Errorf("%q, %d levels (-want +got):\n%s", test.folder, test.levels, d)
			}
		}
		if err := s.FolderTotals(t.Context(), "none", 1, nil); !errors.Is(err, ErrNotFound) {
			t.Errorf("a folder that is not there: %v", err)
		}
	})
}
