package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// load gives Caddy a configuration over its admin endpoint.
func (s *site) load(config string) (int, string) {
	s.t.Helper()
	var resp *http.Response
	var err error
	// A connection that waits at the admin endpoint of the configuration before
	// is reset by the kernel; the same load twice does no harm.
	for range 5 {
		if resp, err = http.Post("http://"+s.admin+"/load", "text/caddyfile", strings.NewReader(config)); err == nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	check(s.t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	check(s.t, err)
	return resp.StatusCode, string(body)
}

// TestReloadsUnderLoad: fifty reloads, some of which fail and some of which
// change the database, while clients ask without a pause.
func TestReloadsUnderLoad(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, database string) {
		s := newSite(t, settings{database: database})
		other := newSite(t, settings{})
		files := small(t, s.root, 50)
		for _, x := range []*site{s, other} {
			x.must("index", s.root)
		}
		dir := s.addMirror("berlin", germany)
		other.mirrorOf("other", germany, dir)
		s.start()
		s.follows()

		stop := make(chan struct{})
		var wg sync.WaitGroup
		var asked, local, failed, resets atomic.Int64
		for w := range 3 {
			wg.Go(func() {
				for i := w; ; i++ {
					select {
					case <-stop:
						return
					default:
					}
					a, err := s.ask(http.MethodGet, files[i%len(files)], inGermany)
					for range 5 {
						if err == nil {
							break
						}
						// Caddy opens a socket for each configuration, and the kernel resets
						// what waits at the old one: a new connection finds the new one.
						resets.Add(1)
						a, err = s.ask(http.MethodGet, files[i%len(files)], inGermany)
					}
					asked.Add(1)
					switch {
					case err != nil || a.status != http.StatusFound && a.status != http.StatusOK:
						if failed.Add(1) < 10 {
							t.Errorf("status %d, %v", a.status, err)
						}
					case a.status == http.StatusOK: // another database is not read yet
						local.Add(1)
					}
				}
			})
		}
		for i := range 50 {
			s.handler = fmt.Sprintf("duplicates %d", 1+i%5)
			config := s.caddyfile()
			want := http.StatusOK
			switch i % 10 {
			case 3: // fails to provision
				config, want = strings.Replace(config, "duplicates", "exclude_network nonsense\nduplicates", 1), http.StatusBadRequest
			case 6: // fails to start: nobody here has that address
				config, want = config+"\nhttp://192.0.2.1:8080 {\n\tbind 192.0.2.1\n\tmirrorbrain\n}\n", http.StatusBadRequest
			case 8:
				config = strings.Replace(config, "database "+s.database, "database "+other.database, 1)
			}
			if code, body := s.load(config); code != want {
				t.Errorf("reload %d: status %d, want %d: %s", i, code, want, body)
			}
		}
		code, body := s.load(s.caddyfile())
		if code != http.StatusOK {
			t.Fatal(body)
		}
		s.decides("after fifty reloads", files[0], inGermany, "berlin")
		s.must("disable", "berlin")
		s.decides("a change after fifty reloads", files[0], inGermany, "")
		close(stop)
		wg.Wait()
		t.Logf("%d requests, %d of them served from here, %d asked again", asked.Load(), local.Load(), resets.Load())
		if asked.Load() < 200 {
			t.Errorf("only %d requests", asked.Load())
		}
	})
}

// TestAccessLog: what was decided, and why, is in Caddy's own log.
func TestAccessLog(t *testing.T) {
	t.Parallel()
	s := newSite(t, settings{handler: "exclude_path *.txt\ndebug_from 203.0.113.0/25"})
	files := small(t, s.root, 10)
	put(t, s.root, "a.txt", 5000, aTime)
	put(t, s.root, "nobody.bin", 5000, aTime)
	put(t, s.root, "x.iso.asc", 5000, aTime)
	s.importAS()
	s.must("index", s.root)
	dir := s.copyOf("berlin")
	check(t, os.Remove(filepath.Join(dir, "nobody.bin")))
	s.mirrorOf("berlin", germany, dir)
	s.start()
	s.follows()
	for _, path := range []string{files[0], "a.txt", "nobody.bin", "x.iso.asc", "f/", "missing"} {
		s.get(path, inAS)
	}
	s.request(http.MethodGet, files[1]+"?country=us", inJapan)
	type entry struct {
		Request struct {
			URI string `json:"uri"`
		} `json:"request"`
		Mirrorbrain map[string]any `json:"mirrorbrain"`
	}
	log := map[string]map[string]any{}
	eventually(t, 5*time.Second, func() string {
		b, _ := os.ReadFile(filepath.Join(s.dir, "access.log"))
		for l := range strings.Lines(string(b)) {
			var e entry
			if err := json.Unmarshal([]byte(l), &e); err == nil {
				log[e.Request.URI] = e.Mirrorbrain
			}
		}
		if len(log) < 7 {
			return fmt.Sprintf("%d lines", len(log))
		}
		return ""
	})
	for uri, want := range map[string]string{
		"/" + files[0]:                 "redirect mirror berlin country de eu 64500 192.0.2.128/25",
		"/a.txt":                       "exempt exclude_path   de eu 64500 192.0.2.128/25",
		"/nobody.bin":                  "local no_mirror   de eu 64500 192.0.2.128/25",
		"/x.iso.asc":                   "exempt signature   de eu 64500 192.0.2.128/25",
		"/missing":                     "local not_indexed   de eu 64500 192.0.2.128/25",
		"/" + files[1] + "?country=us": "redirect mirror berlin world us na  ",
	} {
		got := fmt.Sprint(log[uri]["result"])
		for _, f := range []string{"reason", "mirror", "realm", "country", "continent", "asn", "prefix"} {
			v := log[uri][f]
			if v == nil {
				v = ""
			}
			got += " " + fmt.Sprint(v)
		}
		if got != want {
			t.Errorf("%s: logged %q, want %q", uri, got, want)
		}
	}
}

// TestTenAtOnce: ten processes begin with an empty database at the same moment.
func TestTenAtOnce(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, database string) {
		s := newSite(t, settings{database: database})
		small(t, s.root, 10)
		s.launch()
		var all []*command
		for i := range 10 {
			all = append(all, s.startMbctl("new", fmt.Sprintf("m%d", i), "-H", "http://127.0.0.1:1/", "-c", "de"))
		}
		for i, c := range all {
			if r := c.wait(t); r.code != 0 {
				t.Errorf("process %d: exit %d, %s", i, r.code, r.stderr)
			}
		}
		if out := s.must("list", "--all"); strings.Count(out, "\n") != 10 {
			t.Errorf("ten mirrors were added:\n%s", out)
		}
		s.must("index", s.root)
		s.follows()
	})
}
