package pages

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/geotest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/mirrortest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/programtest"
)

// Clients, in the networks set aside for documentation.
const (
	inGermany = "192.0.2.7"
	inJapan   = "203.0.113.7"
	nowhere   = "100.64.0.1"
)

// places are clients' networks and mirrors' loopback addresses.
var places = []geotest.Network{
	{CIDR: "192.0.2.0/24", Country: "de", Continent: "eu", Lat: 52.5, Lng: 13.4},
	{CIDR: "203.0.113.0/24", Country: "jp", Continent: "as", Lat: 35.7, Lng: 139.7},
	{CIDR: "127.60.1.0/24", Country: "de", Continent: "eu", Lat: 50.1, Lng: 8.7},
	{CIDR: "127.60.2.0/24", Country: "fr", Continent: "eu", Lat: 48.9, Lng: 2.4},
	{CIDR: "127.60.3.0/24", Country: "us", Continent: "na", Lat: 40.7, Lng: -74},
	{CIDR: "127.60.4.0/24", Country: "jp", Continent: "as", Lat: 34.7, Lng: 135.5},
	{CIDR: "127.60.5.0/24", Country: "br", Continent: "sa", Lat: -23.5, Lng: -46.6},
	{CIDR: "127.60.6.0/24", Country: "za", Continent: "af", Lat: -33.9, Lng: 18.4},
	{CIDR: "127.60.7.0/24", Country: "nz", Continent: "oc", Lat: -41.3, Lng: 174.8},
}

// site is a project with its mirrors, and the Caddy that answers for it.
type site struct {
	t        testing.TB
	dir      string // for everything that is nobody's tree
	root     string // the origin's tree
	database string
	base     string // URL, with a trailing slash
	config   string // of mbctl
}

// host is the site's own loopback address.
const host = "127.61.0.1"

// newSite makes the site and starts it.
func newSite(t testing.TB) *site {
	t.Helper()
	s := &site{t: t, dir: t.TempDir()}
	s.root = filepath.Join(s.dir, "origin")
	s.database = "sqlite://" + filepath.Join(s.dir, "mirrorbrain.db")
	s.base = fmt.Sprintf("http://%s:%d/", host, mirrortest.FreePort(t, host))
	s.config = filepath.Join(s.dir, "mbctl.toml")
	mmdb := geotest.City(t, filepath.Join(s.dir, "places.mmdb"), places)
	s.write(s.config, fmt.Sprintf("[test]\ndatabase = %q\ngeoip = %q\nzsync = true\n", s.database, mmdb))
	grow(t, s.root)
	mirrors := filepath.Join(s.dir, "mirror")
	if out, err := exec.CommandContext(t.Context(), "cp", "-a", s.root, mirrors).CombinedOutput(); err != nil {
		t.Fatalf("copying the tree: %v\n%s", err, out)
	}
	put(t, s.root, alone, noise(alone, 5000))
	s.must("index", s.root)
	s.must("hash")
	s.must("markers", "set", "Images", "releases/**/*.iso")
	s.must("markers", "set", "Odd <b>names</b>", "odd")
	s.addMirrors(mirrors)
	s.publish()
	s.start(mmdb)
	return s
}

func (s *site) write(name, text string) {
	s.t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) env() []string {
	return []string{
		"HOME=" + s.dir, "XDG_DATA_HOME=" + filepath.Join(s.dir, "data"), "XDG_CONFIG_HOME=" + filepath.Join(s.dir, "config"),
		"USER=operator", "NO_COLOR=1", "SSH_CONNECTION=",
	}
}

// must runs mbctl and expects it to succeed.
func (s *site) must(args ...string) string {
	s.t.Helper()
	r := programtest.Begin(s.t, s.env(), filepath.Join(bin, "mbctl"), append([]string{"--config", s.config}, args...)...).End(s.t)
	if r.Code != 0 {
		s.t.Fatalf("mbctl %s: exit %d\n%s%s", strings.Join(args, " "), r.Code, r.Stdout, r.Stderr)
	}
	return r.Stdout
}

