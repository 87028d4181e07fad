package checkup

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/mirrortest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/rsynctest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/scanner"
)

var when = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

const (
	small = "read this\n"
	huge  = 5 << 30 // sparse
)

// tree makes a mirror's folder.
func tree(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "project/trace"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, size := range map[string]int64{"readme": 0, "a.tar.gz": 100, "huge.iso": huge, "project/trace/origin": 5} {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(small), 0o644); err != nil {
			t.Fatal(err)
		}
		if size > 0 {
			if err := os.Truncate(name, size); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chtimes(name, when, when); err != nil {
			t.Fatal(err)
		}
	}
	mirrortest.Readable(t, dir)
	return dir
}

// subject is what the database would say of a mirror that has the tree.
func subject(base string) Subject {
	sum := sha256.Sum256([]byte(small))
	file := func(id mirror.FileID, name string, size int64) Sample {
		return Sample{Path: name, Version: mirror.Version{ID: id, Size: size, MTime: when.UnixNano(), Precision: time.Nanosecond, Seen: 1}}
	}
	readme, gz, iso, trace := file(1, "readme", int64(len(small))), file(2, "a.tar.gz", 100), file(3, "huge.iso", huge), file(4, "project/trace/origin", 5)
	readme.SHA256 = &sum
	return Subject{
		Mirror: mirror.Mirror{
			Name: "m", HTTP: []string{base}, Score: 100, Enabled: true, Families: mirror.IPv4,
			Scan: mirror.ScanState{Succeeded: time.Now().Add(-time.Hour), Protocol: "rsync", Held: 4},
		},
		Held: 4, Carried: 4,
		Files: []Sample{readme, gz, iso, trace}, Small: &readme, Gzip: &gz, Large: [2]Sample{iso, iso}, Trace: &trace,
	}
}

// options let the server at base seem to be at a public address.
func options(s *Subject) Options {
	client, err := scanner.NewClient(&s.Mirror, 20*time.Second)
	if err != nil {
		panic(err) // only for the settings of a test
	}
	return Options{
		Client: client, MaxScanAge: mirror.DefaultMaxScanAge,
		Resolve: func(context.Context, string) ([]netip.Addr, error) {
			return []netip.Addr{netip.MustParseAddr("198.41.0.7")}, nil
		},
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			_, port, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			return (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
		},
	}
}

// serve serves a folder as Apache does, with index pages that name files.
func serve(dir string) http.Handler {
	files := http.FileServer(http.Dir(dir))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/") {
			files.ServeHTTP(w, r)
			return
		}
		entries, err := os.ReadDir(filepath.Join(dir, filepath.FromSlash(path.Clean(r.URL.Path))))
		if err != nil {
			http.NotFound(w, r)
			return
		}
		fmt.Fprintf(w, "<html><head><title>Index of %[1]s</title></head><body><h1>Index of %[1]s</h1><ul>\n", r.URL.Path)
		for _, e := range entries {
			name := e.Name()
			if e.IsDir() {
				name += "/"
			}
			fmt.Fprintf(w, "<li><a href=\"%[1]s\"> %[1]s</a></li>\n", name)
		}
		fmt.Fprintln(w, "</ul></body></html>")
	})
}

// expect looks for findings: "RESULT check: part of what was found".
func expect(t *testing.T, all []Finding, want ...string) {
	t.Helper()
	for _, w := range want {
		result, rest, _ := strings.Cut(w, " ")
		check, what, _ := strings.Cut(rest, ": ")
		if !slices.ContainsFunc(all, func(f Finding) bool {
			return f.Check == check && string(f.Result) == result && strings.Contains(f.What, what)
		}) {
			t.Errorf("no finding %q", w)
		}
	}
	if t.Failed() {
		for _, f := range all {
			t.Logf("%s %s %s: %s -> %s", f.Result, f.Check, f.About, f.What, f.Mend)
		}
	}
	for _, f := range all {
		if (f.Result == Warn || f.Result == Fail) != (f.Mend != "") {
			t.Errorf("%s %s: mend is %q", f.Result, f.Check, f.Mend)
		}
		if f.What == "" {
			t.Errorf("%s %s: says nothing", f.Result, f.Check)
		}
	}
}

