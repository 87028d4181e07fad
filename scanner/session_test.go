package scanner

import (
	"slices"
	"strings"
	"testing"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/origin"
)

// TestSession scans by one session again and again: what the index learned
// meanwhile is known to each scan, and the memory is free afterwards.
func TestSession(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(w *world) {
		tree(t, w.root, 20)
		w.index(origin.Options{})
		h := w.mirror("m")
		syncTo(t, w.root, h.dir)
		s := NewSession(w.db)
		scan := func(o Options) Report {
			t.Helper()
			reports, err := s.Scan(t.Context(), []mirror.Mirror{h.Mirror}, o)
			must(t, err)
			return reports[0]
		}
		if r := scan(Options{}); r.Err != nil || r.Held != 20 {
			t.Fatal(r)
		}
		put(t, w.root, "new/file", 5, base)
		w.index(origin.Options{})
		syncTo(t, w.root, h.dir)
		if r := scan(Options{Subtree: "new"}); r.Err != nil || r.Held != 21 {
			t.Fatal(r)
		}
		if s.ix != nil || s.users != 0 {
			t.Errorf("the index stays in memory, for %d users", s.users)
		}
	})
}

// TestSessionShares holds that scans at once share what the index is, and that
// one with other folders does not take it away.
func TestSessionShares(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(w *world) {
		tree(t, w.root, 20)
		w.index(origin.Options{})
		w.mirror("m")
		s := NewSession(w.db)
		s.users = 1
		load := func(folders ...string) *index {
			t.Helper()
			ix, err := s.load(t.Context(), needs{folders: folders}, &Options{})
			must(t, err)
			return ix
		}
		first := load("")
		if load("") != first {
			t.Error("loaded again though nothing changed")
		}
		second := load("d1")
		if second == first || !second.knows(needs{folders: []string{"", "d1"}}) || load("") != second {
			t.Error("the folder is not known, or the whole is not any more")
		}
		rules := mirror.Mirror{Rules: mirror.ScanRules{Top: []string{"d1"}}}
		if second.knows(needsOf([]mirror.Mirror{rules}, &Options{}, "")) {
			t.Error("rules that it never heard of are known")
		}
		must(t, w.db.SetSetting(t.Context(), "x", "y"))
		if load("") != second {
			t.Error("loaded again for a change a moment later")
		}
		s.loaded = s.loaded.Add(-2 * indexAge)
		if load("") == second {
			t.Error("never loaded again")
		}
	})
}

// TestOnce holds that what was due is done once, though two saw it due.
func TestOnce(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(w *world) {
		tree(t, w.root, 5)
		w.index(origin.Options{})
		h := w.mirror("m")
		syncTo(t, w.root, h.dir)
		list := []mirror.Mirror{h.Mirror}
		var said []string
		for range 2 {
			reports, err := Scan(t.Context(), w.db, slices.Clone(list), Options{Once: true})
			must(t, err)
			said = append(said, reports[0].Skipped)
		}
		if said[0] != "" || !strings.Contains(said[1], "meanwhile") {
			t.Errorf("%q", said)
		}
	})
}
