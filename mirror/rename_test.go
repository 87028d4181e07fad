package mirror

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRenames(t *testing.T) {
	t.Parallel()
	m := Mirror{Renames: []Rename{{"dist/13.2", "suse/13.2"}, {"dist/13.2/repo", "repos"}, {"old", ""}}}
	tests := []struct {
		tree, there string
	}{
		{"a/b", "a/b"},
		{"dist/leap/x", "dist/leap/x"},
		{"dist/13.2/x", "suse/13.2/x"},
		{"dist/13.2", "suse/13.2"},
		{"dist/13.2x", "dist/13.2x"},
		{"dist/13.2/repo/y", "repos/y"},
		{"old/f", "f"},
	}
	for _, tt := range tests {
		there, ok := m.There(tt.tree)
		if !ok || there != tt.there {
			t.Errorf("There(%q) = %q, %v, want %q", tt.tree, there, ok, tt.there)
		}
	}
	for there, want := range map[string]string{
		"suse/13.2/x": "dist/13.2/x", "repos/y": "dist/13.2/repo/y", "f": "old/f", "suse/13.2/repo/y": "old/suse/13.2/repo/y",
	} {
		if got, ok := m.InTree(there); !ok || got != want {
			t.Errorf("InTree(%q) = %q, %v, want %q", there, got, ok, want)
		}
	}
	sub := Mirror{Subtree: "dist", Renames: []Rename{{"dist/13.2", "thirteen"}}}
	if _, ok := sub.There("other/f"); ok {
		t.Error("a path outside the subtree is there")
	}
	if got, ok := sub.InTree("13.2/x"); ok {
		t.Errorf("what would be dist/13.2/x, which is kept elsewhere, was taken for %q", got)
	}
	if got, ok := sub.InTree("leap/x"); !ok || got != "dist/leap/x" {
		t.Errorf("InTree(leap/x) = %q, %v", got, ok)
	}
}

func TestParseRename(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]Rename{
		"a/b=c":           {"a/b", "c"},
		"/a/b/ = /c/":     {"a/b", "c"},
		"a=":              {"a", ""},
		"a%3Db=c%3dd/%ff": {"a=b", "c=d/\xff"},
	} {
		got, err := ParseRename(in)
		if err != nil || got != want {
			t.Errorf("ParseRename(%q) = %q, %v, want %q", in, got, err, want)
		}
		again, err := ParseRename(got.String())
		if diff := cmp.Diff(got, again); err != nil || diff != "" {
			t.Errorf("%s read again: %v\n%s", got, err, diff)
		}
	}
	for _, bad := range []string{"", "a", "=b", "a/../b=c", "a=../c", "a=%zz", "a=b%00"} {
		if r, err := ParseRename(bad); err == nil {
			t.Errorf("ParseRename(%q) = %q, want an error", bad, r)
		}
	}
}

func TestCheckRenames(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		list    []Rename
		subtree string
		ok      bool
	}{
		"none":         {nil, "a", true},
		"below":        {[]Rename{{"a/b", "c"}, {"a/d", "e"}}, "a", true},
		"outside":      {[]Rename{{"b", "c"}}, "a", false},
		"itself":       {[]Rename{{"a", "c"}}, "a", false},
		"twice":        {[]Rename{{"a", "b"}, {"a", "c"}}, "", false},
		"to one place": {[]Rename{{"a", "b"}, {"c", "b"}}, "", false},
	} {
		if err := CheckRenames(tt.list, tt.subtree); (err == nil) != tt.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzRename(f *testing.F) {
	f.Add("a/b", "c", "", "c/x")
	f.Add("a", "", "b", "a/y")
	f.Fuzz(func(t *testing.T, tree, there, other, path string) {
		m := Mirror{Renames: []Rename{{tree, there}, {other, tree}}}
		for _, p := range []string{tree, there, other, path} {
			if ValidPath(p) != nil {
				return
			}
		}
		if CheckRenames(m.Renames, "") != nil {
			return
		}
		if at, ok := m.InTree(path); ok {
			if back, ok := m.There(at); !ok || back != path {
				t.Errorf("%q is %q in the tree, which is at %q", path, at, back)
			}
		}
	})
}