func TestGoodMirror(t *testing.T) {
	t.Parallel()
	dir := tree(t)
	web := httptest.NewServer(serve(dir))
	t.Cleanup(web.Close)
	daemon := rsynctest.Start(t, rsynctest.Module{Name: "pub", Path: dir})
	s := subject(web.URL + "/")
	s.Mirror.Rsync = fmt.Sprintf("rsync://%s:%d/pub/", daemon.Address, daemon.Port)
	s.Mirror.FTP = mirrortest.GoFTP(t, dir).URL
	all := Run(t.Context(), s, options(&s))
	expect(t, all,
		"OK state: takes requests", "OK last scan: 60 min ago by rsync", "OK files held: 4 of 4", "OK DNS: 198.41.0.7",
		"OK connect by IPv4: in ", "OK redirects: none", "OK clock: right", "OK index page: lists", "OK missing file: status 404",
		"OK held files: 4 of 4", "OK content: equal", "OK headers: ", "OK ranges: bytes 0-9", "OK ranges beyond 2 GiB: bytes 2147483648-2147483657",
		"OK ranges beyond 4 GiB: ", "OK compressed file: ", "OK trace file: as new as", "OK rsync greeting: protocol", "OK rsync listing: lists",
		"OK FTP login and listing: lists")
	if Worst(all) != OK {
		t.Errorf("the worst is %s", Worst(all))
	}
}

