package scanner

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/origin"
)

// Files that not everybody may read, or that are in such a folder, are not
// credited: the web server could not serve them.
func TestClosedFiles(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	tree(t, w.root, 70)
	w.index(origin.Options{})
	h := w.mirror("m")
	syncTo(t, w.root, h.dir)
	w.accepted(h, Options{})
	must(t, os.Chmod(filepath.Join(h.dir, "d1/f1"), 0o640))
	must(t, os.Chmod(filepath.Join(h.dir, "d2"), 0o751)) // may be entered, not listed
	r := w.accepted(h, Options{})
	if r.Closed != 11 || r.Held != 59 || r.Listed != 70 {
		t.Errorf("%s", r)
	}
	// They are lost even when the listing does not tell all.
	must(t, os.Chmod(filepath.Join(h.dir, "d1/f1"), 0o644))
	must(t, os.Chmod(filepath.Join(h.dir, "d2"), 0o755))
	w.accepted(h, Options{})
	w.holds(h, 70)
	for i := range 7 {
		must(t, os.Chmod(filepath.Join(h.dir, "d"+string(rune('0'+i))), 0o700))
	}
	if r = w.accepted(h, Options{}); r.Held != 0 || !strings.Contains(r.Advice, "permissions are wrong") {
		t.Errorf("nothing may be read: %s", r)
	}
}

func TestModes(t *testing.T) {
	t.Parallel()
	dir := func(path string, mode uint32) listing.Entry {
		return listing.Entry{Path: path, Kind: listing.Dir, Mode: mode, HasMode: true}
	}
	file := func(path string, mode uint32, told bool) listing.Entry {
		return listing.Entry{Path: path, Mode: mode, HasMode: told}
	}
	m := newMatcher(noVersions{}, "", nil, nil)
	for _, e := range []listing.Entry{dir("", 0o700), dir("open", 0o755), dir("closed", 0o750), dir("untold", 0), dir("open/in", 0o754)} {
		m.noteClosed(&e)
	}
	for _, c := range []struct {
		e    listing.Entry
		want bool
	}{
		{file("f", 0o644, true), false},
		{file("f", 0o640, true), true},
		{file("f", 0, true), false}, // some servers print no right at all for everything
		{file("f", 0, false), false},
		{file("open/f", 0o444, true), false},
		{file("open/in/f", 0o444, true), true},
		{file("closed/f", 0, false), true},
		{file("closed/deep/er/f", 0o644, true), true},
		{file("closedness/f", 0o644, true), false},
		{file("untold/f", 0o644, true), false},
	} {
		if got := m.isClosed(&c.e); got != c.want {
			t.Errorf("%q with mode %o: %v", c.e.Path, c.e.Mode, got)
		}
	}
	// A server cannot fill memory with them.
	for i := range 100 {
		e := dir(strings.Repeat(string(rune('a'+i%26)), 200_000), 0o700)
		m.noteClosed(&e)
	}
	if m.closedBytes > maxClosedBytes {
		t.Errorf("%d bytes are kept", m.closedBytes)
	}
}

// An image of no bytes (a disk that was full when the mirror fetched it) is none
// unless the origin's has none either: sizes must be equal.
func TestEmptyImage(t *testing.T) {
	t.Parallel()
	full, empty := []mirror.Version{ver(1, 700<<20, at)}, []mirror.Version{ver(2, 0, at)}
	for _, mtime := range []int64{at, at + day} {
		e := listed(0, mtime, 1)
		if got := decide(question{e: &e, times: []int64{mtime}}, full); got.verdict != Stale {
			t.Errorf("empty instead of an image: verdict %d", got.verdict)
		}
		if got := decide(question{e: &e, times: []int64{mtime}}, empty); got.verdict != Held {
			t.Errorf("empty as it should be: verdict %d", got.verdict)
		}
	}
	e := rounded(0, 1, at)
	if got := decide(question{e: &e, times: []int64{e.MTime}}, full); got.verdict != Stale {
		t.Errorf("empty on an index page: verdict %d", got.verdict)
	}
}
