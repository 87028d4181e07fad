package mirrorbrain

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/autoindex/disk"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/pgtest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// item is an entry of a listing in JSON.
type item struct {
	Name        string    `json:"name"`
	Size        int64     `json:"size"`
	URL         string    `json:"url"`
	ModTime     time.Time `json:"mod_time"`
	IsDir       bool      `json:"is_dir"`
	IsSymlink   bool      `json:"is_symlink"`
	SymlinkPath string    `json:"symlink_path"`
	Mirrors     *int      `json:"mirrors"`
	SHA256      string    `json:"sha256"`
	Files       *int64    `json:"files"`
	Bytes       *int64    `json:"bytes"`
	Documents   []string  `json:"documents"`
	Description string    `json:"description"`
}

// bare runs Caddy without the app: a listing needs neither a redirector nor a
// database.
func (s *server) bare(global, site string) {
	s.t.Helper()
	text := fmt.Sprintf("{\nadmin off\npersist_config off\nauto_https off\ngrace_period 5s\n%s\n}\nhttp://%s {\n%s\n}", global, s.addr, site)
	cfg, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), nil)
	if err != nil {
		s.t.Fatalf("%v in:\n%s", err, text)
	}
	if err := caddy.Load(cfg, true); err != nil {
		s.t.Fatal(err)
	}
}

// ask is get with fields: name, value, ...
func (s *server) ask(method, path string, fields ...string) (*http.Response, string) {
	s.t.Helper()
	r, err := http.NewRequest(method, "http://"+s.addr+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i < len(fields); i += 2 {
		r.Header.Set(fields[i], fields[i+1])
	}
	resp, err := client.Do(r)
	for range 3 { // a reload closes the old socket with what waits at it
		if err != nil {
			resp, err = client.Do(r)
		}
	}
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp, string(body)
}

// items gives the listing of a folder; nil where there is none.
func (s *server) items(path string) []item {
	s.t.Helper()
	resp, body := s.ask(http.MethodGet, path, "Accept", "application/json")
	if resp.StatusCode != http.StatusOK || !strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") {
		return nil
	}
	var list []item
	if err := json.Unmarshal([]byte(body), &list); err != nil {
		s.t.Fatalf("%s: %v in %s", path, err, body)
	}
	return list
}

// names gives the names of a listing in its order, folders with a slash.
func (s *server) names(path string) (names []string) {
	s.t.Helper()
	for _, i := range s.items(path) {
		names = append(names, i.Name)
	}
	return names
}

func (s *server) lists(path string, want ...string) {
	s.t.Helper()
	if d := cmp.Diff(want, s.names(path)); d != "" {
		s.t.Errorf("%s (-want +got):\n%s", path, d)
	}
}

// plantTree makes files, folders (with a slash at the end) and links ("a -> b").
func plantTree(t testing.TB, root string, list ...string) {
	t.Helper()
	must := func(err error) {
		if err != nil {
			t.Helper()
			t.Fatal(err)
		}
	}
	for _, entry := range list {
		name, target, link := strings.Cut(entry, " -> ")
		p := filepath.Join(root, name)
		must(os.MkdirAll(filepath.Dir(p), 0o755))
		switch {
		case link:
			must(os.Symlink(target, p))
		case strings.HasSuffix(name, "/"):
			must(os.MkdirAll(p, 0o755))
		default:
			must(os.WriteFile(p, []byte(name), 0o644))
			must(os.Chtimes(p, someTime, someTime))
		}
	}
}

