package mirrorbrain

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/autoindex/disk"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

func TestAutoindexSearchOnDisk(t *testing.T) {
	root := t.TempDir()
	plantTree(t, root, "a/Needle-1", "a/b/needle-2", "hidden/needle", "a/needle.tmp", "closed/needle", "a/loop -> ..", "x")
	if err := os.Chmod(filepath.Join(root, "closed"), 0o700); err != nil {
		t.Fatal(err)
	}
	s := newServer(t)
	s.bare("", "root * "+root+"\nmirrorbrain_autoindex {\nsearch on\nhide hidden\nignore *.tmp\n}\nfile_server")
	s.lists("/?q=NEEDLE", "a/b/needle-2", "a/Needle-1")
	s.lists("/a/b/?q=needle", "needle-2")
	s.lists("/?q=nothing")
	if _, body := s.get("/?q=%3Cscript%3E", ""); strings.Contains(body, "<script>") {
		t.Error("markup in what was searched for")
	}
	s.bare("", "root * "+root+"\nmirrorbrain_autoindex\nfile_server") // off by default
	s.until("the search is off", func() bool { return len(s.names("/?q=needle")) > 2 })
}

func TestAutoindexLarge(t *testing.T) {
	const files = 50_000
	d := newDepot(t)
	var paths []string
	for i := range files {
		paths = append(paths, fmt.Sprintf("big/file-%d.iso", i))
	}
	for part := range slices.Chunk(paths, 10_000) {
		d.indexMany(part)
	}
	d.finish()
	s := newServer(t)
	s.load("database "+d.url, alone(""))
	s.ready()
	if list := s.items("/big/"); len(list) != files || list[0].Name != "file-0.iso" || list[files-1].Name != fmt.Sprintf("file-%d.iso", files-1) {
		t.Errorf("%d entries", len(list))
	}
	resp, body := s.get("/big/", "")
	if n := strings.Count(body, ".iso\""); resp.StatusCode != http.StatusOK || n < files {
		t.Errorf("the page: %d, %d links", resp.StatusCode, n)
	}
	s.load("database "+d.url, alone("max_entries 10"))
	s.until("the listing is cut", func() bool { return len(s.items("/big/")) == 10 })
	if _, body := s.get("/big/?F=1", ""); !strings.Contains(body, "more entries") {
		t.Errorf("it does not say that it is cut: %s", body)
	}
}

// indexMany puts many files into the index, without their ids.
func (d *depot) indexMany(paths []string) {
	d.t.Helper()
	var b store.IndexBatch
	for _, p := range paths {
		b.Add = append(b.Add, store.NewFile{Path: p, Size: fileSize, MTime: someTime.UnixNano(), Precision: 1})
	}
	d.lease("index", func(l store.Lease) error {
		_, err := d.store.ApplyIndex(context.Background(), l, b)
		return err
	})
}

