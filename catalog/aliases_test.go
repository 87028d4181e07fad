package catalog

import (
	"fmt"
	"testing"
)

func TestResolve(t *testing.T) {
	t.Parallel()
	links := map[string]link{
		"latest.iso":      {Target: "v2/x.iso"},
		"current":         {Target: "v2", Folder: true},
		"v2/old":          {Target: "v1", Folder: true},
		"deep/er/link":    {Target: "current/old", Folder: true},
		"top":             {Target: "", Folder: true},
		"loop":            {Target: "pool", Folder: true},
		"pool":            {Target: "loop", Folder: true},
		"self":            {Target: "self/self", Folder: true},
		"file":            {Target: "v1/file"},
		"\xff\xfe":        {Target: "v1/\xfe", Folder: true},
		"chain00":         {Target: "end"},
		"tail":            {Target: "current/latest"},
		"v2/latest":       {Target: "v2/x.iso"},
		"inner":           {Target: "a/b", Folder: true},
		"a/b":             {Target: "c", Folder: true},
		"outer/is/folder": {Target: "inner", Folder: true},
	}
	for i := 1; i <= 41; i++ {
		links[fmt.Sprintf("chain%02d", i)] = link{Target: fmt.Sprintf("chain%02d", i-1)}
	}
	a := newAliases(links)
	for _, tc := range []struct {
		path, want string
		alias      bool
	}{
		{"", "", false},
		{"v2/x.iso", "v2/x.iso", false},
		{"latest.iso", "v2/x.iso", true},
		{"latest.iso/x", "latest.iso/x", false}, // a file has nothing below it
		{"current", "v2", true},
		{"current/x.iso", "v2/x.iso", true},
		{"currently/x.iso", "currently/x.iso", false},
		{"xcurrent/x.iso", "xcurrent/x.iso", false},
		{"current/old/x", "v1/x", true},
		{"deep/er/link/x", "v1/x", true},
		{"deep/er/lin/x", "deep/er/lin/x", false},
		{"top/v2/x.iso", "v2/x.iso", true},
		{"top", "", true},
		{"top/latest.iso", "v2/x.iso", true},
		{"loop/x", "loop/x", false},
		{"self/x", "self/x", false},
		{"file", "v1/file", true},
		{"\xff\xfe/\xff", "v1/\xfe/\xff", true},
		{"tail", "v2/x.iso", true},
		{"outer/is/folder/x", "c/x", true},
		{"chain39", "end", true},      // 40 links
		{"chain40", "chain40", false}, // 41
	} {
		got, alias := a.resolve(tc.path)
		if got != tc.want || alias != tc.alias {
			t.Errorf("resolve(%q) = %q, %v; want %q, %v", tc.path, got, alias, tc.want, tc.alias)
		}
	}
	if got, alias := (*aliases)(nil).resolve("current/x"); got != "current/x" || alias {
		t.Errorf("no aliases: %q, %v", got, alias)
	}
}

func TestAliasesChange(t *testing.T) {
	t.Parallel()
	a := newAliases(map[string]link{"x": {Target: "1", Folder: true}, "y": {Target: "2"}})
	b := a.with([]string{"x", "y"}, map[string]link{"x": {Target: "3", Folder: true}})
	if got, _ := b.resolve("x/f"); got != "3/f" {
		t.Errorf("pointed elsewhere: %q", got)
	}
	if _, alias := b.resolve("y"); alias {
		t.Error("a removed alias is still there")
	}
	if got, _ := a.resolve("x/f"); got != "1/f" {
		t.Errorf("the aliases before changed: %q", got)
	}
	if b.with([]string{"x"}, nil) != nil {
		t.Error("no aliases left, but not nil")
	}
}

func FuzzResolve(f *testing.F) {
	f.Add("current/x", "current", "v2", "v2/x", "current")
	f.Add("a/b/c", "a", "a/a", "a/b", "")
	f.Fuzz(func(t *testing.T, path, p1, t1, p2, t2 string) {
		links := map[string]link{p1: {t1, true}, p2: {t2, false}}
		a := newAliases(links)
		got, alias := a.resolve(path)
		if !alias && got != path {
			t.Errorf("%q became %q, but is no alias", path, got)
		}
		// The slow way: one link after the other.
		want, hops := path, 0
		for ; hops <= maxHops; hops++ {
			next, ok := slowStep(links, want)
			if !ok {
				break
			}
			want = next
		}
		if hops > maxHops {
			want = path
		}
		if len(want) < 1000 && got != want {
			t.Errorf("resolve(%q) = %q, want %q", path, got, want)
		}
	})
}

func slowStep(links map[string]link, path string) (string, bool) {
	for i := range len(path) {
		if l, ok := links[path[:i]]; ok && l.Folder && path[i] == '/' {
			if l.Target == "" {
				return path[i+1:], true
			}
			return l.Target + "/" + path[i+1:], true
		}
	}
	l, ok := links[path]
	return l.Target, ok
}
