package scanner

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/origin"
)

func TestTargetOf(t *testing.T) {
	t.Parallel()
	renames := []mirror.Rename{{Tree: "a/old", There: "archive"}, {Tree: "a/old/x", There: "x"}, {Tree: "b", There: "a/b"}}
	for name, c := range map[string]struct {
		m       mirror.Mirror
		subtree string
		want    target
		none    bool
	}{
		"everything":            {subtree: "", want: target{"", []string{""}, true}},
		"a folder":              {subtree: "a/b", want: target{"a/b", []string{"a/b"}, false}},
		"of a part":             {m: mirror.Mirror{Subtree: "a"}, subtree: "a/b", want: target{"a/b", []string{"b"}, false}},
		"the part":              {m: mirror.Mirror{Subtree: "a"}, subtree: "a", want: target{"a", []string{""}, true}},
		"around the part":       {m: mirror.Mirror{Subtree: "a/b"}, subtree: "a", want: target{"a/b", []string{""}, true}},
		"another part":          {m: mirror.Mirror{Subtree: "a"}, subtree: "ab", none: true},
		"all, with renames":     {m: mirror.Mirror{Renames: renames}, subtree: "", want: target{"", []string{""}, true}},
		"renamed":               {m: mirror.Mirror{Renames: renames}, subtree: "a/old", want: target{"a/old", []string{"archive", "x"}, false}},
		"in a renamed one":      {m: mirror.Mirror{Renames: renames}, subtree: "a/old/y", want: target{"a/old/y", []string{"archive/y"}, false}},
		"with renamed ones":     {m: mirror.Mirror{Renames: renames}, subtree: "a", want: target{"a", []string{"a", "archive", "x"}, false}},
		"its place is in one":   {m: mirror.Mirror{Renames: renames}, subtree: "b", want: target{"b", []string{"a/b"}, false}},
		"one within the other":  {m: mirror.Mirror{Renames: []mirror.Rename{{Tree: "a/b", There: "a/c"}}}, subtree: "a", want: target{"a", []string{"a"}, false}},
		"renamed to the root":   {m: mirror.Mirror{Renames: []mirror.Rename{{Tree: "a", There: ""}}}, subtree: "a", want: target{"a", []string{""}, false}},
		"a part, with a rename": {m: mirror.Mirror{Subtree: "a", Renames: renames[:1]}, subtree: "a/old", want: target{"a/old", []string{"archive"}, false}},
	} {
		got, ok := targetOf(&c.m, c.subtree)
		if ok == c.none {
			t.Errorf("%s: carried: %v", name, ok)
			continue
		}
		if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(target{})); diff != "" && ok {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// scripted answers List with what it has for a folder.
type scripted map[string]error

func (scripted) Protocol() string { return "rsync" }

func (s scripted) List(_ context.Context, sub string, yield func(listing.Entry) error) (sum listing.Summary, err error) {
	sum.Entries, sum.Refused = 1, 1
	sum.AddIncomplete("in " + sub)
	if err := s[sub]; err != nil {
		return listing.Summary{}, err
	}
	return sum, yield(listing.Entry{Path: sub + "/f"})
}

func TestSeveralFolders(t *testing.T) {
	t.Parallel()
	away := errors.New("away")
	for name, c := range map[string]struct {
		below    []string
		has      scripted
		want     []string
		err      error
		entries  int
		problems int
	}{
		"one":              {[]string{"a"}, nil, []string{"a/f"}, nil, 1, 1},
		"two":              {[]string{"a", "b"}, nil, []string{"a/f", "b/f"}, nil, 2, 2},
		"one missing":      {[]string{"a", "b"}, scripted{"a": listing.ErrNoFolder}, []string{"b/f"}, nil, 1, 1},
		"both missing":     {[]string{"a", "b"}, scripted{"a": listing.ErrNoFolder, "b": listing.ErrNoFolder}, nil, listing.ErrNoFolder, 0, 0},
		"one out of order": {[]string{"a", "b", "c"}, scripted{"b": away}, []string{"a/f"}, away, 1, 1},
	} {
		var got []string
		sum, err := severalFolders{c.has, c.below}.List(t.Context(), "", func(e listing.Entry) error { got = append(got, e.Path); return nil })
		if !errors.Is(err, c.err) || sum.Entries != c.entries || len(sum.Incomplete) != c.problems || sum.Refused != c.entries {
			t.Errorf("%s: %+v, %v", name, sum, err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// A mirror that keeps folders elsewhere is listed, asked and credited there, in
// full scans and in those of a folder.
func TestRenames(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	tree(t, w.root, 70)
	w.index(origin.Options{})
	h := w.mirror("m", func(h *host) {
		h.Renames = []mirror.Rename{{Tree: "d2", There: "old/two"}, {Tree: "d3", There: "d2"}}
	})
	syncTo(t, w.root, h.dir)
	move := func(from, to string) {
		syncTo(t, filepath.Join(w.root, from), filepath.Join(h.dir, to))
	}
	move("d2", "old/two")
	move("d3", "d2") // d3 itself stays, where it is nothing
	if r := w.accepted(h, Options{}); r.Held != 70 || r.Unknown != 10 {
		t.Errorf("full: %s", r)
	}
	// Folders: one that is renamed, one that took its place.
	must(t, removeAll(h.dir, "old/two/f2"))
	must(t, removeAll(h.dir, "d2/f3"))
	if r := w.accepted(h, Options{Subtree: "d2"}); r.Removed != 1 || r.Listed != 9 {
		t.Errorf("d2: %s", r)
	}
	w.holds(h, 69)
	if r := w.accepted(h, Options{Subtree: "d3"}); r.Removed != 1 || r.Listed != 9 {
		t.Errorf("d3: %s", r)
	}
	w.holds(h, 68)
	if r := w.accepted(h, Options{Subtree: "d4"}); r.Listed != 10 || r.Removed != 0 {
		t.Errorf("d4: %s", r)
	}
	must(t, removeAll(h.dir, "old"))
	w.accepted(h, Options{Subtree: "d2"}) // its folder is gone
	w.holds(h, 59)
	// What the proof asks for is where the mirror keeps it.
	move("d2", "old/two")
	r := w.scan(h, Options{Open: atEntry(h.dir, 5, func() {
		w.edit(h, func(m *mirror.Mirror) { m.Renames = m.Renames[:1] })
	})})
	if !errors.Is(r.Err, ErrEdited) {
		t.Errorf("changed meanwhile: %s", r)
	}
}