func TestAutoindexSettings(t *testing.T) {
	for _, test := range []struct {
		conf Autoindex
		want string
	}{
		{Autoindex{Source: "tape"}, "source"},
		{Autoindex{Source: "disk", Root: "off"}, "root is off"},
		{Autoindex{Source: "disk", Instance: "x"}, "instance"},
		{Autoindex{Symlinks: "all"}, "symlinks"},
		{Autoindex{Closed: "no"}, "closed"},
		{Autoindex{MaxEntries: -1}, "max_entries"},
		{Autoindex{CacheSize: -1}, "cache_size"},
		{Autoindex{Refresh: -1}, "refresh"},
		{Autoindex{MaxAge: -5}, "max_age"},
		{Autoindex{IndexFiles: []string{"a/b"}}, "name of a file"},
		{Autoindex{Ignore: []string{strings.Repeat("*", 999)}}, "ignore"},
		{Autoindex{AutoindexForm: AutoindexForm{Format: "pdf"}}, "format"},
		{Autoindex{AutoindexForm: AutoindexForm{Sort: []string{"colour"}}}, "sort"},
		{Autoindex{AutoindexForm: AutoindexForm{Sort: []string{"name", "up"}}}, "sort"},
		{Autoindex{AutoindexForm: AutoindexForm{Columns: []string{"x"}}}, "columns"},
		{Autoindex{AutoindexForm: AutoindexForm{NameWidth: 2}}, "width"},
		{Autoindex{AutoindexForm: AutoindexForm{TimeZone: "Mars/Dust"}}, "time_zone"},
		{Autoindex{AutoindexForm: AutoindexForm{Descriptions: []AutoindexDescription{{Text: "x"}}}}, "description"},
		{Autoindex{AutoindexForm: AutoindexForm{Readme: []string{"../x"}}}, "name of a file"},
	} {
		raw, err := json.Marshal(test.conf)
		if err != nil {
			t.Fatal(err)
		}
		ctx, err := caddy.ProvisionContext(&caddy.Config{Admin: &caddy.AdminConfig{Disabled: true, Config: &caddy.ConfigSettings{Persist: new(bool)}}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ctx.LoadModuleByID("http.handlers.mirrorbrain_autoindex", raw); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", raw, err, test.want)
		}
		if app, err := ctx.AppIfConfigured("mirrorbrain"); err == nil {
			_ = app.(*App).Cleanup()
		}
	}
}

// What clients ask for that cannot be is not there; it is no failure.
func TestAutoindexNeverThere(t *testing.T) {
	root, out := t.TempDir(), t.TempDir()
	plantTree(t, root, "file", "loop -> loop")
	plantTree(t, out, "sub/file")
	plantTree(t, root, "out -> "+out)
	for _, links := range []disk.Links{disk.Follow, disk.Inside, disk.Hide} {
		for _, open := range []bool{false, true} {
			tree := &disk.Tree{Root: root, Links: links, Open: open}
			for _, folder := range []string{"file", "file/x", "file/x/y", "loop", "loop/x", "none/x", strings.Repeat("x", 300), strings.Repeat("x/", 3000) + "x"} {
				if _, err := tree.Read(t.Context(), folder); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("links %d, open %v: %.20s: %v", links, open, folder, err)
				}
			}
			if _, err := tree.Read(t.Context(), "out/sub"); errors.Is(err, fs.ErrNotExist) != (links != disk.Follow) {
				t.Errorf("links %d, open %v: what is outside: %v", links, open, err)
			}
		}
	}
}

// A panic in a template, or a disk that hangs, ends one listing.
func TestListingsGuard(t *testing.T) {
	l := newListings(1 << 20)
	defer l.close()
	never := func(any) bool { return false }
	if _, err := l.get(t.Context(), contentsKey{search: "a"}, never, nil); err == nil || !strings.Contains(err.Error(), "panic") {
		t.Errorf("a panic: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	hang := make(chan struct{})
	defer close(hang)
	hung := func(context.Context, any) (any, error) { <-hang; return nil, errBusy }
	if _, err := l.get(ctx, contentsKey{place: place{path: "b"}}, never, hung); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a hung disk: %v", err)
	}
}

// Clients choose what is searched for and which folders they ask for: neither
// keeps others waiting or takes more memory than there may be.
func TestListingsUnderAttack(t *testing.T) {
	const limit = 1 << 20
	l := newListings(limit)
	defer l.close()
	never := func(any) bool { return false }
	hang := make(chan struct{})
	hung := func(context.Context, any) (any, error) { <-hang; return nil, errBusy }
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for i := range searchesAtOnce + 1 {
		_, err := l.get(gone, contentsKey{search: fmt.Sprint("x", i)}, never, hung)
		if want := i == searchesAtOnce; errors.Is(err, errBusy) != want {
			t.Fatalf("search %d: %v", i, err)
		}
	}
	missing := func(context.Context, any) (any, error) { return &folderContents{err: fs.ErrNotExist}, nil }
	long := strings.Repeat("x", 16<<10)
	for i := range 200 { // other than searches, they go on
		path := fmt.Sprint(i, long)
		if _, err := l.get(t.Context(), contentsKey{place: place{path: path}}, never, missing); err != nil {
			t.Fatalf("listing %d beside searches: %v", i, err)
		}
	}
	l.cache.CleanUp()
	paths := 0
	for k := range l.cache.All() {
		paths += len(k.(contentsKey).path)
	}
	if paths > limit {
		t.Errorf("%d bytes of paths in a cache of %d", paths, limit)
	}
	for i := range listingsAtOnce + 1 {
		_, err := l.get(gone, contentsKey{place: place{path: fmt.Sprint(i)}}, never, hung)
		if want := i == listingsAtOnce; errors.Is(err, errBusy) != want {
			t.Fatalf("listing %d: %v", i, err)
		}
	}
	close(hang)
}
