package mirrorbrain

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/accesslog"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/filecheck/fusetest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/pgtest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// The tests in this file run Caddy itself. There is one Caddy in a process, so
// they must not run in parallel.

// server is Caddy on a port of its own.
type server struct {
	t    testing.TB
	addr string
	log  string // file with its logs
}

// newServer chooses a port; Caddy ends with the test.
func newServer(t testing.TB) *server {
	t.Helper()
	s := &server{t: t, addr: freeAddr(t), log: filepath.Join(t.TempDir(), "log")}
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Errorf("stopping Caddy: %v", err)
		}
	})
	return s
}

func freeAddr(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// config adapts a Caddyfile: options of the mirrorbrain block, and the site.
func (s *server) config(app, site string) []byte {
	s.t.Helper()
	text := fmt.Sprintf(`{
		admin off
		persist_config off
		auto_https off
		grace_period 5s
		metrics
		servers {
			trusted_proxies static 127.0.0.1/32
		}
		log default {
			output file %s
			level DEBUG
		}
		mirrorbrain {
			%s
		}
	}
	http://%s {
		log
		metrics /metrics
		%s
	}`, s.log, app, s.addr, site)
	cfg, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), nil)
	if err != nil {
		s.t.Fatalf("%v in:\n%s", err, text)
	}
	return cfg
}

// load starts Caddy, or reloads it.
func (s *server) load(app, site string) {
	s.t.Helper()
	if err := caddy.Load(s.config(app, site), true); err != nil {
		s.t.Fatal(err)
	}
}

var client = &http.Client{
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	Timeout:       20 * time.Second,
}

// do sends a request as a client with an address.
func (s *server) do(method, path, ip string) (*http.Response, string, error) {
	r, err := http.NewRequest(method, "http://"+s.addr+path, nil)
	if err != nil {
		return nil, "", err
	}
	if ip != "" {
		r.Header.Set("X-Forwarded-For", ip)
	}
	resp, err := client.Do(r)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp, string(body), err
}

func (s *server) get(path, ip string) (*http.Response, string) {
	s.t.Helper()
	resp, body, err := s.do(http.MethodGet, path, ip)
	// A reload closes the old listening socket, and the system resets what waits
	// in its queue (SO_REUSEPORT); that is Caddy's, and happens once.
	for range 3 {
		if errors.Is(err, syscall.ECONNRESET) {
			resp, body, err = s.do(http.MethodGet, path, ip)
		}
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return resp, body
}

// wants checks a request's status and Location. Right after a reload the old
// configuration may still answer, so it asks again for a while.
func (s *server) wants(path, ip string, status int, location string) {
	s.t.Helper()
	for end := time.Now().Add(3 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		resp, _ := s.get(path, ip)
		if resp.StatusCode == status && resp.Header.Get("Location") == location {
			return
		}
		if time.Now().After(end) {
			s.t.Errorf("%s for %s: %d %q, want %d %q", path, ip, resp.StatusCode, resp.Header.Get("Location"), status, location)
			return
		}
	}
}

// ready waits for the catalog.
func (s *server) ready() {
	s.t.Helper()
	s.until("the catalog is there", func() bool {
		resp, _ := s.get("/health", "")
		return resp.StatusCode == http.StatusOK
	})
}

func (s *server) until(what string, ok func() bool) {
	s.t.Helper()
	for end := time.Now().Add(15 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("waited in vain until %s; log:\n%s", what, s.logged(""))
		}
	}
}

// logged gives the lines of the log that contain a text.
func (s *server) logged(text string) (lines []string) {
	f, err := os.Open(s.log)
	if err != nil {
		return nil
	}
	defer f.Close()
	for sc := bufio.NewScanner(f); sc.Scan(); {
		if strings.Contains(sc.Text(), text) {
			lines = append(lines, sc.Text())
		}
	}
	return lines
}

// plain is a site on the depot's root with a few options.
func (d *depot) plain(options string) string {
	return fmt.Sprintf("root * %s\nmirrorbrain {\nhealth /health\nretry off\n%s\n}\nfile_server", d.root, options)
}

func TestServer(t *testing.T) {
	for name, open := range map[string]func(testing.TB) *depot{
		"sqlite": newDepot,
		"postgresql": func(tb testing.TB) *depot {
			tb.Helper()
			return openDepot(tb, pgtest.New(tb))
		},
	} {
		t.Run(name, func(t *testing.T) { testServer(t, open(t)) })
	}
}