// addMirrors adds mirrors of every kind: in many countries, with and without an
// operator, stale, disabled, with no share, reserved, gone. All but the stale one
// have the folder good.
func (s *site) addMirrors(good string) {
	s.t.Helper()
	stale := filepath.Join(s.dir, "stale")
	put(s.t, stale, image, noise("an older version", 3<<20))
	put(s.t, stale, "releases/1.9/example-1.9-amd64.iso", noise("releases/1.9/example-1.9-amd64.iso", 1000<<6))
	for i, m := range []struct {
		name, dir string
		flags     []string
	}{
		{"frankfurt.example", good, []string{
			"--operator-name", "Frankfurt <b>University</b> & Friends", "--operator-url", "https://www.example.edu/a&amp;b/",
			"--public-notes", "10 Gbit/s <script>alert(1)</script>", "-C", "a private comment", "-a", "Admin Istrator", "-e", "private@example.org",
		}},
		{"paris.example", good, []string{"--operator-name", "Université de l'Exemple", "-s", "50"}},
		{"newyork.example", good, []string{"--operator-name", "New York Mirror Society", "-s", "200"}},
		{"osaka.example", good, []string{"--operator-name", "ミラー協会"}},
		{"a-mirror-with-a-name-that-is-longer-than-others.saopaulo.example", good, nil},
		{"capetown.example", stale, []string{"--operator-name", "Cape Town, which is behind"}},
		{"wellington.example", good, []string{"-s", "0"}},
		{"reserved.example", good, []string{"--country-only", "-c", "it", "-r", "eu"}},
		{"disabled.example", good, nil},
	} {
		address := fmt.Sprintf("127.60.%d.1", i+1)
		web := mirrortest.Nginx(s.t, m.dir, mirrortest.Options{Host: address})
		s.must(append([]string{"new", m.name, "-H", web.URL}, m.flags...)...)
		s.must("scan", m.name, "--enable")
	}
	s.must("scan", "frankfurt.example") // so that there is a past
	s.must("disable", "disabled.example")
	s.must("edit", "frankfurt.example", "-R", "rsync://scanner:secret@127.60.1.1:1/pub/")
}

// publish has mbctl write what is to be published elsewhere.
func (s *site) publish() {
	s.t.Helper()
	dir := filepath.Join(s.dir, "published")
	if err := os.Mkdir(dir, 0o755); err != nil {
		s.t.Fatal(err)
	}
	s.must("mirrorlist", "-f", "html", "-o", filepath.Join(dir, "mirrors.html"), "--title", "Mirrors of Example <OS>")
	s.must("mirrorlist", "-o", filepath.Join(dir, "status")+"/", "--project", "Example <OS> & Co.", "--home", "/")
	s.must("mirrorlist", "-o", filepath.Join(dir, "stand")+"/", "--language", "de")
}

func (s *site) start(mmdb string) {
	s.t.Helper()
	file := filepath.Join(s.dir, "Caddyfile")
	s.write(file, fmt.Sprintf(`{
	admin off
	grace_period 1s
	default_bind %[1]s
	skip_install_trust
	servers {
		trusted_proxies static 127.0.0.0/8
	}
	mirrorbrain {
		database %[2]s
		geoip %[3]s
		pages {
			name "Example <OS> & Co."
			home /
			logo "data:image/svg+xml,%%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 9'%%3E%%3Ccircle cx='4.5' cy='4.5' r='4' fill='%%230a5dc2'/%%3E%%3C/svg%%3E"
		}
	}
}

%[4]s {
	root * %[5]s
	handle /favicon.ico {
		respond 204
	}
	handle_path /published/* {
		root * %[6]s
		file_server
	}
	handle_path /few/* {
		mirrorbrain_autoindex {
			max_entries 5
		}
	}
	handle {
		mirrorbrain {
			health /health-of-the-redirector
			min_size 0
			retry off
			dht_node router.example.org:6881
			status /mirrors
		}
		mirrorbrain_autoindex {
			columns modified size description mirrors details
			describe *.iso "An image <b>of</b> a disc"
			header HEADER.txt
			readme README.html README.txt
		}
		file_server
	}
}
`, host, s.database, mmdb, strings.TrimSuffix(s.base, "/"), s.root, filepath.Join(s.dir, "published")))
	caddy := programtest.Start(s.t, s.env(), filepath.Join(s.dir, "caddy.log"), filepath.Join(bin, "caddy"), "run", "--adapter", "caddyfile", "--config", file)
	programtest.Eventually(s.t, 30*time.Second, func() string {
		if !caddy.Alive() {
			s.t.Fatalf("caddy ended: %v\n%s", caddy.Err, caddy.Output())
		}
		resp, err := http.Get(s.base + "health-of-the-redirector")
		if err != nil {
			return err.Error()
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return "not ready: " + resp.Status
		}
		return ""
	})
	s.t.Cleanup(func() {
		if s.t.Failed() {
			for l := range strings.Lines(caddy.Output()) {
				if strings.HasPrefix(l, `{"level":"error"`) || strings.HasPrefix(l, `{"level":"warn"`) {
					s.t.Logf("caddy: %s", l)
				}
			}
		}
	})
}
