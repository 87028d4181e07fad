package scanner

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/pgtest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/rsynctest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/origin"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// world is an origin with a database and mirrors that are really served.
type world struct {
	t    *testing.T
	db   *store.Store
	url  string // of the database
	root string
}

// eachWorld runs a test on both databases.
func eachWorld(t *testing.T, test func(*world)) {
	t.Helper()
	for name, url := range map[string]func(*testing.T) string{
		"sqlite":   sqlite,
		"postgres": func(t *testing.T) string { t.Helper(); return pgtest.New(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(newWorld(t, url(t)))
		})
	}
}

func newWorld(t *testing.T, url string) *world {
	t.Helper()
	s, err := store.Open(url, store.Options{})
	must(t, err)
	t.Cleanup(func() { s.Close() })
	must(t, s.Prepare(t.Context()))
	return &world{t: t, db: s, url: url, root: t.TempDir()}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// base is when files of the tests were written: long ago, whole minutes.
var base = time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC)

// put writes a file below dir with a size and mtime.
func put(t *testing.T, dir, path string, size int, at time.Time) {
	t.Helper()
	p := filepath.Join(dir, path)
	must(t, os.MkdirAll(filepath.Dir(p), 0o755))
	must(t, os.WriteFile(p, []byte(strings.Repeat("x", size)), 0o644))
	must(t, os.Chtimes(p, at, at))
}

// tree puts n files of different sizes.
func tree(t *testing.T, dir string, n int) {
	t.Helper()
	for i := range n {
		put(t, dir, fmt.Sprintf("d%d/f%d", i%7, i), 10+i, base.Add(time.Duration(i)*time.Minute))
	}
}

// syncTo makes dir what the origin is, as rsync -a --delete does.
func syncTo(t *testing.T, from, to string) {
	t.Helper()
	must(t, os.RemoveAll(to))
	must(t, os.MkdirAll(to, 0o755))
	must(t, filepath.WalkDir(from, func(p string, d fs.DirEntry, err error) error {
		rel := strings.TrimPrefix(strings.TrimPrefix(p, from), "/")
		switch {
		case err != nil || rel == "":
			return err
		case d.IsDir():
			return os.MkdirAll(filepath.Join(to, rel), 0o755)
		case d.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(p)
			if err != nil {
				return err
			}
			return os.Symlink(target, filepath.Join(to, rel))
		}
		b, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		fi, err := d.Info()
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, rel), b, 0o644); err != nil {
			return err
		}
		return os.Chtimes(filepath.Join(to, rel), fi.ModTime(), fi.ModTime())
	}))
}

func (w *world) index(o origin.Options) {
	w.t.Helper()
	o.Root = w.root
	_, err := origin.Index(w.t.Context(), w.db, o)
	must(w.t, err)
}

// host is one mirror: a folder, its rsync daemon and its web server, which can
// be made to serve another folder, or nothing.
type host struct {
	mirror.Mirror
	dir   string
	rsync *rsynctest.Server
	web   *httptest.Server
	root  atomic.Pointer[string]
}

// mirror starts a host and registers it.
func (w *world) mirror(name string, change ...func(*host)) *host {
	w.t.Helper()
	h := &host{dir: w.t.TempDir()}
	h.root.Store(&h.dir)
	h.rsync = rsynctest.Start(w.t, rsynctest.Module{Name: "pub", Path: h.dir})
	h.web = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if dir := h.root.Load(); *dir != "" {
			http.FileServer(http.Dir(*dir)).ServeHTTP(rw, r)
			return
		}
		http.NotFound(rw, r)
	}))
	w.t.Cleanup(h.web.Close)
	h.Mirror = mirror.Mirror{Name: name, HTTP: []string{h.web.URL + "/"}, Rsync: h.rsync.URL("pub"), Score: 100}
	for _, c := range change {
		c(h)
	}
	must(w.t, w.db.CreateMirror(w.t.Context(), &h.Mirror, "test"))
	return h
}

// serve makes the web server serve another folder; "" nothing.
func (h *host) serve(dir string) { h.root.Store(&dir) }

// edit changes a registered mirror.
func (w *world) edit(h *host, change func(*mirror.Mirror)) {
	w.t.Helper()
	m, err := w.db.UpdateMirror(w.t.Context(), h.ID, "test", "edited", func(m *mirror.Mirror) error { change(m); return nil })
	must(w.t, err)
	h.Mirror = m
}

// scan scans one mirror.
func (w *world) scan(h *host, o Options) Report {
	w.t.Helper()
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second
	}
	r, err := Scan(w.t.Context(), w.db, []mirror.Mirror{h.Mirror}, o)
	must(w.t, err)
	return r[0]
}

// accepted is scan for one that must succeed.
func (w *world) accepted(h *host, o Options) Report {
	w.t.Helper()
	r := w.scan(h, o)
	if r.Err != nil || r.Skipped != "" {
		w.t.Fatalf("scan: %s", r)
	}
	return r
}

// held gives the paths of the current files that a mirror is credited with.
func (w *world) held(h *host) []string {
	w.t.Helper()
	got, err := w.db.HoldingsOf(w.t.Context(), h.ID)
	must(w.t, err)
	var paths []string
	must(w.t, w.db.Paths(w.t.Context(), got.Held, func(_ mirror.FileID, p []byte, v mirror.Version) error {
		if v.Current() {
			paths = append(paths, string(p))
		}
		return nil
	}))
	slices.Sort(paths)
	return paths
}

func (w *world) holds(h *host, n int) {
	w.t.Helper()
	if got := w.held(h); len(got) != n {
		w.t.Errorf("%s holds %d current files, want %d: %.5q", h.Name, len(got), n, got)
	}
}

func (w *world) state(h *host) mirror.ScanState {
	w.t.Helper()
	m, err := w.db.Mirror(w.t.Context(), h.Name)
	must(w.t, err)
	return m.Scan
}

// hooked lists a folder and calls at before each entry, with its number.
type hooked struct {
	dir string
	at  func(n int)
	cut bool // say that something may be missing
	err error
}

func (hooked) Protocol() string { return "rsync" }

func (l hooked) List(_ context.Context, sub string, yield func(listing.Entry) error) (listing.Summary, error) {
	var sum listing.Summary
	if l.cut {
		sum.AddIncomplete("a folder could not be read")
	}
	err := filepath.WalkDir(filepath.Join(l.dir, sub), func(p string, d fs.DirEntry, err error) error {
		rel := strings.TrimPrefix(strings.TrimPrefix(p, l.dir), "/")
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return listing.ErrNoFolder
		case err != nil || rel == "":
			return err
		}
		fi, err := d.Info()
		if err != nil {
			return err
		}
		if l.at != nil {
			l.at(sum.Entries)
		}
		sum.Entries++
		e := listing.Entry{Path: rel, Kind: listing.File, SizeMin: fi.Size(), SizeMax: fi.Size(), MTime: fi.ModTime().UnixNano(), Precision: 1}
		switch {
		case d.IsDir():
			e.Kind = listing.Dir
		case d.Type()&fs.ModeSymlink != 0:
			e.Kind = listing.Symlink
		}
		return yield(e)
	})
	if err == nil {
		err = l.err
	}
	return sum, err
}

func (l hooked) open(string, listing.Options) (listing.Lister, error) { return l, nil }

func sqlite(t *testing.T) string {
	t.Helper()
	return "sqlite://" + filepath.Join(t.TempDir(), "test.db")
}