func TestBadWeb(t *testing.T) {
	t.Parallel()
	dir := tree(t)
	good := serve(dir)
	other := httptest.NewServer(good)
	t.Cleanup(other.Close)
	elsewhere, err := url.Parse(other.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name  string
		serve http.HandlerFunc
		edit  func(*Subject)
		want  []string
	}{
		{"soft page", func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.Path, "no-such") {
				io.WriteString(w, "sorry")
				return
			}
			good.ServeHTTP(w, r)
		}, nil, []string{"FAIL missing file: status 200", "OK held files: "}},
		{"forbidden", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }, nil, []string{
			"WARN missing file: status 403", "FAIL held files: HTTP status 403", "FAIL content: 403", "SKIP headers: ", "SKIP compressed file: ",
			"WARN ranges: 403", "FAIL ranges beyond 4 GiB: 403", "WARN trace file: 403", "FAIL index page: ",
		}},
		{"other sizes", good.ServeHTTP, func(s *Subject) { s.Files[1].Version.Size = 7 }, []string{"FAIL held files: 3 of 4", "FAIL held files: 100 bytes instead of 7"}},
		{"older", good.ServeHTTP, func(s *Subject) { s.Files[1].Version.MTime += int64(time.Hour) }, []string{"FAIL held files: older than the origin's"}},
		{"older, but as it was once", good.ServeHTTP, func(s *Subject) {
			s.Files[1].Earlier = []mirror.Version{s.Files[1].Version}
			s.Files[1].Version.MTime += int64(time.Hour)
		}, []string{"OK held files: 4 of 4"}},
		{"other bytes", good.ServeHTTP, func(s *Subject) { s.Small.SHA256 = &[32]byte{1} }, []string{"FAIL content: SHA-256 differs (10 bytes read)"}},
		{"no ranges", func(w http.ResponseWriter, r *http.Request) {
			r.Header.Del("Range")
			if r.URL.Path == "/huge.iso" && r.Method == http.MethodGet {
				w.WriteHeader(http.StatusOK)
				return
			}
			good.ServeHTTP(w, r)
		}, nil, []string{"WARN ranges: status 200", "FAIL ranges beyond 2 GiB: status 200"}},
		{"31 bits", func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.Header.Get("Range"), "bytes=4") {
				w.Header().Set("Content-Range", "bytes 0-9/"+fmt.Sprint(int64(huge)))
				w.WriteHeader(http.StatusPartialContent)
				io.WriteString(w, "0123456789")
				return
			}
			good.ServeHTTP(w, r)
		}, nil, []string{"OK ranges beyond 2 GiB: ", "FAIL ranges beyond 4 GiB: Content-Range is"}},
		{"short range", func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.Header.Get("Range"), "bytes=4") {
				w.Header().Set("Content-Range", fmt.Sprintf("bytes 4294967296-4294967305/%d", int64(huge)))
				w.WriteHeader(http.StatusPartialContent)
				return
			}
			good.ServeHTTP(w, r)
		}, nil, []string{"FAIL ranges beyond 4 GiB: 0 bytes came"}},
		{"clock", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Date", time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat))
			good.ServeHTTP(w, r)
		}, nil, []string{"WARN clock: 60 min behind"}},
		{"encoded", func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, ".gz") {
				w.Header().Set("Content-Encoding", "x-gzip")
			}
			good.ServeHTTP(w, r)
		}, nil, []string{"WARN compressed file: x-gzip"}},
		{"bare", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "10")
			w.WriteHeader(http.StatusOK)
		}, nil, []string{"WARN headers: lacks Last-Modified and Accept-Ranges: bytes", "SKIP trace file: does not tell"}},
		{"leads elsewhere", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://localhost:"+elsewhere.Port()+r.URL.Path, http.StatusFound)
		}, nil, []string{"FAIL redirects: leads to http://localhost", "FAIL held files: ", "WARN missing file: redirects to"}},
		{"leads to its own other port", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL+r.URL.Path, http.StatusFound)
		}, nil, []string{"WARN redirects: leads to http://127.0.0.1", "OK held files: "}},
		{"leads in a circle", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.Path, http.StatusFound)
		}, nil, []string{"FAIL redirects: more than 10 redirects"}},
		{"no index", func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/" {
				http.NotFound(w, r)
				return
			}
			good.ServeHTTP(w, r)
		}, nil, []string{"FAIL index page: ", "OK held files: "}},
		{"behind", good.ServeHTTP, func(s *Subject) { s.Trace.Version.MTime += int64(72 * time.Hour) }, []string{"WARN trace file: 3 days behind the origin's"}},
		{"far behind", good.ServeHTTP, func(s *Subject) { s.Trace.Version.MTime += int64(1000 * time.Hour) }, []string{"FAIL trace file: 42 days behind"}},
		{"trace of its own", good.ServeHTTP, func(s *Subject) { s.Trace.Version = mirror.Version{} }, []string{"FAIL trace file: days old"}},
		{"no trace", good.ServeHTTP, func(s *Subject) { s.Trace.Path = "none" }, []string{"WARN trace file: the mirror has none"}},
		{"trace not known", good.ServeHTTP, func(s *Subject) { s.Trace = nil }, []string{"SKIP trace file: the index has none"}},
		{"nothing held", good.ServeHTTP, func(s *Subject) {
			*s = Subject{Mirror: s.Mirror, Carried: 9}
		}, []string{"FAIL files held: 0 of 9", "SKIP held files: ", "SKIP content: ", "SKIP ranges beyond 2 GiB: "}},
		{"a part of the tree", good.ServeHTTP, func(s *Subject) { s.Mirror.Subtree = "project" }, []string{"OK last scan: ", "SKIP content: ", "SKIP ranges beyond 2 GiB: not in its part"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			web := httptest.NewServer(test.serve)
			t.Cleanup(web.Close)
			s := subject(web.URL + "/")
			if test.edit != nil {
				test.edit(&s)
			}
			expect(t, Run(t.Context(), s, options(&s)), test.want...)
		})
	}
}

// A server that hangs costs the time that it is given, and says nothing.
func TestHangs(t *testing.T) {
	t.Parallel()
	web := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(web.Close)
	s := subject(web.URL + "/")
	o := options(&s)
	o.Timeout = 300 * time.Millisecond
	expect(t, Run(t.Context(), s, o), "FAIL redirects: no answer in time", "FAIL held files: 0 of 4", "SKIP missing file: no answer in time", "SKIP clock: no answer",
		"FAIL index page: ", "FAIL content: ", "FAIL ranges beyond 2 GiB: no answer in time", "WARN trace file: ")
}

