package e2e

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/geotest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/mirrortest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/rsynctest"
)

// Clients of the tests' world, in the networks set aside for documentation.
const (
	inGermany = "192.0.2.7"
	inAS      = "192.0.2.200" // also in Germany, in AS 64500
	inPrefix  = "192.0.2.250" // also in AS 64500, in 192.0.2.248/29
	inUSA     = "198.51.100.7"
	inJapan   = "203.0.113.7"
	inAustria = "203.0.113.200"
	over6     = "2001:db8:1::7" // Germany
	nowhere   = "100.64.0.1"
)

// Loopback addresses of mirrors, which the tests' GeoIP data place.
const (
	germany = "127.50.1.1"
	usa     = "127.50.2.1"
	japan   = "127.50.3.1"
	france  = "127.50.4.1"
	campus  = "127.50.5.1" // Germany, AS 64500
)

var worldPlaces = []geotest.Network{
	{CIDR: "192.0.2.0/24", Country: "de", Continent: "eu", Lat: 52.5, Lng: 13.4},
	{CIDR: "198.51.100.0/24", Country: "us", Continent: "na", Lat: 40.7, Lng: -74},
	{CIDR: "203.0.113.0/25", Country: "jp", Continent: "as", Lat: 35.7, Lng: 139.7},
	{CIDR: "203.0.113.128/25", Country: "at", Continent: "eu", Lat: 48.2, Lng: 16.4},
	{CIDR: "2001:db8:1::/48", Country: "de", Continent: "eu", Lat: 52.5, Lng: 13.4},
	{CIDR: "127.50.1.0/24", Country: "de", Continent: "eu", Lat: 52.5, Lng: 13.4},
	{CIDR: "127.50.2.0/24", Country: "us", Continent: "na", Lat: 40.7, Lng: -74},
	{CIDR: "127.50.3.0/24", Country: "jp", Continent: "as", Lat: 35.7, Lng: 139.7},
	{CIDR: "127.50.4.0/24", Country: "fr", Continent: "eu", Lat: 48.9, Lng: 2.4},
	{CIDR: "127.50.5.0/24", Country: "de", Continent: "eu", Lat: 48.1, Lng: 11.6},
}

// pfx2as is a table of prefixes as CAIDA publishes them.
const pfx2as = "192.0.2.128\t25\t64500\n127.50.5.0\t24\t64500\n198.51.100.0\t24\t64501_64502\n203.0.113.0\t24\t64503\n"

// importAS gives the database the world's table of prefixes.
func (s *site) importAS() {
	s.t.Helper()
	file := filepath.Join(s.dir, "routeviews.pfx2as")
	s.write(file, pfx2as)
	s.must("asn", "import", file)
}

// copyOf makes a mirror's tree: the origin's as it is now, links, modes and
// times included. Files are hard links, so a change must replace them.
func (s *site) copyOf(name string) string {
	s.t.Helper()
	dir := filepath.Join(s.dir, "mirror-"+name)
	out, err := exec.Command("cp", "-al", s.root, dir).CombinedOutput()
	if err != nil {
		s.t.Fatalf("copying the tree: %v\n%s", err, out)
	}
	mirrortest.Readable(s.t, dir)
	return dir
}

// rsyncd serves a folder as module "pub" on a mirror's address.
func rsyncd(t testing.TB, host, dir string) *rsynctest.Server {
	t.Helper()
	return rsynctest.StartConfig(t, rsynctest.Config{Address: host, Modules: []rsynctest.Module{{Name: "pub", Path: dir}}})
}

// caddyMirror serves a folder with Caddy's own file server and index pages.
func (s *site) caddyMirror(host, dir string) string {
	s.t.Helper()
	addr := fmt.Sprintf("%s:%d", host, freePort(s.t, host))
	p := startProcess(s.t, s.env(), filepath.Join(s.dir, "mirror-caddy.log"), filepath.Join(bin, "caddy"),
		"file-server", "--browse", "--listen", addr, "--root", dir)
	eventually(s.t, 30*time.Second, func() string {
		resp, err := client.Head("http://" + addr + "/")
		if err != nil {
			if !p.Alive() {
				s.t.Fatalf("the mirror's caddy ended: %s", p.Output())
			}
			return err.Error()
		}
		resp.Body.Close()
		return ""
	})
	return "http://" + addr + "/"
}

// addMirror adds and scans a mirror with nginx and rsync over a copy of the
// tree, at an address. It gives the copy's folder.
func (s *site) addMirror(name, host string, flags ...string) string {
	s.t.Helper()
	dir := s.copyOf(name)
	s.mirrorOf(name, host, dir, flags...)
	return dir
}

// mirrorOf is addMirror for a folder that is there already.
func (s *site) mirrorOf(name, host, dir string, flags ...string) *mirrortest.Server {
	s.t.Helper()
	web := mirrortest.Nginx(s.t, dir, mirrortest.Options{Host: host})
	s.must(append([]string{"new", name, "-H", web.URL, "-R", rsyncd(s.t, host, dir).URL("pub")}, flags...)...)
	s.must("scan", name, "--enable")
	return web
}