func testServer(t *testing.T, d *depot) {
	t.Helper()
	odd := "odd/\xfe\xff %20?#&.bin"
	d.file("a/file.bin", odd, "a/local.bin")
	d.mirror(mirror.Mirror{Name: "de", Place: germany}, "a/file.bin", odd)
	d.mirror(mirror.Mirror{Name: "us", Place: usa}, "a/file.bin", odd)
	d.prefixes(store.Prefix{Prefix: prefix("192.0.2.0/24"), ASN: 64500})
	city, asn := geo(t)
	s := newServer(t)
	s.load(fmt.Sprintf("database %s\ngeoip %s\ngeoip_asn %s\nnode testnode", d.url, city, asn), d.plain("")+"\nlog_append asked {http.mirrorbrain.mirror}")
	s.ready()
	s.until("the AS table is there", func() bool { return databaseOf(t).prefixes.Load().Len() == 1 })

	s.wants("/a/file.bin", "192.0.2.1", 302, "http://de.example/pub/a/file.bin")
	s.wants("/a/file.bin", "198.51.100.1", 302, "http://us.example/pub/a/file.bin")
	s.wants("/a/file.bin?country=us&x=y", "192.0.2.1", 302, "http://us.example/pub/a/file.bin")
	s.wants("/"+mirror.EscapePath(odd), "192.0.2.1", 302, "http://de.example/pub/"+mirror.EscapePath(odd))
	s.wants("/none", "192.0.2.1", 404, "")
	s.wants("/a", "192.0.2.1", 404, "")
	if resp, body := s.get("/a/local.bin", "192.0.2.1"); resp.StatusCode != http.StatusOK || len(body) != fileSize || resp.Header.Get("X-MirrorBrain-Mirror") != "" {
		t.Errorf("local file: %d, %d bytes, %v", resp.StatusCode, len(body), resp.Header)
	}
	resp, body, err := s.do(http.MethodHead, "/a/file.bin", "192.0.2.1")
	if err != nil || resp.StatusCode != http.StatusFound || body != "" || resp.ContentLength > 0 {
		t.Errorf("HEAD: %v %v %q", err, resp, body)
	}
	if resp, body := s.get("/a/file.bin", "192.0.2.1"); resp.ContentLength != 0 || body != "" || len(resp.Header["Link"]) != 3 {
		t.Errorf("a redirect with a body of %d bytes and Link %v", resp.ContentLength, resp.Header["Link"])
	}

	checkAccessLog(t, s)
	_, metrics := s.get("/metrics", "")
	for _, want := range []string{
		`caddy_mirrorbrain_requests_total{instance="default",realm="country",reason="mirror",result="redirect"} `,
		`caddy_mirrorbrain_mirror_redirects_total{instance="default",mirror="us"} `,
		`caddy_mirrorbrain_catalog_files{instance="default"} 3`,
		`caddy_mirrorbrain_catalog_mirrors{instance="default"} 2`,
		`caddy_mirrorbrain_catalog_ready{instance="default"} 1`,
		`caddy_mirrorbrain_prefixes{instance="default"} 1`,
		`caddy_mirrorbrain_catalog_age_seconds{instance="default"} `,
	} {
		if !strings.Contains(metrics, "\n"+want) {
			t.Errorf("metrics lack %s", want)
		}
	}

	s.until("the node is in the database", func() bool {
		nodes, err := d.store.Nodes(context.Background())
		if err != nil || len(nodes) != 1 {
			return false
		}
		n := nodes[0]
		if n.Name != "testnode" || !strings.Contains(n.Settings, `"min_size":4096`) || !strings.Contains(n.Settings, city) || strings.Contains(n.Settings, d.url) {
			t.Fatalf("node %+v", n)
		}
		return true
	})
	s.until("the node has recorded the states of the mirrors", func() bool {
		list, _, err := d.store.Status(context.Background(), mirror.DefaultMaxScanAge)
		return err == nil && len(list) == 2 && !list[0].State.Since.IsZero() && !list[1].State.Since.IsZero()
	})

	// A mirror switched off stops receiving without a reload.
	list, err := d.store.Mirrors(context.Background())
	d.must(err)
	_, err = d.store.UpdateMirror(context.Background(), list[0].ID, "test", "disable", func(m *mirror.Mirror) error { m.Enabled = false; return nil })
	d.must(err)
	s.until("the mirror receives no more", func() bool {
		resp, _ := s.get("/a/file.bin", "192.0.2.1")
		return resp.Header.Get("X-MirrorBrain-Mirror") == "us"
	})
}

