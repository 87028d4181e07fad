package e2e

import (
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/mirrortest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/rsynctest"
)

// world adds a mirror of every kind to a site with a full tree.
func (s *site) world() {
	s.t.Helper()
	// Germany: complete, by rsync. It serves names that others cannot list.
	s.addMirror("berlin", germany)

	// USA: Apache, listed by FTP, one folder missing.
	dir := s.copyOf("newyork")
	check(s.t, os.RemoveAll(filepath.Join(dir, "pool", "b")))
	web := mirrortest.Apache(s.t, dir, mirrortest.Options{Host: usa})
	s.must("new", "newyork", "-H", web.URL, "-F", mirrortest.Vsftpd(s.t, dir, mirrortest.Options{Host: usa}).URL)

	// Japan: nothing but its web server's index pages.
	s.must("new", "tokyo", "-H", mirrortest.Nginx(s.t, s.copyOf("tokyo"), mirrortest.Options{Host: japan}).URL)

	// France: lighttpd, rsync behind a password, stale in part.
	dir = s.copyOf("paris")
	for i := range 50 {
		putSeed(s.t, dir, fmt.Sprintf("pool/c/pkg-02/file-%d.rpm", i), "old", 777, aTime)
	}
	for _, path := range unspeakable(s.t, dir) { // lighttpd refuses to serve these
		check(s.t, os.RemoveAll(filepath.Join(dir, path)))
	}
	web = mirrortest.Lighttpd(s.t, dir, mirrortest.Options{Host: france})
	daemon := rsynctest.StartConfig(s.t, rsynctest.Config{Address: france, Modules: []rsynctest.Module{
		{Name: "secret", Path: dir, Users: map[string]string{"scanner": "pa ss@word"}},
		{Name: "other", Path: s.dir},
	}})
	s.must("new", "paris", "-H", web.URL, "-R", daemon.UserURL("secret", "scanner", "pa%20ss%40word"))

	// A campus for its AS only, and a cache in a prefix.
	dir = s.copyOf("campus")
	s.must("new", "campus", "-H", s.caddyMirror(campus, dir), "-R", rsyncd(s.t, campus, dir).URL("pub"), "--as-only")
	s.must("new", "cache", "-H", s.caddyMirror(campus, dir), "--prefix", "192.0.2.248/29", "--prefix-only")
	s.must("scan", "--all", "--enable", "-j", "3")
}

// unspeakable gives the paths below dir with control characters or bytes that
// are not UTF-8.
func unspeakable(t testing.TB, dir string) (paths []string) {
	t.Helper()
	check(t, filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := e.Name(); !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) {
			rel, _ := filepath.Rel(dir, p) // p is below dir
			paths = append(paths, rel)
			if e.IsDir() {
				return fs.SkipDir
			}
		}
		return nil
	}))
	return paths
}

// TestDeliver asks for every file as every client, and compares what the
// mirror delivers with the origin.
func TestDeliver(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, database string) {
		s := newSite(t, settings{database: database})
		files := grow(t, s.root)
		hidden := growOdd(t, s.root)
		s.importAS()
		out := s.must("index", s.root)
		t.Log(out)
		s.world()
		t.Log(s.must("list", "--all"))
		s.start()
		s.follows()

		clients := map[string]string{inGermany: "berlin", inUSA: "newyork", inJapan: "tokyo", inAS: "campus", inPrefix: "cache", over6: "", nowhere: "", inAustria: ""}
		everywhere := slices.Sorted(func(yield func(string) bool) {
			for ip := range clients {
				if !yield(ip) {
					return
				}
			}
		})
		d := &delivery{s: s, sent: map[string]map[string]int{}}
		var jobs []job
		for i, path := range files {
			ips := everywhere[i%len(everywhere):][:1]
			if !strings.HasPrefix(path, "pool/") {
				ips = everywhere
			}
			for _, ip := range ips {
				jobs = append(jobs, job{path, path, ip})
			}
		}
		for path, target := range links {
			jobs = append(jobs, job{path, target, inGermany}, job{path, target, inJapan})
		}
		d.all(jobs)
		for ip, mirror := range clients {
			if mirror != "" && d.sent[ip][mirror] < 100 {
				t.Errorf("client %s was sent to %v, most should be %s", ip, d.sent[ip], mirror)
			}
			if d.sent[ip]["campus"] > 0 && ip != inAS && ip != inPrefix || d.sent[ip]["cache"] > 0 && ip != inPrefix {
				t.Errorf("client %s was sent to a mirror reserved for others: %v", ip, d.sent[ip])
			}
		}
		t.Logf("sent: %v", d.sent)
		for _, path := range hidden {
			if a := s.get(path, inGermany); a.location != "" {
				t.Errorf("%q is not published, but sent to %s", path, a.location)
			}
		}
		for _, path := range files {
			inFrance := s.request(http.MethodGet, escape(path)+"?country=fr", nowhere).mirror
			switch stale := strings.HasPrefix(path, "pool/c/pkg-02/"); {
			case stale && inFrance == "paris":
				t.Errorf("%q: sent to a mirror with a stale copy", path)
			case !stale && strings.HasPrefix(path, "pool/") && inFrance != "paris":
				t.Errorf("%q: a client in France is sent to %s", path, inFrance)
			}
		}
	})
}

