package scanner

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/mirrortest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/rsynctest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/origin"
)

// TestIndexPages scans web servers whose pages round sizes, and print minutes
// of a local time.
func TestIndexPages(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(w *world) {
		for i := range 40 {
			// Above 1 MiB, and of one rounded size with its neighbours.
			at := base.AddDate(0, i%12-12, i%28).Add(time.Duration(i) * time.Hour)
			mirrortest.File(w.t, filepath.Join(w.root, fmt.Sprintf("d%d/f%d.bin", i%7, i)), int64(5<<20+i*100), at)
		}
		for i := range 20 {
			put(w.t, w.root, fmt.Sprintf("small/s%d.txt", i), 2000+i, base.Add(time.Duration(i)*time.Hour))
		}
		w.index(origin.Options{})
		for name, start := range map[string]func(dir string) string{
			"nginx": func(dir string) string { return mirrortest.Nginx(w.t, dir).URL },
			"nginxlocal": func(dir string) string {
				return mirrortest.Nginx(w.t, dir, mirrortest.Options{Config: "autoindex_localtime on; autoindex_exact_size off;", Env: []string{"TZ=Europe/Berlin"}}).URL
			},
			"apache": func(dir string) string {
				return mirrortest.Apache(w.t, dir, mirrortest.Options{Config: "IndexOptions FancyIndexing HTMLTable", Env: []string{"TZ=Asia/Kolkata"}}).URL
			},
			"lighttpd": func(dir string) string { return mirrortest.Lighttpd(w.t, dir).URL },
		} {
			dir := w.t.TempDir()
			syncTo(w.t, w.root, dir)
			// One cut off within what the page rounds away, one older.
			must(w.t, os.Truncate(filepath.Join(dir, "d3/f3.bin"), 5<<20+299))
			at := base.AddDate(0, 3-12, 3).Add(3 * time.Hour)
			must(w.t, os.Chtimes(filepath.Join(dir, "d3/f3.bin"), at, at))
			put(w.t, dir, "small/s1.txt", 2001, base.AddDate(-1, 0, 0))
			h := &host{Mirror: mirror.Mirror{Name: name, HTTP: []string{start(dir)}, Score: 100}}
			must(w.t, w.db.CreateMirror(w.t.Context(), &h.Mirror, "test"))
			r := w.accepted(h, Options{})
			if r.Held != 58 || r.Stale != 2 || r.Protocol != "http" {
				w.t.Errorf("%s: %s", name, r)
			}
			if r = w.accepted(h, Options{}); r.Added != 0 || r.Removed != 0 {
				w.t.Errorf("%s again: %s", name, r)
			}
		}
	})
}

// TestHTTPUnmounted: a web server alone, whose disk is away, answers 404 to
// everything, its index page too.
func TestHTTPUnmounted(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(w *world) {
		tree(t, w.root, 130)
		w.index(origin.Options{})
		dir := t.TempDir()
		pub := filepath.Join(dir, "pub")
		syncTo(t, w.root, pub)
		srv := mirrortest.Nginx(t, dir)
		h := &host{Mirror: mirror.Mirror{Name: "m", HTTP: []string{srv.URL + "pub/"}, Score: 100}}
		must(t, w.db.CreateMirror(t.Context(), &h.Mirror, "test"))
		w.accepted(h, Options{})
		w.holds(h, 130)
		must(t, os.Rename(pub, dir+"/elsewhere"))
		w.accepted(h, Options{})
		w.holds(h, 0)
		srv.Stop()
		if r := w.scan(h, Options{}); r.Err == nil {
			t.Errorf("server away: %s", r)
		}
	})
}

// TestRedirects: a mirror whose web server sends elsewhere is proved only as
// far as its setting allows.
func TestRedirects(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(w *world) {
		tree(t, w.root, 12)
		w.index(origin.Options{})
		for how, ok := range map[mirror.Redirects]bool{mirror.RedirectsSameHost: false, mirror.RedirectsPublic: false, mirror.RedirectsAny: true} {
			h := w.mirror("m"+string(how), func(h *host) {
				h.Redirects = how
				there := strings.Replace(h.web.URL, "127.0.0.1", "localhost", 1)
				front := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
					http.Redirect(rw, r, there+r.URL.Path, http.StatusFound)
				}))
				t.Cleanup(front.Close)
				h.HTTP = []string{front.URL + "/"}
			})
			syncTo(t, w.root, h.dir)
			r := w.scan(h, Options{Protocols: []string{"rsync"}})
			if (r.Err == nil) != ok || !ok && !strings.Contains(r.Err.Error(), errRedirect.Error()) {
				t.Errorf("%s: %s", how, r)
			}
		}
	})
}

// TestHiddenNames: nginx lists no names that begin with a dot, which must not
// cost a mirror what rsync showed it to have.
func TestHiddenNames(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(w *world) {
		put(t, w.root, ".well-known/key.txt", 5000, base)
		put(t, w.root, "a/.hidden", 5000, base)
		put(t, w.root, "a/shown", 5000, base)
		put(t, w.root, "a/removed", 5000, base)
		w.index(origin.Options{})
		dir := t.TempDir()
		syncTo(t, w.root, dir)
		daemon := rsynctest.Start(t, rsynctest.Module{Name: "pub", Path: dir})
		h := &host{Mirror: mirror.Mirror{Name: "m", HTTP: []string{mirrortest.Nginx(t, dir).URL}, Rsync: daemon.URL("pub"), Score: 100}}
		must(t, w.db.CreateMirror(t.Context(), &h.Mirror, "test"))
		w.accepted(h, Options{})
		w.holds(h, 4)
		must(t, os.Remove(filepath.Join(dir, "a/removed")))
		w.accepted(h, Options{Protocols: []string{"http"}})
		w.holds(h, 3)
		must(t, os.Remove(filepath.Join(dir, "a/.hidden")))
		w.accepted(h, Options{})
		w.holds(h, 2)
	})
}
