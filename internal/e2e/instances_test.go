package e2e

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/mirrortest"
)

// TestInstances: the example with two trees runs as it is, but for ports and
// paths, and mbctl works on either tree.
func TestInstances(t *testing.T) {
	t.Parallel()
	s := newSite(t, settings{})
	places := filepath.Join(s.dir, "places.mmdb")
	_, port, err := net.SplitHostPort(strings.TrimSuffix(strings.TrimPrefix(s.base, "http://"), "/"))
	check(t, err)
	trees := map[string]string{"releases": filepath.Join(s.dir, "releases"), "nightly": filepath.Join(s.dir, "nightly")}
	here := func(name string) string {
		text, err := os.ReadFile(filepath.Join("..", "..", "examples", "instances", name))
		check(t, err)
		out := string(text)
		for _, r := range [][2]string{
			{"/var/lib/mirrorbrain/", s.dir + "/"},
			{"# geoip /var/lib/GeoIP/GeoLite2-City.mmdb", "geoip " + places},
			{`# geoip = "/var/lib/GeoIP/GeoLite2-City.mmdb"`, fmt.Sprintf("geoip = %q", places)},
			{"/srv/releases", trees["releases"]},
			{"/srv/nightly", trees["nightly"]},
		} {
			out = strings.ReplaceAll(out, r[0], r[1])
		}
		return out
	}
	s.write(s.config, here("mbctl.toml"))
	for _, name := range []string{"releases", "nightly"} {
		check(t, os.Mkdir(trees[name], 0o755))
		small(t, trees[name], 6)
		put(t, trees[name], name+".bin", 6000, aTime)
		s.must("-b", name, "index")
		s.root = trees[name]
		web := mirrortest.Nginx(t, s.copyOf(name), mirrortest.Options{Host: germany})
		s.must("-b", name, "new", name+"-mirror", "-H", web.URL, "-c", "de", "--lat", "50.1", "--lng", "8.7")
		s.must("-b", name, "scan", "-a", "--enable")
	}
	if out := s.must("list"); !strings.Contains(out, "releases-mirror") || strings.Contains(out, "nightly-mirror") {
		t.Errorf("without -b: %s", out)
	}
	if out := s.must("-b", "nightly", "list"); strings.Contains(out, "releases-mirror") || !strings.Contains(out, "nightly-mirror") {
		t.Errorf("-b nightly: %s", out)
	}

	config := strings.Replace(here("Caddyfile"), "{\n", fmt.Sprintf("{\n\tadmin %s\n\thttp_port %s\n\tdefault_bind %s\n\tservers {\n\t\ttrusted_proxies static 127.0.0.0/8\n\t}\n",
		s.admin, port, s.host), 1)
	file := filepath.Join(s.dir, "Caddyfile")
	s.write(file, config)
	s.caddy = startProcess(t, s.env(), filepath.Join(s.dir, "caddy.log"), filepath.Join(bin, "caddy"), "run", "--adapter", "caddyfile", "--config", file)

	ask := func(host, path string) (status int, location, by string) {
		req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, s.base+path, nil)
		check(t, err)
		req.Host = host
		req.Header.Set("X-Forwarded-For", inGermany)
		resp, err := client.Do(req)
		if err != nil {
			return 0, err.Error(), ""
		}
		resp.Body.Close()
		return resp.StatusCode, resp.Header.Get("Location"), resp.Header.Get("X-MirrorBrain-Mirror")
	}
	for _, want := range []struct {
		host, path string
		mirror     string // "": served from here
	}{
		{"dl.example.org", "releases.bin", "releases-mirror"},
		{"dl.example.org", "nightly/nightly.bin", "nightly-mirror"},
	} {
		eventually(t, 30*time.Second, func() string {
			status, location, by := ask(want.host, want.path)
			if status == http.StatusFound && by == want.mirror && strings.HasSuffix(location, "/"+filepath.Base(want.path)) {
				return ""
			}
			return fmt.Sprintf("%s at %s: %d, %q by %q", want.path, want.host, status, location, by)
		})
	}
	for _, path := range []string{"nightly.bin", "nightly/releases.bin"} {
		if status, location, _ := ask("dl.example.org", path); status != http.StatusNotFound {
			t.Errorf("%s is in the other tree, and is answered with %d %q", path, status, location)
		}
	}
	// At the other site this server takes its turn, with half the mirror's score.
	turns := map[int]int{}
	for i := range 90 {
		status, _, _ := ask("near.example.org", fmt.Sprintf("releases.bin?ip=192.0.2.%d", i))
		turns[status]++
	}
	if turns[http.StatusFound] == 0 || turns[http.StatusOK] == 0 || turns[http.StatusFound]+turns[http.StatusOK] != 90 {
		t.Errorf("the second site on the releases: %v", turns)
	}
	for _, name := range []string{"releases", "nightly"} {
		eventually(t, 60*time.Second, func() string {
			var status struct {
				Nodes []struct{} `json:"nodes"`
			}
			s.json(&status, "-b", name, "status")
			if len(status.Nodes) != 1 {
				return fmt.Sprintf("%s has %d nodes", name, len(status.Nodes))
			}
			return ""
		})
	}
}