func TestAutoindexOnDiskAlone(t *testing.T) {
	root := t.TempDir()
	plantTree(t, root, "b/x", "a10", "a9", "A2", "with index/index.html", "with index/other", "empty/", "odd & <b>/\xff %?#.iso",
		"secret/x", "b/.hidden", "b/y.tmp", "Caddyfile")
	s := newServer(t)
	s.bare("", fmt.Sprintf(`root * %s
		mirrorbrain_autoindex {
			refresh 1ms
			hide secret %s/Caddyfile
			ignore *.tmp
			describe A2 "The <second>"
		}
		file_server`, root, root))
	s.lists("/", "b/", "empty/", "odd & <b>/", "with index/", "A2", "a9", "a10")
	s.lists("/b/", ".hidden", "x")
	s.lists("/odd%20&%20%3Cb%3E/", "\uFFFD %?#.iso")
	if got := s.items("/odd%20&%20%3Cb%3E/"); len(got) != 1 || got[0].URL != "./%FF%20%25%3F%23.iso" {
		t.Errorf("%+v", got)
	}
	if resp, body := s.get("/empty/", ""); resp.StatusCode != http.StatusOK || !strings.Contains(body, "<html") {
		t.Errorf("an empty folder: %d %s", resp.StatusCode, body)
	}
	for path, want := range map[string]int{
		"/with%20index/": 200, "/secret/": 404, "/secret": 404, "/none/": 404, "/none": 404, "/A2": 200, "/A2/": 308, "/b/x": 200,
		"/../": 200, "/b/../secret/": 404, "/%2e%2e/%2e%2e/etc/": 404, "//": 200, "/b/%00/": 400,
	} {
		resp, body := s.get(path, "")
		if resp.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, resp.StatusCode, want)
		}
		if path == "/with%20index/" && body != "with index/index.html" {
			t.Errorf("not the index file: %s", body)
		}
	}
	if resp, _ := s.ask(http.MethodPost, "/b/"); resp.StatusCode == http.StatusOK {
		t.Error("POST is answered")
	}
	if resp, body := s.get("/?F=1", ""); !strings.Contains(body, "Index of /") || !strings.Contains(body, "The &lt;second&gt;") || resp.Header.Get("Content-Security-Policy") != "" {
		t.Errorf("Apache's form: %v %s", resp.Header, body)
	}
	if _, body := s.ask(http.MethodGet, "/b/", "Accept", "text/plain"); !strings.Contains(body, "Name\t") {
		t.Errorf("text: %s", body)
	}
	if _, body := s.get("/b/?format=json", ""); !strings.HasPrefix(body, "[{") {
		t.Errorf("format=json: %s", body)
	}
	if resp, body := s.get("/?asset=mirrorbrain.js", ""); !strings.Contains(resp.Header.Get("Content-Type"), "javascript") || body == "" {
		t.Errorf("the script: %v", resp.Header)
	}
}

func TestAutoindexSlash(t *testing.T) {
	root := t.TempDir()
	plantTree(t, root, "a/b/x", "evil.example/x", "odd %?/x")
	s := newServer(t)
	s.bare("", fmt.Sprintf("root * %s\nhandle_path /pub/* {\nmirrorbrain_autoindex\nfile_server\n}\nmirrorbrain_autoindex\nfile_server", root))
	for path, want := range map[string]string{
		"/a":                    "/a/",
		"/a/b?C=N;O=D":          "/a/b/?C=N;O=D",
		"//evil.example":        "/evil.example/",
		"///evil.example?x=//y": "/evil.example/?x=//y",
		"/%2Fevil.example":      "/evil.example/",
		"/odd%20%25%3F":         "/odd%20%25%3F/",
		"/pub/a":                "/pub/a/",
		"/a/../a":               "/a/../a/",
	} {
		resp, _ := s.get(path, "")
		if got := resp.Header.Get("Location"); resp.StatusCode != http.StatusPermanentRedirect || got != want {
			t.Errorf("%s: %d to %q, want %q", path, resp.StatusCode, got, want)
		}
	}
	if resp, body := s.get("/pub/a/?F=1", ""); resp.StatusCode != http.StatusOK || !strings.Contains(body, `Index of /pub/a`) || !strings.Contains(body, `href="/pub/"`) {
		t.Errorf("below a prefix: %s", body)
	}
	if resp, _ := s.ask(http.MethodHead, "/a"); resp.Header.Get("Location") != "/a/" {
		t.Error("HEAD is not redirected")
	}
}

