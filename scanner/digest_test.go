package scanner

import (
	"crypto/sha256"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/origin"
)

// What could be two versions is fetched, if it is small and a digest is known.
func TestDoubtsAreSettled(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	tree(t, w.root, 10)
	fill := func(dir, name, with string, size int) []byte {
		b := []byte(strings.Repeat(with, size))
		p := filepath.Join(dir, name)
		must(t, os.WriteFile(p, b, 0o644))
		must(t, os.Chtimes(p, base.AddDate(0, 2, 0), base.AddDate(0, 2, 0)))
		return b
	}
	names := []string{"current", "former", "neither", "unhashed", "large"}
	size := func(name string) int {
		if name == "large" {
			return 3000
		}
		return 100
	}
	hash := func() {
		for _, name := range names {
			vs, err := w.db.VersionsOf(t.Context(), name)
			must(t, err)
			b, err := os.ReadFile(filepath.Join(w.root, name))
			must(t, err)
			for _, v := range vs {
				if v.Current() && name != "unhashed" {
					must(t, w.db.PutDigest(t.Context(), v.ID, sha256.Sum256(b)))
				}
			}
		}
	}
	for i, letter := range []string{"a", "b"} {
		for _, name := range names {
			put(t, w.root, name, size(name), base.AddDate(0, 1-i, 0))
			fill(w.root, name, letter, size(name))
			must(t, os.Chtimes(filepath.Join(w.root, name), base.AddDate(0, 1-i, 0), base.AddDate(0, 1-i, 0)))
		}
		w.index(origin.Options{})
		hash()
	}
	// Newer than both, but from before the index saw the second.
	h := w.mirror("m")
	syncTo(t, w.root, h.dir)
	for name, letter := range map[string]string{"current": "b", "former": "a", "neither": "c", "unhashed": "b", "large": "b"} {
		fill(h.dir, name, letter, size(name))
	}
	if r := w.accepted(h, Options{DigestSize: -1}); r.Doubtful != 5 || r.Held != 10 {
		t.Errorf("none fetched: %s", r)
	}
	r := w.accepted(h, Options{DigestSize: 2000})
	if r.Doubtful != 2 || r.Stale != 1 || r.Held != 12 || r.Added != 2 {
		t.Errorf("settled: %s", r)
	}
	w.holds(h, 11)
	if r = w.accepted(h, Options{}); r.Doubtful != 1 || r.Held != 13 {
		t.Errorf("by default: %s", r)
	}
	// Without an answer they stay doubtful, and lose what they had.
	web := t.TempDir()
	syncTo(t, h.dir, web)
	must(t, os.Remove(filepath.Join(web, "current")))
	h.serve(web)
	if r = w.accepted(h, Options{Protocols: []string{"rsync"}}); r.Doubtful != 2 {
		t.Errorf("one is gone: %s", r)
	}
}
