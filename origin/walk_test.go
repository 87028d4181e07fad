package origin

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// grow makes a tree: "name" a file, "name/" a folder, "name -> target" a link,
// "name 0600" a file or folder with a mode.
func grow(t *testing.T, root string, names ...string) {
	t.Helper()
	type moded struct {
		path string
		mode fs.FileMode
	}
	var later []moded
	for _, n := range names {
		name, target, link := strings.Cut(n, " -> ")
		p := filepath.Join(root, name)
		if base, mode, ok := strings.Cut(name, " 0"); ok && !link {
			m, err := strconv.ParseUint(mode, 8, 9)
			must(t, err)
			later = append(later, moded{filepath.Join(root, base), fs.FileMode(m)})
			name, p = base, filepath.Join(root, base)
		}
		must(t, os.MkdirAll(filepath.Dir(p), 0o755))
		switch {
		case link:
			must(t, os.Symlink(target, p))
		case strings.HasSuffix(name, "/"):
			must(t, os.MkdirAll(p, 0o755))
		default:
			must(t, os.WriteFile(p, []byte(name), 0o644))
		}
	}
	for _, m := range later {
		must(t, os.Chmod(m.path, m.mode))
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func walk(t *testing.T, root string, o WalkOptions) ([]string, Listed) {
	t.Helper()
	var paths []string
	l, err := Walk(t.Context(), root, o, func(fs []File) error {
		for _, f := range fs {
			paths = append(paths, f.Path)
		}
		return nil
	})
	must(t, err)
	slices.Sort(paths)
	return paths, l
}

func TestWalk(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	grow(t, root,
		"a.iso", "sub/b.iso", "sub/deep/c.iso", "empty/", "sub/.htaccess", "odd/\xff\xfe", "odd/new\nline",
		// what rsync is receiving, and what only looks like it
		"sub/.d.iso.aZ09bC", "sub/.~tmp~/e.iso", "sub/.d.iso.aZ09bCd", "sub/x.d.iso.aZ09bC", ".abcdef", "..abcdef",
		// staged releases
		"staged.iso 0600", "stage/new.iso", "stage/sub/new.iso", "stage/ 0750",
		// configured globs
		"sub/skip.tmp", "private/p.iso", "sub/private/q.iso", "x/y/z/cache/one", "x/cache",
		// links
		"latest.iso -> sub/b.iso", "current -> sub/deep", "chain -> latest.iso", "sub/up.iso -> ../a.iso",
		"here -> .", "through -> current/c.iso", "abs.iso -> "+root+"/a.iso", "empty/back -> ..",
		"out -> ../elsewhere", "etc -> /etc/passwd", "gone -> nothing", "notdir -> a.iso/b",
		"loop1 -> loop2", "loop2 -> loop1", "self -> self", "hidden -> stage/new.iso", "hiddenfile -> staged.iso",
		"private.iso -> private/p.iso",
	)
	l, err := net.Listen("unix", filepath.Join(root, "socket"))
	must(t, err)
	defer l.Close()
	globs, err := NewGlobs([]string{"*.tmp", "/private", "x/**/cache"})
	must(t, err)

	for _, workers := range []int{1, 8} {
		paths, got := walk(t, root, WalkOptions{Exclude: globs, Workers: workers})
		want := []string{
			"..abcdef", ".abcdef", "a.iso", "odd/new\nline", "odd/\xff\xfe", "sub/.d.iso.aZ09bCd", "sub/.htaccess", "sub/b.iso",
			"sub/deep/c.iso", "sub/private/q.iso", "sub/x.d.iso.aZ09bC",
		}
		slices.Sort(want)
		if d := cmp.Diff(want, paths); d != "" {
			t.Errorf("files (-want +got):\n%s", d)
		}
		slices.SortFunc(got.Links, func(a, b Link) int { return strings.Compare(a.Path, b.Path) })
		if d := cmp.Diff([]Link{
			{"abs.iso", "a.iso", false},
			{"chain", "sub/b.iso", false},
			{"current", "sub/deep", true},
			{"empty/back", "", true},
			{"here", "", true},
			{"latest.iso", "sub/b.iso", false},
			{"sub/up.iso", "a.iso", false},
			{"through", "sub/deep/c.iso", false},
		}, got.Links); d != "" {
			t.Errorf("links (-want +got):\n%s", d)
		}
		counts := map[Reason]int64{}
		for _, s := range got.Skips.All() {
			counts[s.Reason] = s.Count
		}
		if d := cmp.Diff(map[Reason]int64{
			Temporary: 2, Closed: 2, Excluded: 4, Special: 1, Outside: 2, Dangling: 2, Loop: 3, ToHidden: 3,
		}, counts); d != "" {
			t.Errorf("skips (-want +got):\n%s", d)
		}
		if got.Files != int64(len(want)) || len(got.Unknown) != 0 {
			t.Errorf("files %d, unknown %q", got.Files, got.Unknown)
		}
	}
}

func TestWalkSubtree(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	grow(t, root, "a", "sub/b", "sub/l -> ../a", "sub/deep/c", "link -> sub", "closed/x/y", "closed/ 0700")
	for sub, want := range map[string][]string{
		"sub": {"sub/b", "sub/deep/c"}, "sub/deep": {"sub/deep/c"}, "closed/x": nil, "missing": nil, "missing/below": nil,
	} {
		paths, l := walk(t, root, WalkOptions{Subtree: sub})
		if d := cmp.Diff(want, paths); d != "" {
			t.Errorf("%s (-want +got):\n%s", sub, d)
		}
		if sub == "sub" && (len(l.Links) != 1 || l.Links[0].Target != "a") {
			t.Errorf("links of %s: %+v", sub, l.Links)
		}
	}
	for _, sub := range []string{"link", "a", "../x", "link/deep"} {
		if _, err := Walk(t.Context(), root, WalkOptions{Subtree: sub}, func([]File) error { return nil }); err == nil {
			t.Errorf("subtree %q: no error", sub)
		}
	}
}

func TestWalkErrors(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for i := range 50 {
		grow(t, root, fmt.Sprintf("d%d/e/f", i))
	}
	boom := errors.New("boom")
	if _, err := Walk(t.Context(), root, WalkOptions{}, func([]File) error { return boom }); !errors.Is(err, boom) {
		t.Errorf("error of yield: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err := Walk(ctx, root, WalkOptions{}, func([]File) error { cancel(); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := Walk(t.Context(), filepath.Join(root, "no"), WalkOptions{}, nil); !errors.Is(err, errMissing) {
		t.Errorf("missing root: %v", err)
	}
}

func TestWalkTimes(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	grow(t, root, "f")
	at := time.Date(2026, 2, 3, 4, 5, 6, 789, time.UTC)
	must(t, os.Chtimes(filepath.Join(root, "f"), at, at))
	var got File
	_, err := Walk(t.Context(), root, WalkOptions{}, func(fs []File) error { got = fs[0]; return nil })
	must(t, err)
	if got.MTime != at.UnixNano() || got.Size != 1 || time.Since(time.Unix(0, got.CTime)) > time.Minute || got.Precision != 1 {
		t.Errorf("got %+v", got)
	}
}

func TestGlobs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, path string
		folder, want  bool
	}{
		{"*.tmp", "a/b.tmp", false, true},
		{"*.tmp", "a/b.tmp/c", false, false},
		{"/*.tmp", "a/b.tmp", false, false},
		{"/*.tmp", "b.tmp", false, true},
		{"a/*", "a/b", false, true},
		{"a/*", "a/b/c", false, false},
		{"**/c", "c", false, true},
		{"**/c", "a/b/c", false, true},
		{"a/**", "a/b/c", false, true},
		{"a/**/d", "a/b/c/d", false, true},
		{"a/**/d", "a/b/c/e", false, false},
		{"x/", "a/x", false, false},
		{"x/", "a/x", true, true},
		{"[ab]", "q/b", false, true},
	} {
		g, err := NewGlobs([]string{c.pattern})
		must(t, err)
		if got := g.Match(c.path, c.folder); got != c.want {
			t.Errorf("%q matches %q: %v", c.pattern, c.path, got)
		}
	}
	for _, bad := range []string{"[", "", "a//b", "/"} {
		if _, err := NewGlobs([]string{bad}); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
	var none *Globs
	if none.Match("a", false) || none.MatchBelow("a/b", false) {
		t.Error("the nil list matches")
	}
}
