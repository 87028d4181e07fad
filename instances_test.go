package mirrorbrain

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/geotest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/redirector"
)

// The tests in this file run Caddy itself and must not run in parallel.

// loadText starts Caddy, or reloads it, with blocks of the global option and of
// sites.
func (s *server) loadText(global, sites string) {
	s.t.Helper()
	text := fmt.Sprintf("{\nadmin off\npersist_config off\nauto_https off\ngrace_period 5s\nmetrics\nservers {\ntrusted_proxies static 127.0.0.1/32\n}\n"+
		"log default {\noutput file %s\nlevel DEBUG\n}\n%s\n}\n%s", s.log, global, sites)
	cfg, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), nil)
	if err != nil {
		s.t.Fatalf("%v in:\n%s", err, text)
	}
	if err := caddy.Load(cfg, true); err != nil {
		s.t.Fatal(err)
	}
}

// at is the same Caddy at another address.
func (s *server) at(addr string) *server { return &server{t: s.t, addr: addr, log: s.log} }

// trees are two depots with mirrors of the same names, but other hosts.
func trees(t *testing.T) (main, nightly *depot) {
	t.Helper()
	main, nightly = newDepot(t), newDepot(t)
	for d, host := range map[*depot]string{main: "main", nightly: "nightly"} {
		d.file("f.bin", host+".bin")
		for country, place := range map[string]mirror.Place{"de": germany, "fr": france, "us": usa} {
			d.mirror(mirror.Mirror{Name: country, Place: place, HTTP: []string{"http://" + country + "." + host + ".example/"}}, "f.bin", host+".bin")
		}
	}
	return main, nightly
}

// nodeOf waits for the row of a depot's only node and gives it with its
// settings.
func (s *server) nodeOf(d *depot) (name string, settings struct {
	Instance, GeoIP string
	Sites           []redirector.Settings
},
) {
	s.t.Helper()
	s.until("the node is in the database", func() bool {
		nodes, err := d.store.Nodes(context.Background())
		if err != nil || len(nodes) == 0 {
			return false
		}
		if len(nodes) > 1 {
			s.t.Fatalf("nodes %+v", nodes)
		}
		name = nodes[0].Name
		return json.Unmarshal([]byte(nodes[0].Settings), &settings) == nil
	})
	return name, settings
}

// Two trees with databases, GeoIP files and settings of their own, and two sites
// on one of them.
func TestInstances(t *testing.T) {
	main, nightly := trees(t)
	city, _ := geo(t)
	elsewhere := geotest.City(t, "", []geotest.Network{{CIDR: "192.0.2.0/24", Country: "US", Continent: "NA", Lat: 40.7, Lng: -74}})
	s := newServer(t)
	second := s.at(freeAddr(t))
	s.loadText(fmt.Sprintf("mirrorbrain {\ndatabase %s\ngeoip %s\nnode one\n}\nmirrorbrain nightly {\ndatabase %s\ngeoip %s\nnode two\n}", main.url, city, nightly.url, elsewhere),
		fmt.Sprintf(`http://%s {
			log
			handle /metrics {
				metrics
			}
			handle_path /nightly/* {
				root * %s
				mirrorbrain nightly {
					health /health
					retry 1m
				}
				file_server
			}
			handle {
				%s
			}
		}
		http://%s {
			%s
		}`, s.addr, nightly.root, main.plain("sticky 5m"), second.addr, main.plain("policy distance\nspill 3\nduplicates 2")))
	s.ready()
	s.until("the other catalog is there", func() bool {
		resp, _ := s.get("/nightly/health", "")
		return resp.StatusCode == http.StatusOK
	})

	s.wants("/f.bin", "192.0.2.1", 302, "http://de.main.example/f.bin")
	s.wants("/nightly/f.bin", "192.0.2.1", 302, "http://us.nightly.example/f.bin") // elsewhere it is America
	s.wants("/nightly/nightly.bin", "192.0.2.2", 302, "http://us.nightly.example/nightly.bin")
	s.wants("/nightly.bin", "192.0.2.1", 404, "")
	s.wants("/nightly/main.bin", "192.0.2.1", 404, "")
	second.wants("/main.bin", "198.51.100.1", 302, "http://us.main.example/main.bin")
	links := func(s *server, path string) int {
		resp, _ := s.get(path, "192.0.2.1")
		return len(resp.Header["Link"])
	}
	if a, b := links(s, "/f.bin"), links(second, "/f.bin"); a != 4 || b != 3 {
		t.Errorf("the sites name %d and %d mirrors and documents", a, b)
	}

	_, metrics := s.get("/metrics", "")
	for _, want := range []string{
		`caddy_mirrorbrain_mirror_redirects_total{instance="nightly",mirror="us"} `,
		`caddy_mirrorbrain_requests_total{instance="nightly",realm="country",reason="mirror",result="redirect"} `,
		`caddy_mirrorbrain_catalog_files{instance="default"} 2`,
		`caddy_mirrorbrain_catalog_files{instance="nightly"} 2`,
		`caddy_mirrorbrain_catalog_ready{instance="nightly"} 1`,
	} {
		if !strings.Contains(metrics, "\n"+want) {
			t.Errorf("metrics lack %s", want)
		}
	}

	for _, d := range []*depot{main, nightly} {
		if file := strings.TrimPrefix(d.url, "sqlite://"); len(s.logged(file)) == 0 {
			t.Errorf("no message is about %s", file)
		}
	}

	name, said := s.nodeOf(main)
	if name != "one" || said.Instance != "default" || said.GeoIP != city || len(said.Sites) != 2 {
		t.Errorf("node %s of the main tree: %+v", name, said)
	}
	policies := map[string]int{}
	for _, site := range said.Sites {
		policies[site.Policy] = site.Spill
	}
	if len(policies) != 2 || policies[redirector.PolicyTiers] != 0 || policies[redirector.PolicyDistance] != 3 {
		t.Errorf("policies of the sites: %v", policies)
	}
	name, said = s.nodeOf(nightly)
	if name != "two" || said.Instance != "nightly" || said.GeoIP != elsewhere || len(said.Sites) != 1 || said.Sites[0].Policy != redirector.PolicyTiers {
		t.Errorf("node %s of the nightly tree: %+v", name, said)
	}
}

