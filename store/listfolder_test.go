package store

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// finishIndex ends an index run, so that folders are counted.
func finishIndex(t *testing.T, s *Store, l Lease) {
	t.Helper()
	ok(t, s.FinishIndex(t.Context(), l, Origin{}, IndexStats{}))
}

// summary is a listing as text, in order.
func (l *FolderListing) summary() (list []string) {
	for _, f := range l.Folders {
		list = append(list, fmt.Sprintf("%s/ %d %d", f.Name, f.Files, f.Bytes))
	}
	for _, f := range l.Files {
		list = append(list, fmt.Sprintf("%s %d %d %v", f.Name, f.Size, f.MTime, f.ID != 0))
	}
	for _, a := range l.Aliases {
		list = append(list, fmt.Sprintf("%s -> %s %v", a.Path, a.Target, a.Folder))
	}
	slices.Sort(list)
	return list
}

func TestListFolder(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		l := lease(t, s, "index")
		add(t, s, l, "top", "a/one", "a/b/two", "a/b/c/three", "a/\xff<&", "gone/x", "gone/sub/y", "a/old")
		files := live(t, s)
		must[Head](t)(s.ApplyIndex(t.Context(), l, IndexBatch{
			Remove:     []mirror.FileID{files["gone/x"].ID, files["gone/sub/y"].ID, files["a/old"].ID},
			AddAliases: []Alias{{Path: "a/latest", Target: "a/one"}, {Path: "dir", Target: "a/b", Folder: true}},
		}))
		finishIndex(t, s, l)
		for folder, want := range map[string][]string{
			"":      {"a/ 4 28", "dir -> a/b true", "top 3 1000000000000000000 true"},
			"a":     {"b/ 2 18", "latest -> a/one false", "one 5 1000000000000000000 true", "\xff<& 5 1000000000000000000 true"},
			"a/b/c": {"three 11 1000000000000000000 true"},
			"gone":  nil,
		} {
			got := must[*FolderListing](t)(s.ListFolder(t.Context(), folder, 100))
			if d := gocmp.Diff(want, got.summary()); d != "" || got.More {
				t.Errorf("%q (-want +got):\n%s", folder, d)
			}
		}
		some := must[*FolderListing](t)(s.ListFolder(t.Context(), "a", 1))
		if !some.More || len(some.Files) != 1 {
			t.Errorf("one of each: %+v", some)
		}
		for _, none := range []string{"none", "top", "a/b/none"} {
			if _, err := s.ListFolder(t.Context(), none, 1); !errors.Is(err, ErrNotFound) {
				t.Errorf("%s: %v", none, err)
			}
		}
		folders := must[[]ListedFolder](t)(s.ListFolders(t.Context(), "", 10))
		if d := gocmp.Diff([]ListedFolder{{Name: "a", Files: 4, Bytes: 28}}, folders); d != "" {
			t.Error(d)
		}
	})
}

func TestSearchNames(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		l := lease(t, s, "index")
		add(t, s, l, "Foo-1.ISO", "a/foo.txt", "a/FOOd/x", "a/b/bar", `a/b/back\slash`, "a/\xc3\x89t\xc3\xa9", "a/\xff", "a/50%_off", "a/303", "gone/foo")
		files := live(t, s)
		must[Head](t)(s.ApplyIndex(t.Context(), l, IndexBatch{Remove: []mirror.FileID{files["gone/foo"].ID}}))
		finishIndex(t, s, l)
		for _, test := range []struct {
			folder, text string
			want         []string
		}{
			{"", "foo", []string{"Foo-1.ISO", "a/FOOd/", "a/foo.txt"}},
			{"", "FOO", []string{"Foo-1.ISO", "a/FOOd/", "a/foo.txt"}},
			{"a", "foo", []string{"a/FOOd/", "a/foo.txt"}},
			{"a/b", "foo", nil},
			{"", "%", []string{"a/50%_off"}},
			{"", "_", []string{"a/50%_off"}},
			{"", `\`, []string{`a/b/back\slash`}},
			{"", "\xff", []string{"a/\xff"}},
			{"", "\xc3\x89T", []string{"a/\xc3\x89t\xc3\xa9"}},
			{"", "\xc3\xa9", []string{"a/\xc3\x89t\xc3\xa9"}}, // case is known of ASCII alone
			{"", "303", []string{"a/303"}},
			{"", "'; DROP TABLE file; --", nil},
		} {
			found, more, err := s.SearchNames(t.Context(), test.folder, test.text, 100, time.Minute)
			ok(t, err)
			var got []string
			for _, f := range found {
				if f.Dir {
					f.Path += "/"
				} else if f.Size != int64(len(f.Path)) || f.ID == 0 {
					t.Errorf("%+v", f)
				}
				got = append(got, f.Path)
			}
			slices.Sort(got)
			if d := gocmp.Diff(test.want, got); d != "" || more {
				t.Errorf("%q in %q, more %v (-want +got):\n%s", test.text, test.folder, more, d)
			}
		}
		found, more, err := s.SearchNames(t.Context(), "", "o", 2, time.Minute)
		if err != nil || !more || len(found) != 2 {
			t.Errorf("two of many: %v, %v, %v", found, more, err)
		}
		if found, more, err = s.SearchNames(t.Context(), "", "foo", 9, time.Nanosecond); err != nil || !more || len(found) != 0 {
			t.Errorf("no time at all: %v, %v, %v", found, more, err)
		}
		if _, _, err := s.SearchNames(t.Context(), "none", "x", 9, time.Minute); !errors.Is(err, ErrNotFound) {
			t.Errorf("below no folder: %v", err)
		}
	})
}