func checkAccessLog(t *testing.T, s *server) {
	t.Helper()
	var line string
	s.until("the access log is written", func() bool {
		for _, l := range s.logged(`"uri":"/a/file.bin"`) {
			if line = l; strings.Contains(l, "handled request") {
				return true
			}
		}
		return false
	})
	var entry struct {
		Asked       string
		Mirrorbrain map[string]any
	}
	if err := json.Unmarshal([]byte(line), &entry); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]any{
		"result": "redirect", "reason": "mirror", "mirror": "de", "realm": "country", "country": "de",
		"continent": "eu", "asn": 64500.0, "prefix": "192.0.2.0/24", "representation": "redirect",
	} {
		if got := entry.Mirrorbrain[name]; got != want {
			t.Errorf("log field %s is %v, want %v", name, got, want)
		}
	}
	if entry.Asked != "de" {
		t.Errorf("log_append: %q", entry.Asked)
	}
	checkLogReader(t, s)
}

// checkLogReader reads the log as mbctl simulate does.
func checkLogReader(t *testing.T, s *server) {
	t.Helper()
	f, err := os.Open(s.log)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := accesslog.NewReader(f, s.log, accesslog.Options{})
	if err != nil || r.Format() != accesslog.Caddy {
		t.Fatalf("the log is taken for %v: %v", r.Format(), err)
	}
	var e accesslog.Entry
	for err = r.Next(&e); err == nil && e.Path != "/a/file.bin"; err = r.Next(&e) {
	}
	if err != nil || r.Counts().Bad > 0 {
		t.Fatalf("%v, %+v", err, r.Counts())
	}
	if e.Addr.String() != "192.0.2.1" || e.Method != http.MethodGet || e.Status != http.StatusFound || e.Scheme != "http" || time.Since(e.Time) > time.Hour ||
		!e.Logged || e.Mirror != "de" || e.Realm != "country" || e.Country != "de" || e.Continent != "eu" || e.ASN != 64500 || e.Document || e.Fallback {
		t.Errorf("the entry is %+v", e)
	}
}

func TestChangedFile(t *testing.T) {
	d := newDepot(t)
	d.file("f.bin", "gone.bin")
	d.mirror(mirror.Mirror{Name: "m"}, "f.bin", "gone.bin")
	s := newServer(t)
	s.load("database "+d.url, d.plain("check_file 50ms"))
	s.ready()
	s.wants("/f.bin", "", 302, "http://m.example/pub/f.bin")
	s.wants("/gone.bin", "", 302, "http://m.example/pub/gone.bin")

	path := filepath.Join(d.root, "f.bin")
	later := someTime.Add(time.Microsecond)
	d.must(os.Chtimes(path, later, later))
	d.must(os.Remove(filepath.Join(d.root, "gone.bin")))
	time.Sleep(60 * time.Millisecond)
	s.wants("/f.bin", "", 200, "")
	s.wants("/gone.bin", "", 404, "")

	d.write("f.bin", fileSize+1)
	time.Sleep(60 * time.Millisecond)
	if _, body := s.get("/f.bin", ""); len(body) != fileSize+1 {
		t.Errorf("%d bytes of the changed file", len(body))
	}
	d.write("f.bin", fileSize)
	time.Sleep(60 * time.Millisecond)
	s.wants("/f.bin", "", 302, "http://m.example/pub/f.bin")

	s.load("database "+d.url, d.plain("check_file off"))
	d.write("f.bin", 1)
	s.wants("/f.bin", "", 302, "http://m.example/pub/f.bin")
}

// A disk that hangs, and a root that is missing, delay nothing.
func TestHungDisk(t *testing.T) {
	d := newDepot(t)
	d.file("a/f.bin", "b/f.bin", "c/d/f.bin")
	d.mirror(mirror.Mirror{Name: "m"}, "a/f.bin", "b/f.bin", "c/d/f.bin")
	disk := fusetest.Mount(t, d.root)
	s := newServer(t)
	d.root = disk.Dir
	s.load("database "+d.url, d.plain("check_file 10ms"))
	s.ready()
	s.wants("/a/f.bin", "", 302, "http://m.example/pub/a/f.bin")

	disk.Hang()
	var wg sync.WaitGroup
	var slowest atomic.Int64
	for i := range 200 {
		wg.Go(func() {
			path := []string{"/a/f.bin", "/b/f.bin", "/c/d/f.bin"}[i%3]
			start := time.Now()
			resp, _, err := s.do(http.MethodGet, path, "")
			if err != nil || resp.StatusCode != http.StatusFound {
				t.Errorf("%s: %v %v", path, resp, err)
			}
			if d := int64(time.Since(start)); d > slowest.Load() {
				slowest.Store(d)
			}
		})
	}
	wg.Wait()
	if d := time.Duration(slowest.Load()); d > 5*time.Second {
		t.Errorf("the slowest request took %s", d)
	}
	if n := len(s.logged("the disk does not answer")); n != 1 {
		t.Errorf("the hung disk was logged %d times", n)
	}
	// Nor does it stop a reload.
	s.load("database "+d.url, d.plain("check_file 20ms"))
	s.wants("/b/f.bin", "", 302, "http://m.example/pub/b/f.bin")
	disk.Answer()
}

