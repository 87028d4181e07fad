package scanner

import (
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/origin"
)

func removeAll(dir, path string) error { return os.RemoveAll(filepath.Join(dir, path)) }

func TestFilter(t *testing.T) {
	t.Parallel()
	type paths map[string]bool // a trailing slash: a folder
	for name, c := range map[string]struct {
		m       mirror.Mirror
		o       Options
		skipped paths
		leftOut paths
	}{
		"excludes": {
			m:       mirror.Mirror{Rules: mirror.ScanRules{Exclude: []string{"debug/", "*.src", "/a/b/**"}}},
			o:       Options{Exclude: []string{"/lost+found/"}},
			skipped: paths{"x/debug/": true, "x/debug": false, "x/debug/f": true, "f.src": true, "a/b/": false, "a/b/c": true, "f": false, "": false, "lost+found/": true},
			leftOut: paths{"x/debug/f": true, "y/f.src": true, "a/b/c/d": true, "a/x": false, "lost+found/1": true},
		},
		"top": {
			m:       mirror.Mirror{Subtree: "t", Rules: mirror.ScanRules{Top: []string{"a", "b"}}},
			skipped: paths{"a/": false, "a/x": false, "c/": true, "c/a/x": true, "f": true, "": false},
			leftOut: paths{"t/a/x": false, "t/c/x": true, "t/f": true, "u/f": false}, // u is not the mirror's anyway
		},
		"top of the tree": {
			m:       mirror.Mirror{Subtree: "t"},
			o:       Options{Top: []string{"s"}},
			skipped: paths{"a/": true, "s/": true, "": false},
			leftOut: paths{"t/a": true, "s/a": false},
		},
		"renames": {
			m: mirror.Mirror{
				Renames: []mirror.Rename{{Tree: "a", There: "q/a"}, {Tree: "b", There: "debug/b"}},
				Rules:   mirror.ScanRules{Exclude: []string{"debug/", "/a/x"}, Top: []string{"q", "debug"}},
			},
			// debug/ is left out, but leads to b.
			skipped: paths{"debug/": false, "debug/f": true, "debug/b/": false, "debug/b/f": false, "q/a/x": true, "q/a/y": false, "a/y": true, "r/": true},
			leftOut: paths{"a/x": true, "a/y": false, "b/f": false, "c": true, "q/f": false},
		},
	} {
		f, err := newFilter(&c.m, &c.o)
		must(t, err)
		for p, want := range c.skipped {
			if got := f.skips(strings.TrimSuffix(p, "/"), strings.HasSuffix(p, "/")); got != want {
				t.Errorf("%s: %q skipped: %v", name, p, got)
			}
		}
		for p, want := range c.leftOut {
			if got := f.leavesOut(p); got != want {
				t.Errorf("%s: %q left out: %v", name, p, got)
			}
		}
	}
	if f, err := newFilter(&mirror.Mirror{}, &Options{}); f != nil || err != nil {
		t.Errorf("without rules: %v, %v", f, err)
	}
	if _, err := newFilter(&mirror.Mirror{Name: "m", Rules: mirror.ScanRules{Exclude: []string{"["}}}, &Options{}); err == nil {
		t.Error("a pattern that is not valid is taken")
	}
}

// What a mirror's rules leave out is not credited, and its absence is not held
// against the listing.
func TestRules(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	tree(t, w.root, 350)
	w.index(origin.Options{})
	h := w.mirror("m")
	syncTo(t, w.root, h.dir)
	put(t, h.dir, "d0/.~tmp~/f1", 11, base)
	if r := w.accepted(h, Options{}); r.Held != 350 || r.Unknown != 0 { // what rsync is collecting is never looked at
		t.Errorf("without rules: %s", r)
	}

	// Four of seven folders, so many that the guard would ask by HEAD, for which
	// there is no answer.
	saved := h.HTTP
	w.edit(h, func(m *mirror.Mirror) {
		m.Rules.Exclude = []string{"/d0/", "/d1/", "/d2/", "/d3/"}
		m.HTTP = []string{"http://127.0.0.1:1/"}
	})
	var asked atomic.Int32
	open := func(url string, o listing.Options) (listing.Lister, error) {
		if o.Skip == nil || !o.Skip("d0", true) || o.Skip("d4", true) {
			t.Error("the lister is not told what to skip")
		}
		asked.Add(1)
		return defaultOpen(url, o)
	}
	if r := w.scan(h, Options{Open: open}); r.Err == nil || strings.Contains(r.Err.Error(), "absent") || asked.Load() == 0 {
		t.Errorf("no proof: %s", r)
	}
	w.edit(h, func(m *mirror.Mirror) { m.HTTP = saved })
	r := w.accepted(h, Options{})
	if r.Held != 150 || r.Removed != 200 || r.Excluded != 200 || r.Listed != 150 || len(r.Notes) > 0 {
		t.Errorf("excluded: %s", r)
	}
	// The same for a lister that shows them nevertheless, and for all mirrors.
	w.edit(h, func(m *mirror.Mirror) { m.Rules.Exclude = nil })
	w.accepted(h, Options{})
	w.holds(h, 350)
	r = w.accepted(h, Options{Open: hooked{dir: h.dir, cut: true}.open, Exclude: []string{"/d0/"}, Top: []string{"d0", "d5", "d6"}})
	if r.Held != 100 || r.Excluded != 250 {
		t.Errorf("for all, incomplete: %s", r)
	}
	w.edit(h, func(m *mirror.Mirror) { m.Rules.Top = []string{"d1"} })
	if r = w.accepted(h, Options{Subtree: "d1"}); r.Held != 150 || r.Excluded != 0 {
		t.Errorf("a folder of it: %s", r)
	}
	if r = w.accepted(h, Options{Subtree: "d2"}); r.Held != 150 || r.Excluded != 50 {
		t.Errorf("a folder outside: %s", r)
	}
	w.accepted(h, Options{})
	w.holds(h, 50)
	w.edit(h, func(m *mirror.Mirror) { m.Rules.Exclude = []string{"["} })
	if r = w.scan(h, Options{}); r.Err == nil || !strings.Contains(r.Err.Error(), "mbctl edit") {
		t.Errorf("a rule that is not to be understood: %s", r)
	}
}