type job struct{ path, target, ip string }

// delivery follows redirects and compares.
type delivery struct {
	s    *site
	mu   sync.Mutex
	sent map[string]map[string]int // by client, by mirror
	errs int
}

func (d *delivery) all(jobs []job) {
	d.s.t.Helper()
	work := make(chan job)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for j := range work {
				if err := d.one(j); err != nil {
					d.mu.Lock()
					if d.errs++; d.errs < 20 {
						d.s.t.Errorf("%q for %s: %v", j.path, j.ip, err)
					}
					d.mu.Unlock()
				}
			}
		})
	}
	for _, j := range jobs {
		work <- j
	}
	close(work)
	wg.Wait()
}

func (d *delivery) one(j job) error {
	a, err := d.s.ask(http.MethodGet, escape(j.path), j.ip)
	if err != nil {
		return err
	}
	d.mu.Lock()
	if d.sent[j.ip] == nil {
		d.sent[j.ip] = map[string]int{}
	}
	d.sent[j.ip][a.mirror]++
	d.mu.Unlock()
	name := filepath.Join(d.s.root, j.target)
	if j.ip == over6 {
		if a.location != "" {
			return fmt.Errorf("sent to %s, which is not on IPv6", a.location)
		}
		return nil
	}
	if strings.HasSuffix(j.target, "big.iso") || strings.HasSuffix(j.target, "big 2.iso") {
		return compareEnd(a, name)
	}
	want, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	body := a.body
	switch {
	case a.status == http.StatusFound:
		resp, err := client.Get(a.location)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("%s: status %d", a.location, resp.StatusCode)
		}
		if body, err = io.ReadAll(resp.Body); err != nil {
			return fmt.Errorf("%s: %w", a.location, err)
		}
	case a.status != http.StatusOK:
		return fmt.Errorf("status %d", a.status)
	}
	if sha256.Sum256(body) != sha256.Sum256(want) {
		return fmt.Errorf("%d bytes from %q differ from the origin's %d", len(body), a.location, len(want))
	}
	return nil
}

// compareEnd compares size and last bytes of a file that is too large to read.
func compareEnd(a answer, name string) error {
	if a.status != http.StatusFound {
		return fmt.Errorf("status %d, want a redirect", a.status)
	}
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	want := make([]byte, 100)
	if _, err := f.ReadAt(want, bigSize-100); err != nil {
		return err
	}
	req, err := http.NewRequest(http.MethodGet, a.location, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Range", fmt.Sprintf("bytes=%d-", bigSize-100))
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(io.LimitReader(resp.Body, 1000))
	switch {
	case err != nil:
		return err
	case resp.StatusCode != http.StatusPartialContent || resp.Header.Get("Content-Range") != fmt.Sprintf("bytes %d-%d/%d", bigSize-100, bigSize-1, bigSize):
		return fmt.Errorf("%s: status %d, %q", a.location, resp.StatusCode, resp.Header.Get("Content-Range"))
	case string(got) != string(want):
		return fmt.Errorf("%s: the end differs", a.location)
	}
	return nil
}