func TestMissingRoot(t *testing.T) {
	d := newDepot(t)
	d.index(fileSize, "f.bin", "nowhere.bin")
	d.mirror(mirror.Mirror{Name: "m"}, "f.bin")
	d.root += "/none"
	s := newServer(t)
	s.load("database "+d.url, d.plain("check_file 1ms"))
	s.ready()
	for range 3 {
		s.wants("/f.bin", "", 302, "http://m.example/pub/f.bin")
		s.wants("/nowhere.bin", "", 404, "")
		time.Sleep(2 * time.Millisecond)
	}
	if n := len(s.logged("local root is missing")); n != 1 {
		t.Errorf("the missing root was logged %d times", n)
	}
}

func TestDatabaseDown(t *testing.T) {
	d := newDepot(t)
	d.file("f.bin")
	d.mirror(mirror.Mirror{Name: "m"}, "f.bin")
	s := newServer(t)
	app := "database postgres://nobody:pw@127.0.0.1:1/none"
	s.load(app, d.plain(""))
	s.wants("/health", "", 503, "")
	s.wants("/f.bin", "", 200, "")
	s.load(app, d.plain("not_ready 503"))
	s.wants("/f.bin", "", 503, "")
	s.load(app, d.plain("not_ready fallback\nfallback http://fb.example/"))
	s.wants("/f.bin", "", 302, "http://fb.example/f.bin")
	s.until("the failure is logged", func() bool { return len(s.logged("database does not answer")) > 0 })
	for _, l := range s.logged("nobody") {
		if strings.Contains(l, ":pw@") {
			t.Errorf("the log shows the password: %s", l)
		}
	}

	// With a catalog on disk, the server redirects although the database is away.
	s.load("database "+d.url, d.plain(""))
	s.ready()
	s.wants("/f.bin", "", 302, "http://m.example/pub/f.bin")
	db := databaseOf(t)
	s.load(app, d.plain(""))
	s.until("the catalog is written", func() bool {
		_, err := os.Stat(db.file)
		return err == nil
	})
	d.must(d.store.Close())
	file := strings.TrimPrefix(d.url, "sqlite://")
	s.until("the database is closed", func() bool { return db.store.Close() == nil && os.Rename(file, file+".away") == nil })
	d.must(os.Mkdir(file, 0o755))
	s.load("database "+d.url, d.plain(""))
	s.ready()
	s.wants("/f.bin", "", 302, "http://m.example/pub/f.bin")
}

// databaseOf gives the database of the running configuration.
func databaseOf(t testing.TB) *database {
	t.Helper()
	app := running.last()
	if app == nil {
		t.Fatal("no app is running")
	}
	return app.instances[defaultInstance].db
}

func TestValidateWithoutDatabase(t *testing.T) {
	d := &depot{t: t, root: t.TempDir()}
	s := newServer(t)
	file := filepath.Join(t.TempDir(), "not.db")
	before := settled()
	for _, url := range []string{"postgres://nobody@127.0.0.1:1/none", "sqlite://" + file} {
		var cfg caddy.Config
		if err := json.Unmarshal(s.config("database "+url, d.plain("")), &cfg); err != nil {
			t.Fatal(err)
		}
		cfg.Logging = nil
		if err := caddy.Validate(&cfg); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("validating has made a database")
	}
	if after := settled(); after > before+2 {
		t.Errorf("%d goroutines, %d before", after, before)
	}
	databases.Range(func(key, _ any) bool {
		t.Errorf("%v is still in the pool", key)
		return true
	})
}

func TestUntrustedProxyIsNoticed(t *testing.T) {
	d := newDepot(t)
	d.file("f.bin")
	s := newServer(t)
	cfg := bytes.Replace(s.config("database "+d.url, d.plain("")), []byte("127.0.0.1/32"), []byte("192.0.2.1/32"), 1)
	d.must(caddy.Load(cfg, true))
	for range 3 * forwardedRound {
		s.get("/f.bin", "198.51.100.1")
	}
	lines := s.logged("most requests come from one peer")
	if len(lines) != 1 || !strings.Contains(lines[0], "trusted_proxies static 127.0.0.1") {
		t.Errorf("logged %q", lines)
	}
}
