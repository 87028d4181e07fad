package scanner

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/mirrortest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/rsynctest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/origin"
)

// TestCDN scans a CDN the way docs/limits.md says: it cannot be listed, so the
// origin that it fetches from is, while all that proves is asked of the CDN.
func TestCDN(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	tree(t, w.root, 60)
	mirrortest.File(t, filepath.Join(w.root, "iso", "large.iso"), 5<<30, base)
	mirrortest.File(t, filepath.Join(w.root, "iso", "toolarge.iso"), 9<<30, base)
	w.index(origin.Options{})

	daemon := rsynctest.Start(t, rsynctest.Module{Name: "pub", Path: w.root})
	web := mirrortest.Nginx(t, w.root)
	cdn := func(more string) string {
		t.Helper()
		return mirrortest.Nginx(t, t.TempDir(), mirrortest.Options{Config: fmt.Sprintf(`
			location / { proxy_pass %s; proxy_buffering off; }
			%s`, web.URL, more)}).URL
	}
	add := func(name, url string) *host {
		t.Helper()
		h := &host{Mirror: mirror.Mirror{Name: name, HTTP: []string{url}, Rsync: daemon.URL("pub"), LastResort: true, Score: 100}}
		must(t, w.db.CreateMirror(t.Context(), &h.Mirror, "test"))
		return h
	}

	good := add("cdn", cdn(""))
	if r := w.accepted(good, Options{}); r.Held != 62 {
		t.Errorf("a CDN that has all: %s", r)
	}
	// What a CDN refuses beyond a size is not credited, however it is listed.
	bounded := add("bounded", cdn("location = /iso/toolarge.iso { return 403; }"))
	if r := w.accepted(bounded, Options{}); r.Held != 61 || slices.Contains(w.held(bounded), "iso/toolarge.iso") {
		t.Errorf("a CDN with a largest size: %s", r)
	}
	// A CDN that cannot reach the origin has nothing, and what was known stays.
	broken := add("broken", cdn("location ~ . { return 502; }"))
	if r := w.scan(broken, Options{}); r.Err == nil {
		t.Errorf("a CDN without its origin: %s", r)
	}
	w.holds(broken, 0)
	w.edit(good, func(m *mirror.Mirror) { m.HTTP = broken.HTTP })
	if r := w.scan(good, Options{}); r.Err == nil {
		t.Errorf("a CDN that lost its origin: %s", r)
	}
	w.holds(good, 62)
}