// Instances on one database have a row each.
func TestInstancesShareDatabase(t *testing.T) {
	d := newDepot(t)
	city, _ := geo(t)
	s := newServer(t)
	s.loadText(fmt.Sprintf("mirrorbrain b {\ndatabase %[1]s\nnode n\n}\nmirrorbrain a {\ndatabase %[1]s\nnode n\n}\nmirrorbrain {\ndatabase %[1]s\nnode n\ngeoip %[2]s\n}", d.url, city),
		fmt.Sprintf("http://%s {\nmirrorbrain a\nmirrorbrain b\n%s\n}", s.addr, d.plain("")))
	s.until("all are in the database", func() bool {
		nodes, err := d.store.Nodes(context.Background())
		if err != nil || len(nodes) < 3 {
			return false
		}
		got := map[string]string{}
		for _, n := range nodes {
			var said struct{ Instance string }
			d.must(json.Unmarshal([]byte(n.Settings), &said))
			got[n.Name] = said.Instance
		}
		if got["n"] != "default" || got["n/a"] != "a" || got["n/b"] != "b" {
			t.Fatalf("nodes %v", got)
		}
		return true
	})
	if n, _ := databases.References(databaseKey(d.url, 0)); n != 3 {
		t.Errorf("%d references to the database", n)
	}
}

// Instances come and go while others, and they themselves, are asked.
func TestReloadsOfInstances(t *testing.T) {
	main, nightly := trees(t)
	s := newServer(t)
	block := func(name string, d *depot) string {
		return fmt.Sprintf("mirrorbrain %s {\ndatabase %s\n}\n", name, d.url)
	}
	one := fmt.Sprintf("http://%s {\nhandle /nightly/* {\nrespond gone 410\n}\nhandle {\n%s\n}\n}", s.addr, main.plain(""))
	two := fmt.Sprintf("http://%s {\nhandle_path /nightly/* {\nroot * %s\nmirrorbrain nightly {\nretry off\nnot_ready 503\n}\nfile_server\n}\nhandle {\n%s\n}\n}",
		s.addr, nightly.root, main.plain(""))
	s.loadText(block("", main), one)
	s.ready()
	before := settled()

	stop := make(chan struct{})
	var wg sync.WaitGroup
	var answered, redirected, wrong atomic.Int64
	for i := range 4 {
		path, host := "/f.bin", ".main.example/f.bin"
		if i%2 == 1 {
			path, host = "/nightly/f.bin", ".nightly.example/f.bin"
		}
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				resp, body, err := s.do(http.MethodGet, path, "192.0.2.1")
				if err != nil { // a listener that is closed resets what waits
					continue
				}
				answered.Add(1)
				switch status := resp.StatusCode; {
				case status == http.StatusFound && strings.HasSuffix(resp.Header.Get("Location"), host):
					if path != "/f.bin" {
						redirected.Add(1)
					}
				case path == "/f.bin", status != http.StatusGone && status != http.StatusServiceUnavailable && status != http.StatusOK:
					// 200: its database was closed under a request of the old configuration
					wrong.Add(1)
					t.Logf("%s: %d %.40q", path, status, body)
				}
			}
		})
	}
	for range 8 {
		s.loadText(block("", main)+block("nightly", nightly), two)
		s.until("the new instance answers", func() bool {
			resp, _ := s.get("/nightly/f.bin", "192.0.2.1")
			return resp.StatusCode == http.StatusFound
		})
		s.loadText(block("", main), one)
		s.until("it is gone", func() bool {
			resp, _ := s.get("/nightly/f.bin", "192.0.2.1")
			return resp.StatusCode == http.StatusGone
		})
	}
	close(stop)
	wg.Wait()
	if wrong.Load() > 0 || redirected.Load() == 0 {
		t.Errorf("%d of %d requests went wrong, %d were redirected by the instance that comes and goes", wrong.Load(), answered.Load(), redirected.Load())
	}
	if n, ok := databases.References(databaseKey(nightly.url, 0)); ok {
		t.Errorf("%d references to the database of the instance that is gone", n)
	}
	if after := settled(); after > before+10 {
		t.Errorf("%d goroutines, %d before", after, before)
	}
}
