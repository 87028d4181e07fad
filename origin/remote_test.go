package origin

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/mirrortest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/rsynctest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// upstream makes a tree with files that index pages round, and web servers for
// it that count what they are asked.
func upstream(t *testing.T) (dir string, web *httptest.Server, asked *atomic.Int64) {
	t.Helper()
	dir = t.TempDir()
	for i := range 30 {
		p := filepath.Join(dir, fmt.Sprintf("d%d/f%d.bin", i%3, i))
		at := time.Date(2025, time.Month(1+i%12), 1+i%28, i%24, i, 17+i, 0, time.UTC)
		mirrortest.File(t, p, int64(3000+i*100_003), at)
	}
	grow(t, dir, "d0/.f.iso.aZ09bC", "closed/secret.bin", "closed/ 0700", "d1/secret.bin 0600",
		"latest.bin -> d0/f0.bin", "dir -> d1", "gone -> nowhere", "out -> ../../etc/passwd")
	asked = &atomic.Int64{}
	files := http.FileServer(http.Dir(dir))
	web = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		files.ServeHTTP(w, r)
	}))
	t.Cleanup(web.Close)
	return dir, web, asked
}

func TestIndexRsync(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		dir, _, _ := upstream(t)
		srv := rsynctest.Start(t, rsynctest.Module{Name: "pub", Path: dir})
		o := Options{URL: srv.URL("pub"), HTTP: "https://dl.example.org/pub"}
		r := index(t, db, o)
		if r.Added != 30 || r.Listed.Skips.Count(Closed) < 2 || r.Listed.Skips.Count(Temporary) != 1 ||
			r.Listed.Skips.Count(Dangling) != 1 || r.Listed.Skips.Count(Outside) != 1 {
			t.Errorf("first run: %s", r)
		}
		if d := cmp.Diff(map[string]string{"latest.bin": "d0/f0.bin folder=false", "dir": "d1 folder=true"}, aliases(t, db)); d != "" {
			t.Errorf("aliases (-want +got):\n%s", d)
		}
		org, err := db.Origin(t.Context())
		must(t, err)
		if org.HTTP != "https://dl.example.org/pub/" || org.URL != o.URL {
			t.Errorf("origin: %+v", org)
		}
		before := head(t, db)
		if r = index(t, db, o); r.Any() || head(t, db) != before {
			t.Errorf("second run: %s", r)
		}
		must(t, os.Remove(filepath.Join(dir, "d2/f2.bin")))
		must(t, os.WriteFile(filepath.Join(dir, "d2/f5.bin"), []byte("x"), 0o644))
		if r = index(t, db, o); r.Removed != 1 || r.Changed != 1 || r.Added != 0 {
			t.Errorf("third run: %s", r)
		}
		// The same tree from the local disk: nothing differs but ctime.
		if r = index(t, db, Options{Root: dir}); r.Added+r.Changed+r.Removed != 0 {
			t.Errorf("local run: %s", r)
		}
		o.Subtree = "d1"
		if r = index(t, db, o); r.Listed.Files != 10 || r.Any() {
			t.Errorf("subtree: %s", r)
		}
		o.URL, o.Subtree = srv.URL("nomodule"), ""
		if _, err := Index(t.Context(), db, o); err == nil {
			t.Error("a module that is not there: no error")
		}
	})
}

// TestIndexPages indexes from web servers whose pages round sizes and print
// local times.
func TestIndexPages(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(testing.TB, string, ...mirrortest.Options) *mirrortest.Server{
		"nginx": func(t testing.TB, dir string, _ ...mirrortest.Options) *mirrortest.Server {
			t.Helper()
			return mirrortest.Nginx(t, dir, mirrortest.Options{Config: "autoindex_localtime on; autoindex_exact_size off;", Env: []string{"TZ=Europe/Berlin"}})
		},
		"apache": func(t testing.TB, dir string, _ ...mirrortest.Options) *mirrortest.Server {
			t.Helper()
			return mirrortest.Apache(t, dir, mirrortest.Options{Config: "IndexOptions FancyIndexing HTMLTable", Env: []string{"TZ=America/New_York"}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachStore(t, func(t *testing.T, db *store.Store) {
				t.Helper()
				dir, _, _ := upstream(t)
				must(t, os.RemoveAll(filepath.Join(dir, "closed")))
				for _, p := range []string{"d1/secret.bin", "gone", "out"} { // which nginx lists as files
					must(t, os.Remove(filepath.Join(dir, p)))
				}
				srv := start(t, dir)
				r := index(t, db, Options{URL: srv.URL})
				live, _ := rows(t, db)
				for p, f := range live {
					fi, err := os.Stat(filepath.Join(dir, p))
					must(t, err)
					// To the second where it was asked for, else to the minute.
					if f.Size != fi.Size() || f.MTime != fi.ModTime().Truncate(f.Precision).UnixNano() || f.Precision > time.Minute {
						t.Errorf("%s: %d bytes, %v; want %d, %v", p, f.Size, time.Unix(0, f.MTime), fi.Size(), fi.ModTime())
					}
				}
				if len(live) < 30 {
					t.Errorf("%d files: %s", len(live), r)
				}
				before := head(t, db)
				if r = index(t, db, Options{URL: srv.URL}); r.Any() || head(t, db) != before {
					t.Errorf("second run: %s", r)
				}
			})
		})
	}
}

// TestIndexAsksLittle looks how often the web server is asked when an index
// page tells nearly everything.
func TestIndexAsksLittle(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		dir, web, asked := upstream(t)
		ftp := mirrortest.GoFTP(t, dir)
		o := Options{URL: ftp.URL, HTTP: web.URL}
		index(t, db, o)
		asked.Store(0)
		before := head(t, db)
		if r := index(t, db, o); r.Any() || head(t, db) != before {
			t.Errorf("second run: %s", r)
		}
		if n := asked.Load(); n > 0 {
			t.Errorf("the second run asked %d times", n)
		}
		if live, _ := rows(t, db); len(live) < 30 {
			t.Errorf("%d files", len(live))
		}
		ftp.Stop()
		if _, err := Index(t.Context(), db, o); err == nil || errors.Is(err, ErrRefused) || strings.Contains(err.Error(), "password") {
			t.Errorf("server away: %v", err)
		}
	})
}
