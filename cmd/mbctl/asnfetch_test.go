package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// tableServer has a table whose version is a number, and counts what it sent.
type tableServer struct {
	*httptest.Server
	version atomic.Int64
	whole   atomic.Int64
	etags   bool // say which version it is
}

func newTableServer(t *testing.T, etags bool) *tableServer {
	t.Helper()
	s := &tableServer{etags: etags}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tag := fmt.Sprintf("%q", fmt.Sprint(s.version.Load()))
		if s.etags {
			w.Header().Set("ETag", tag)
			if r.Header.Get("If-None-Match") == tag {
				w.WriteHeader(http.StatusNotModified)
				return
			}
		}
		s.whole.Add(1)
		fmt.Fprintf(w, "1.0.0.0/24 %d\n", 13335+s.version.Load())
	}))
	t.Cleanup(s.Close)
	return s
}

func updateOnce(t *testing.T, db *store.Store, sources ...string) (fresh bool) {
	t.Helper()
	u := networkUpdate{db: db, sources: sources}
	defer u.clean()
	fresh, err := u.fetch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if fresh {
		table, err := u.load()
		if err == nil {
			err = u.replace(t.Context(), table)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if u.clean(); u.dir != "" {
		if _, err := os.Stat(u.dir); err == nil {
			t.Errorf("%s is left", u.dir)
		}
	}
	return fresh
}

func testStore(t *testing.T) *store.Store {
	t.Helper()
	db, err := store.Open("sqlite://"+filepath.Join(t.TempDir(), "mb.db"), store.Options{})
	if err == nil {
		err = db.Prepare(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// What did not change is not fetched, or at least not imported; when one of
// several sources changed all are.
func TestUpdateFetchesWhatIsNew(t *testing.T) {
	t.Parallel()
	db := testStore(t)
	tagged, plain := newTableServer(t, true), newTableServer(t, false)
	file := filepath.Join(t.TempDir(), "own.txt")
	write := func(content string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("10.0.0.0/8 64512\n")
	sources := []string{tagged.URL + "/a", plain.URL + "/b", file}
	steps := []struct {
		name   string
		change func()
		fresh  bool
		whole  int64 // of the server that says which version it has
	}{
		{"the first time", func() {}, true, 1},
		{"unchanged", func() {}, false, 1},
		{"the tagged one", func() { tagged.version.Add(1) }, true, 2},
		{"the plain one", func() { plain.version.Add(1) }, true, 3}, // an import is of all
		{"unchanged again", func() {}, false, 3},
		{"the file", func() { write("10.0.0.0/8 64513\n") }, true, 4},
		{"an import by hand", func() {
			if _, err := db.ReplacePrefixes(t.Context(), "hand", func(yield func(store.Prefix) error) error {
				return yield(store.Prefix{Prefix: netip.MustParsePrefix("192.0.2.0/24"), ASN: 1})
			}); err != nil {
				t.Fatal(err)
			}
		}, true, 5},
		{"another source", func() { sources = sources[:2] }, true, 6},
	}
	for _, step := range steps {
		step.change()
		if fresh := updateOnce(t, db, sources...); fresh != step.fresh || tagged.whole.Load() != step.whole {
			t.Errorf("%s: fresh %v, sent whole %d times; want %v, %d", step.name, fresh, tagged.whole.Load(), step.fresh, step.whole)
		}
	}
}

func TestFetchRefuses(t *testing.T) {
	t.Parallel()
	answers := map[string]http.HandlerFunc{
		"/missing": http.NotFound,
		"/long": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", fmt.Sprint(maxDownload+1))
		},
		"/short": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, "1")
		},
		"/304":  func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotModified) },
		"/loop": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/loop", http.StatusFound) },
		"/to-a-file": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
		},
		"/" + creationLog: func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, "1 2 ../../etc/passwd\n1 2 /x\n1 2 https://x/\n")
		},
	}
	answers["/x/"+creationLog] = http.NotFound
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { answers[r.URL.Path](w, r) }))
	t.Cleanup(web.Close)
	for path, want := range map[string]string{
		"/missing": "404 Not Found", "/long": "more than", "/short": "unexpected EOF", "/304": "304 Not Modified",
		"/loop": "stopped after 10 redirects", "/to-a-file": "unsupported protocol scheme", "/" + creationLog: "names no file", "/x/" + creationLog: "404",
	} {
		dir := t.TempDir()
		secret := strings.Replace(web.URL, "http://", "http://somebody:secret@", 1)
		_, err := fetchSource(t.Context(), secret+path+"?token=hidden", dir, sourceState{})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "somebody") || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: %v; want %q", path, err, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := fetchSource(ctx, web.URL+"/missing", t.TempDir(), sourceState{}); err == nil {
		t.Error("a cancelled fetch succeeded")
	}
}

// The name of the file a server sends is of our making.
func TestSaveNames(t *testing.T) {
	t.Parallel()
	for name, suffix := range map[string]string{
		"GeoLite2-ASN.mmdb": "GeoLite2-ASN.mmdb", "a b\x00*.gz": "a_b__.gz", "..": "..", "/": "_",
		strings.Repeat("x", 300) + ".mmdb": ".mmdb",
	} {
		dir := t.TempDir()
		var f fetched
		if err := f.save(bytes.NewReader([]byte("x")), dir, name); err != nil {
			t.Fatal(err)
		}
		if filepath.Dir(f.path) != dir || !strings.HasSuffix(f.path, suffix) || len(f.Sum) != 64 {
			t.Errorf("%q: %+v", name, f)
		}
	}
}

// Whoever a download is redirected to learns nothing of the URL that led there,
// and https is not left.
func TestFollowDownload(t *testing.T) {
	t.Parallel()
	var referer []string
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/from" {
			http.Redirect(w, r, "/to", http.StatusFound)
			return
		}
		referer = append(referer, r.Header["Referer"]...)
		fmt.Fprint(w, "1.0.0.0/24 13335\n")
	}))
	t.Cleanup(web.Close)
	if _, err := fetchSource(t.Context(), web.URL+"/from?token=hidden", t.TempDir(), sourceState{}); err != nil || referer != nil {
		t.Errorf("%v; told %q", err, referer)
	}
	from, to := httptest.NewRequest(http.MethodGet, "https://a.example/", http.NoBody), httptest.NewRequest(http.MethodGet, "http://a.example/", http.NoBody)
	if followDownload(to, []*http.Request{from}) == nil {
		t.Error("went from https to http")
	}
}