func TestTLS(t *testing.T) {
	t.Parallel()
	web := httptest.NewUnstartedServer(serve(tree(t)))
	web.Config.ErrorLog = log.New(io.Discard, "", 0) // clients leave in the middle here
	web.StartTLS()
	t.Cleanup(web.Close)
	at, err := url.Parse(web.URL)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(web.Certificate())
	end := web.Certificate().NotAfter
	for _, test := range []struct {
		name, host string
		roots      *x509.CertPool
		now        time.Time
		want, mend string
	}{
		{"good", "example.com", roots, time.Time{}, "OK TLS: valid for example.com until " + end.UTC().Format(time.DateOnly), ""},
		{"soon over", "example.com", roots, end.Add(-3 * 24 * time.Hour), "WARN TLS: 3 days left", "renewed"},
		{"expired", "example.com", roots, end.Add(time.Hour), "FAIL TLS: expired", "has expired"},
		{"other name", "mirror.example", roots, time.Time{}, "FAIL TLS: ", "other names"},
		{"unknown authority", "example.com", x509.NewCertPool(), time.Time{}, "FAIL TLS: ", "unknown authority"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := subject("https://" + test.host + ":" + at.Port() + "/")
			o := options(&s)
			o.Timeout = 5 * time.Second
			o.TLS = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: test.roots}
			if !test.now.IsZero() {
				o.Now = func() time.Time { return test.now }
				o.TLS.Time = o.Now
			}
			c := &checker{Subject: s, o: o.withDefaults()}
			all := c.certificates(t.Context(), s.Mirror.HTTP[0])
			expect(t, all, test.want)
			if len(all) != 1 || !strings.Contains(all[0].Mend, test.mend) {
				t.Errorf("mend %q", all[0].Mend)
			}
		})
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		addrs []string
		err   error
		want  string
	}{
		{"one", []string{"198.41.0.7"}, nil, "OK DNS: 198.41.0.7"},
		{"none", nil, nil, "FAIL DNS: has no addresses"},
		{"error", nil, &net.DNSError{Err: "no such host", Name: "x", IsNotFound: true}, "FAIL DNS: no such host"},
		{"several", []string{"198.41.0.7", "198.41.0.8"}, nil, "WARN DNS: 198.41.0.7, 198.41.0.8"},
		{"private", []string{"10.0.0.1"}, nil, "WARN DNS: 10.0.0.1"},
		{"families", []string{"198.41.0.7", "2001:4860::1"}, nil, "WARN DNS: 2001:4860::1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := subject("http://mirror.example/")
			o := options(&s)
			o.Resolve = func(context.Context, string) (all []netip.Addr, err error) {
				for _, a := range test.addrs {
					all = append(all, netip.MustParseAddr(a))
				}
				return all, test.err
			}
			c := &checker{Subject: s, o: o.withDefaults()}
			expect(t, c.names(t.Context()), test.want)
		})
	}
}

// One address that does not answer is told for itself.
func TestConnects(t *testing.T) {
	t.Parallel()
	s := subject("http://mirror.example/")
	o := options(&s)
	o.Timeout = 200 * time.Millisecond
	o.Resolve = func(context.Context, string) ([]netip.Addr, error) {
		return []netip.Addr{netip.MustParseAddr("198.41.0.7"), netip.MustParseAddr("2001:4860::1")}, nil
	}
	o.Dial = func(ctx context.Context, _, address string) (net.Conn, error) {
		if strings.HasPrefix(address, "[") {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		a, b := net.Pipe()
		b.Close()
		return a, nil
	}
	c := &checker{Subject: s, o: o.withDefaults()}
	expect(t, c.connects(t.Context(), s.Mirror.HTTP[0]), "OK connect by IPv4: in", "FAIL connect by IPv6: no answer in time")
}

func TestBadListers(t *testing.T) {
	t.Parallel()
	dir := tree(t)
	daemon := rsynctest.Start(t, rsynctest.Module{Name: "pub", Path: dir, Users: map[string]string{"u": "p"}})
	guarded := mirrortest.GoFTP(t, dir, mirrortest.Options{User: "u", Password: "p"})
	chatter, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { chatter.Close() })
	go func() {
		for {
			conn, err := chatter.Accept()
			if err != nil {
				return
			}
			io.WriteString(conn, "SSH-2.0-x\x1b[2J\r\n")
			conn.Close()
		}
	}()
	s := subject("http://127.0.0.1:1/")
	o := options(&s)
	o.Timeout = 5 * time.Second
	c := &checker{Subject: s, o: o.withDefaults()}
	at := fmt.Sprintf("%s:%d", daemon.Address, daemon.Port)
	expect(t, c.greeting(t.Context(), "rsync://"+chatter.Addr().String()+"/pub/"), `FAIL rsync greeting: is no rsync daemon: it says "SSH-2.0-x\x1b[2J"`)
	expect(t, c.greeting(t.Context(), "rsync://127.0.0.1:1/pub/"), "FAIL rsync greeting: refused")
	expect(t, c.lists(t.Context(), "rsync://"+at+"/pub/"), "FAIL rsync listing: ")
	expect(t, c.lists(t.Context(), "rsync://"+at+"/none/"), "FAIL rsync listing: no such folder")
	expect(t, c.lists(t.Context(), guarded.URL), "FAIL FTP login and listing: logging in: the server says 530")
	expect(t, c.lists(t.Context(), "gopher://x/"), "FAIL listing: must begin with")
	expect(t, c.connects(t.Context(), "http://127.0.0.1:1/"), "FAIL connect by IPv4: refused")
}

