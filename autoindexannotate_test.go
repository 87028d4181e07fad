package mirrorbrain

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/pgtest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

func TestAutoindexAnnotated(t *testing.T) {
	for name, open := range map[string]func(testing.TB) *depot{
		"sqlite": newDepot,
		"postgresql": func(tb testing.TB) *depot {
			tb.Helper()
			return openDepot(tb, pgtest.New(tb))
		},
	} {
		t.Run(name, func(t *testing.T) { testAnnotated(t, open(t)) })
	}
}

func testAnnotated(t *testing.T, d *depot) {
	t.Helper()
	d.file("r/full.iso", "r/full.iso.asc", "r/some.iso", "r/none.iso", "r/changed.iso", "r/sub/x", "r/sub/deep/y", "top")
	d.write("r/unknown.iso", 5)
	d.write("r/changed.iso", fileSize+1)
	d.alias("r/latest.iso", "r/full.iso", false)
	d.alias("alias", "r", true)
	d.must(os.Symlink("full.iso", filepath.Join(d.root, "r/latest.iso")))
	d.must(os.Symlink("r", filepath.Join(d.root, "alias")))
	sum := d.digest("r/full.iso")
	d.mirror(mirror.Mirror{Name: "a"}, "r/full.iso", "r/full.iso.asc", "r/some.iso", "r/changed.iso")
	d.mirror(mirror.Mirror{Name: "b"}, "r/full.iso")
	d.mirror(mirror.Mirror{Name: "off", DisabledUntil: time.Now().Add(time.Hour)}, "r/full.iso", "r/some.iso", "r/none.iso")
	d.finish()
	s := newServer(t)
	for _, source := range []string{"auto", "index"} {
		site := d.plain("torrent_tracker http://t.example/announce") + "\nmirrorbrain_autoindex {\nsource " + source + "\nreveal_symlinks on\nrefresh 1ms\n}"
		s.load("database "+d.url, site)
		s.ready()
		known := func() map[string]item {
			m := map[string]item{}
			for _, i := range s.items("/r/") {
				m[i.Name] = i
			}
			return m
		}
		s.until("the listing has counts", func() bool { i := known()["sub/"]; return i.Files != nil && *i.Files == 2 && *i.Bytes == 2*fileSize })
		got := known()
		if source == "index" {
			delete(got, "changed.iso")
		} else if i := got["changed.iso"]; i.Mirrors != nil || i.Size != fileSize+1 || len(i.Documents) > 0 {
			t.Errorf("the file was changed since the last index run: %+v", i)
		}
		if i, ok := got["unknown.iso"]; ok != (source == "auto") || i.Mirrors != nil {
			t.Errorf("%s: unknown to the index: %v %+v", source, ok, i)
		}
		for name, mirrors := range map[string]int{"full.iso": 2, "some.iso": 1, "none.iso": 0, "latest.iso": 2, "full.iso.asc": 1} {
			i := got[name]
			if i.Mirrors == nil || *i.Mirrors != mirrors || i.Size != fileSize || !i.ModTime.Equal(someTime) || i.IsSymlink != (name == "latest.iso") {
				t.Errorf("%s %s: %+v", source, name, i)
			}
		}
		full := got["full.iso"]
		if full.SHA256 != fmt.Sprintf("%x", sum) || got["latest.iso"].SymlinkPath != "full.iso" {
			t.Errorf("%s: %+v", source, full)
		}
		for _, word := range full.Documents {
			if word == "signature" || word == "torrent" || word == "magnet" {
				continue // those want the file's bytes, which the tests do not have
			}
			if resp, _ := s.get("/r/full.iso?"+word, ""); resp.StatusCode != http.StatusOK {
				t.Errorf("%s: the document %s is offered: %d", source, word, resp.StatusCode)
			}
		}
		if d := cmp.Diff([]string{"mirrorlist", "json", "meta4", "metalink", "torrent", "magnet", "sha256", "signature"}, full.Documents); d != "" {
			t.Errorf("%s: documents (-want +got):\n%s", source, d)
		}
		// It comes from here alone, so that a Metalink would have nothing to name.
		if d := cmp.Diff([]string{"mirrorlist", "json"}, got["full.iso.asc"].Documents); d != "" {
			t.Errorf("%s: documents of a signature (-want +got):\n%s", source, d)
		}
		if resp, _ := s.get("/r/full.iso.asc?meta4", ""); resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s: the Metalink of a signature: %d", source, resp.StatusCode)
		}
		if d := cmp.Diff([]string{"mirrorlist", "json"}, got["none.iso"].Documents); d != "" {
			t.Errorf("%s: documents of a file on no mirror (-want +got):\n%s", source, d)
		}
		s.lists("/", "alias/", "r/", "top")
		if len(s.items("/alias/")) != len(s.items("/r/")) {
			t.Errorf("%s: the folder by its other name: %v", source, s.names("/alias/"))
		}
		s.wants("/r", "", http.StatusPermanentRedirect, "/r/")
		s.wants("/r/?latest=f*.iso", "", http.StatusFound, "./full.iso")
		if resp, body := s.get("/r/", ""); resp.StatusCode != http.StatusOK || !strings.Contains(body, "full.iso.mirrorlist") {
			t.Errorf("%s: the page: %d %s", source, resp.StatusCode, body)
		}
		s.lists("/?q=FULL", "r/full.iso", "r/full.iso.asc")
		s.lists("/r/?q=dee", "sub/deep/")
		s.lists("/r/?q=y", "sub/deep/y")
		if list := s.items("/?q=full"); len(list) != 2 || list[0].URL != "./r/full.iso" || list[0].Mirrors == nil || *list[0].Mirrors != 2 {
			t.Errorf("%s: found %+v", source, list)
		}
		s.lists("/?q=unknown")
		if resp, body := s.get("/r/?mirrorlist&format=text", ""); resp.StatusCode != http.StatusOK || strings.Contains(body, "Index of") {
			t.Errorf("%s: the list of mirrors: %d %s", source, resp.StatusCode, body)
		}
	}
}

