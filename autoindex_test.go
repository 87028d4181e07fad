package mirrorbrain

import (
	"encoding/json"
	"fmt"
	"io"
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