func TestState(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for _, test := range []struct {
		name string
		edit func(*Subject)
		want []string
	}{
		{"disabled", func(s *Subject) { s.Mirror.Enabled = false }, []string{"WARN state: disabled: switched off"}},
		{"down", func(s *Subject) { s.Mirror.Probe = mirror.ProbeState{Down: true, Error: "refused"} }, []string{"FAIL state: refused"}},
		{"never scanned", func(s *Subject) { s.Mirror.Scan = mirror.ScanState{} }, []string{"FAIL state: never scanned", "WARN last scan: never"}},
		{"too old", func(s *Subject) { s.Mirror.Scan.Succeeded = now.Add(-1000 * time.Hour) }, []string{"FAIL state: scan too old", "WARN last scan: 42 days ago"}},
		{"failing", func(s *Subject) { s.Mirror.Scan.Error, s.Mirror.Scan.FailingSince = "no way", now }, []string{"FAIL last scan: no way"}},
		{"never succeeded", func(s *Subject) { s.Mirror.Scan = mirror.ScanState{Error: "no way", FailingSince: now} }, []string{"FAIL last scan: none has succeeded; failing"}},
		{"quota", func(s *Subject) { s.Mirror.Quota.Spent = true }, []string{"WARN state: quota spent"}},
		{"score", func(s *Subject) { s.Mirror.Score = 0 }, []string{"WARN state: score is 0"}},
		{"half", func(s *Subject) { s.Held = 2 }, []string{"WARN files held: 2 of 4 current ones (50.0%)"}},
		{"nothing to hold", func(s *Subject) { s.Held, s.Carried = 0, 0 }, []string{"FAIL files held: the index has no files"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := subject("http://mirror.example/")
			test.edit(&s)
			c := &checker{Subject: s, o: options(&s).withDefaults()}
			expect(t, c.database(t.Context()), test.want...)
		})
	}
}

// What a mirror's settings say of connections and ranges holds here, too.
func TestSettings(t *testing.T) {
	t.Parallel()
	web := httptest.NewServer(serve(tree(t)))
	t.Cleanup(web.Close)
	s := subject(web.URL + "/")
	s.Mirror.Rules.NoRangeCheck = true
	s.Mirror.S3 = "s3://"
	expect(t, Run(t.Context(), s, options(&s)), "SKIP ranges beyond 4 GiB: by the mirror's settings", "FAIL listing: ")
	o := options(&s)
	s.Mirror.Rules.Source = "nonsense"
	expect(t, Run(t.Context(), s, o), "FAIL settings: nonsense")
	s.Mirror.Rules.Source, s.Mirror.Rules.Proxy = "", "http://127.0.0.1:1"
	expect(t, Run(t.Context(), s, o), "SKIP connect: through a proxy")
}

// A folder that the mirror keeps elsewhere is asked for there.
func TestRenamed(t *testing.T) {
	t.Parallel()
	good := serve(tree(t))
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL.Path = strings.Replace(r.URL.Path, "/moved/", "/project/", 1)
		good.ServeHTTP(w, r)
	}))
	t.Cleanup(web.Close)
	s := subject(web.URL + "/")
	s.Mirror.Renames = []mirror.Rename{{Tree: "project", There: "moved"}}
	all := Run(t.Context(), s, options(&s))
	expect(t, all, "OK trace file: as new as", "OK held files: 4 of 4")
	if !slices.ContainsFunc(all, func(f Finding) bool { return strings.HasSuffix(f.About, "/moved/trace/origin") }) {
		t.Error("it was asked for elsewhere")
	}
}