// alone is a site without a local tree.
func alone(options string) string {
	return "route {\nmirrorbrain {\nroot off\nhealth /health\nretry off\n}\nmirrorbrain_autoindex {\nroot off\n" + options + "\n}\nrespond 404\n}"
}

func TestAutoindexIndexAlone(t *testing.T) {
	d := newDepot(t)
	d.index(fileSize, "r/a.iso", "r/b/c.iso", "secret/x", "odd/\xff <&>.iso", "gone/x")
	d.remove("gone/x")
	d.mirror(mirror.Mirror{Name: "a"}, "r/a.iso")
	d.finish()
	s := newServer(t)
	s.load("database "+d.url, alone("refresh 1ms\nhide secret"))
	s.ready()
	s.lists("/", "odd/", "r/")
	s.lists("/r/", "b/", "a.iso")
	for path, want := range map[string]int{"/secret/": 404, "/none/": 404, "/gone/": 404, "/r": 308, "/none": 404, "/r/a.iso/": 404} {
		if resp, _ := s.get(path, ""); resp.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, resp.StatusCode, want)
		}
	}
	s.lists("/?q=x")
	s.wants("/r/a.iso", "", http.StatusFound, "http://a.example/pub/r/a.iso")
	// What was added shows without a reload.
	d.index(fileSize, "r/new.iso")
	s.until("the new file is listed", func() bool { return slices.Contains(s.names("/r/"), "new.iso") })
}

// Without its database the local tree is listed all the same.
func TestAutoindexWithoutDatabase(t *testing.T) {
	root := t.TempDir()
	plantTree(t, root, "a/x", "y")
	s := newServer(t)
	s.load("database postgres://nobody@127.0.0.1:1/none", "root * "+root+"\nmirrorbrain\nmirrorbrain_autoindex\nfile_server")
	s.lists("/", "a/", "y")
	for _, i := range s.items("/") {
		if i.Mirrors != nil || i.Files != nil || i.Documents != nil {
			t.Errorf("%+v", i)
		}
	}
	if resp, _ := s.get("/?q=x", ""); resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("a search without the database: %d", resp.StatusCode)
	}
}