func TestAutoindexClosed(t *testing.T) {
	root := t.TempDir()
	plantTree(t, root, "open/file", "open/staged", "staged/file", "staged/sub/file", "half/file", "open/link -> ../staged/file", "open/next -> ../staged/sub")
	for name, mode := range map[string]os.FileMode{"open/staged": 0o640, "staged": 0o750, "half": 0o751} {
		if err := os.Chmod(filepath.Join(root, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	s := newServer(t)
	for setting, want := range map[string]map[string][]string{
		"hide": {"/": {"open/"}, "/open/": {"file"}, "/open/next/": nil, "/staged/": nil, "/staged/sub/": nil, "/half/": nil},
		"pass": {"/": {"half/", "open/", "staged/"}, "/open/": {"next/", "file", "link", "staged"}, "/open/next/": {"file"}, "/staged/": {"sub/", "file"}, "/staged/sub/": {"file"}},
	} {
		s.bare("", fmt.Sprintf("root * %s\nmirrorbrain_autoindex {\nclosed %s\n}\nfile_server browse", root, setting))
		for path, names := range want {
			s.until("the configuration is there", func() bool { return len(s.names("/open/")) == len(want["/open/"]) })
			s.lists(path, names...)
			if resp, _ := s.get(path, ""); names == nil && resp.StatusCode != http.StatusNotFound {
				t.Errorf("%s: %d", path, resp.StatusCode)
			}
		}
	}
	s.wants("/staged", "", http.StatusPermanentRedirect, "/staged/")
}

func TestAutoindexSymlinks(t *testing.T) {
	top := t.TempDir()
	root := filepath.Join(top, "root")
	plantTree(t, top, "outside/secret", "root/a/file", "root/in -> a", "root/file -> a/file", "root/out -> ../outside",
		"root/outfile -> ../outside/secret", "root/dangling -> none", "root/loop -> loop", "root/abs -> "+root+"/a", "root/a/up -> ../a/file")
	s := newServer(t)
	for policy, want := range map[string]struct {
		names []string
		dirs  map[string]int
	}{
		"follow": {[]string{"a/", "abs/", "in/", "out/", "file", "outfile"}, map[string]int{"/in/": 200, "/out/": 200, "/abs/": 200}},
		"inside": {[]string{"a/", "in/", "file"}, map[string]int{"/in/": 200, "/out/": 404, "/abs/": 404, "/in": 308, "/out": 404}},
		"hide":   {[]string{"a/"}, map[string]int{"/in/": 404, "/out/": 404, "/a/": 200}},
	} {
		s.bare("", fmt.Sprintf("root * %s\nroute {\nmirrorbrain_autoindex {\nsymlinks %s\nreveal_symlinks on\nsource disk\nrefresh 1ms\n}\nrespond 404\n}", root, policy))
		s.until("the configuration is there", func() bool { return slices.Equal(s.names("/"), want.names) })
		s.lists("/", want.names...)
		for path, status := range want.dirs {
			if resp, _ := s.get(path, ""); resp.StatusCode != status {
				t.Errorf("%s %s: %d, want %d", policy, path, resp.StatusCode, status)
			}
		}
		for _, i := range s.items("/") {
			if i.IsSymlink != (i.Name != "a/") || i.Name == "file" && i.SymlinkPath != "a/file" {
				t.Errorf("%s: %+v", policy, i)
			}
		}
	}
}

func TestAutoindexFields(t *testing.T) {
	root := t.TempDir()
	plantTree(t, root, "d/one", "d/two")
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(filepath.Join(root, "d"), old, old); err != nil {
		t.Fatal(err)
	}
	s := newServer(t)
	s.bare("", "root * "+root+"\nmirrorbrain_autoindex {\nrefresh 1ms\n}\nfile_server")
	resp, body := s.get("/d/", "")
	h := resp.Header
	tag, modified := h.Get("Etag"), h.Get("Last-Modified")
	if tag == "" || modified != old.UTC().Format(http.TimeFormat) || h.Get("Cache-Control") != "max-age=5" ||
		!slices.Equal(h["Vary"], []string{"Accept", "Accept-Language"}) || h.Get("X-Content-Type-Options") != "nosniff" ||
		!strings.Contains(h.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("%v", h)
	}
	for _, fields := range [][]string{{"If-None-Match", tag}, {"If-Modified-Since", modified}} {
		if resp, _ := s.ask(http.MethodGet, "/d/", fields...); resp.StatusCode != http.StatusNotModified {
			t.Errorf("%v: %d", fields, resp.StatusCode)
		}
	}
	head, nothing := s.ask(http.MethodHead, "/d/")
	if head.ContentLength != int64(len(body)) || nothing != "" || head.Header.Get("Etag") != tag {
		t.Errorf("HEAD: %v, the body has %d bytes", head.Header, len(body))
	}
	if resp, german := s.ask(http.MethodGet, "/d/", "Accept-Language", "de"); german == body || resp.Header.Get("Etag") == tag {
		t.Error("German is English")
	}
	if resp, _ := s.get("/d/?F=2", ""); resp.Header.Get("Vary") != "" {
		t.Errorf("a format that was asked for varies: %v", resp.Header)
	}
	// Writing to a file does not change the folder's time.
	if err := os.WriteFile(filepath.Join(root, "d/one"), []byte("something longer"), 0o644); err != nil {
		t.Fatal(err)
	}
	s.until("a file changed", func() bool {
		resp, _ := s.ask(http.MethodGet, "/d/", "If-None-Match", tag)
		return resp.StatusCode == http.StatusOK
	})
	if resp, _ := s.ask(http.MethodGet, "/d/", "If-Modified-Since", modified); resp.StatusCode != http.StatusOK || resp.Header.Get("Last-Modified") != "" {
		t.Errorf("a file changed just now: %d %v", resp.StatusCode, resp.Header)
	}
}

func TestAutoindexLatest(t *testing.T) {
	root := t.TempDir()
	plantTree(t, root, "app-1.9.iso", "app-1.10.iso", "app-1.10.iso.asc", "r/v2/", "r/v10/", "odd %: 1.iso")
	s := newServer(t)
	s.bare("", "root * "+root+"\nmirrorbrain_autoindex\nfile_server")
	s.wants("/?latest=app-*.iso", "", http.StatusFound, "./app-1.10.iso")
	s.wants("/r/?latest=v*", "", http.StatusFound, "./v10/")
	s.wants("/?latest=odd*", "", http.StatusFound, "./odd%20%25:%201.iso")
	newest := filepath.Join(root, "app-1.9.iso")
	if err := os.Chtimes(newest, time.Now(), time.Now()); err != nil {
		t.Fatal(err)
	}
	s.wants("/?latest=app-*.iso&by=time", "", http.StatusFound, "./app-1.9.iso")
	resp, body := s.get("/?latest=%3Cb%3E*", "")
	if resp.StatusCode != http.StatusNotFound || !strings.Contains(body, "<b>*") || resp.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
}

func TestAutoindexInserts(t *testing.T) {
	root := t.TempDir()
	plantTree(t, root, "a/HEADER.html", "a/README", "b/x", "c/README.txt", "out/README -> ../../x")
	for name, text := range map[string]string{"a/HEADER.html": "<h2>Ours</h2>", "a/README": "<i>text\xff", "c/README.txt": strings.Repeat("long ", 1<<17)} {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s := newServer(t)
	s.bare("", "root * "+root+"\nmirrorbrain_autoindex {\nheader HEADER.html\nreadme README README.txt\nignore README* HEADER*\nsymlinks inside\n}\nfile_server")
	for _, query := range []string{"", "?F=1", "?F=2"} {
		_, body := s.get("/a/"+query, "")
		if !strings.Contains(body, "<h2>Ours</h2>") || !strings.Contains(body, "&lt;i&gt;text\uFFFD") || strings.Contains(body, `href="README"`) {
			t.Errorf("%q: %s", query, body)
		}
	}
	if _, body := s.get("/c/?F=1", ""); len(body) < 200<<10 || len(body) > 300<<10 {
		t.Errorf("a long README makes %d bytes", len(body))
	}
	s.lists("/out/")
}

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
