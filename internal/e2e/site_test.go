package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/geotest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/pgtest"
)

// site is a project: an origin tree, a database, mbctl, and one Caddy.
type site struct {
	t        testing.TB
	dir      string // for everything that is nobody's tree
	root     string // the origin's tree
	database string // URL
	host     string // loopback address of its own
	base     string // URL of the Caddy, with a trailing slash
	admin    string // address of its admin endpoint
	config   string // of mbctl

	handler  string // further lines for the mirrorbrain block
	instance string // further lines for the app's block
	global   string // further lines for the global block
	address  string // of the site block; "" is http on host and port
	noRoot   bool   // the redirector has no local tree

	extraEnv []string

	caddy *process
}

// settings of a site that must be known when it is made.
type settings struct {
	database string // URL; "" is an SQLite file in the site's folder
	handler  string
	global   string
	noRoot   bool
}

var hosts atomic.Int32

// newSite makes a site with an empty tree. Nothing runs yet.
func newSite(t testing.TB, o settings) *site {
	t.Helper()
	n := int(hosts.Add(1))
	s := &site{
		t: t, dir: t.TempDir(), database: o.database, handler: o.handler, global: o.global, noRoot: o.noRoot,
		// An address for each site: its ports are nobody else's.
		host: fmt.Sprintf("127.%d.%d.%d", 100+os.Getpid()%100, n/200, 1+n%200),
	}
	s.root = filepath.Join(s.dir, "origin")
	check(t, os.Mkdir(s.root, 0o755))
	if s.database == "" {
		s.database = "sqlite://" + filepath.Join(s.dir, "mirrorbrain.db")
	}
	s.base = fmt.Sprintf("http://%s:%d/", s.host, freePort(t, s.host))
	s.admin = net.JoinHostPort(s.host, strconv.Itoa(freePort(t, s.host)))
	geotest.City(t, filepath.Join(s.dir, "places.mmdb"), worldPlaces)
	s.config = filepath.Join(s.dir, "mbctl.toml")
	s.write(s.config, fmt.Sprintf("[test]\ndatabase = %q\ngeoip = %q\n", s.database, filepath.Join(s.dir, "places.mmdb")))
	t.Cleanup(func() {
		if t.Failed() && s.caddy != nil {
			for l := range strings.Lines(s.caddy.Output()) {
				if !strings.HasPrefix(l, `{"level":"info"`) || strings.Contains(l, `"logger":"mirrorbrain`) {
					t.Logf("caddy: %s", l)
				}
			}
		}
	})
	return s
}

// onBoth runs a test on SQLite and on PostgreSQL.
func onBoth(t *testing.T, test func(t *testing.T, database string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, "")
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, pgtest.New(t))
	})
}

func freePort(t testing.TB, host string) int {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	check(t, err)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func (s *site) write(name, text string) {
	s.t.Helper()
	check(s.t, os.WriteFile(name, []byte(text), 0o644))
}

// env is the environment of both programs: nothing of the user's own.
func (s *site) env() []string {
	return append([]string{
		"HOME=" + s.dir, "XDG_DATA_HOME=" + filepath.Join(s.dir, "data"), "XDG_CONFIG_HOME=" + filepath.Join(s.dir, "config"),
		"USER=operator", "NO_COLOR=1", "GOTRACEBACK=all",
	}, s.extraEnv...)
}

// caddyfile is the configuration as it stands.
func (s *site) caddyfile() string {
	address := s.address
	if address == "" {
		address = strings.TrimSuffix(s.base, "/")
	}
	database := ""
	if s.database != "" {
		database = "database " + s.database
	}
	root := "root * " + s.root
	if s.noRoot {
		root = ""
	}
	handler := s.handler
	if !strings.Contains(handler, "retry ") { // tests ask for one file again and again
		handler = "retry off\n\t\t" + handler
	}
	return fmt.Sprintf(`{
	admin %[1]s {
		origins %[1]s
	}
	grace_period 2s
	default_bind %[2]s
	skip_install_trust
	servers {
		trusted_proxies static 127.0.0.0/8
	}
	mirrorbrain {
		%[3]s
		geoip %[4]s
		%[5]s
	}
	%[6]s
}

%[7]s {
	%[8]s
	mirrorbrain {
		health /health-of-the-redirector
		min_size 0
		%[9]s
	}
	file_server
	log {
		output file %[10]s
		format json
	}
}
`, s.admin, s.host, database, filepath.Join(s.dir, "places.mmdb"), s.instance, s.global, address, root, handler, filepath.Join(s.dir, "access.log"))
}

func (s *site) caddyArgs() []string {
	file := filepath.Join(s.dir, "Caddyfile")
	s.write(file, s.caddyfile())
	return []string{"--adapter", "caddyfile", "--config", file}
}

// start runs Caddy and waits until it is ready to redirect.
func (s *site) start() {
	s.t.Helper()
	s.launch()
	s.ready()
}

// launch runs Caddy and waits until it listens.
func (s *site) launch() {
	s.t.Helper()
	s.caddy = startProcess(s.t, s.env(), filepath.Join(s.dir, "caddy.log"), filepath.Join(bin, "caddy"), append([]string{"run"}, s.caddyArgs()...)...)
	addr := strings.TrimSuffix(strings.SplitN(s.base, "://", 2)[1], "/")
	eventually(s.t, 30*time.Second, func() string {
		if !s.caddy.Alive() {
			s.t.Fatalf("caddy ended: %v", s.caddy.Err)
		}
		c, err := net.DialTimeout("tcp", addr, time.Second)
		if err != nil {
			return err.Error()
		}
		c.Close()
		return ""
	})
}

func (s *site) stop() {
	s.t.Helper()
	s.caddy.Stop(s.t)
}

// reload gives the running Caddy the configuration as it stands now.
func (s *site) reload() {
	s.t.Helper()
	r := startCommand(s.t, s.env(), filepath.Join(bin, "caddy"), append([]string{"reload", "--address", s.admin}, s.caddyArgs()...)...).wait(s.t)
	if r.code != 0 {
		s.t.Fatalf("caddy reload: exit %d\n%s", r.code, r.stderr)
	}
}

// health is the answer of the health path.
type health struct {
	Ready    bool    `json:"ready"`
	Revision int64   `json:"revision"`
	Age      float64 `json:"age"`
	Files    int     `json:"files"`
	Mirrors  int     `json:"mirrors"`
}

func (s *site) health() (h health, err error) {
	resp, err := client.Get(s.base + "health-of-the-redirector")
	if err != nil {
		return h, err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&h); err != nil {
		return h, err
	}
	if (resp.StatusCode == http.StatusOK) != h.Ready {
		return h, fmt.Errorf("status %d with ready %v", resp.StatusCode, h.Ready)
	}
	return h, nil
}

// ready waits until the node has a catalog.
func (s *site) ready() {
	s.t.Helper()
	eventually(s.t, 30*time.Second, func() string {
		if h, err := s.health(); err != nil || !h.Ready {
			return fmt.Sprintf("not ready: %+v, %v", h, err)
		}
		return ""
	})
}

// follows waits until the node knows all that mbctl has written, and says how
// long that took.
func (s *site) follows() time.Duration {
	s.t.Helper()
	var status struct {
		Revision int64 `json:"revision"`
	}
	s.json(&status, "status")
	return eventually(s.t, 30*time.Second, func() string {
		if h, err := s.health(); err != nil || h.Revision < status.Revision {
			return fmt.Sprintf("the node is at %+v (%v), the database at revision %d", h, err, status.Revision)
		}
		return ""
	})
}

// mbctl runs mbctl to its end.
func (s *site) mbctl(args ...string) result {
	s.t.Helper()
	return s.startMbctl(args...).wait(s.t)
}

func (s *site) startMbctl(args ...string) *command {
	s.t.Helper()
	return startCommand(s.t, s.env(), filepath.Join(bin, "mbctl"), append([]string{"--config", s.config}, args...)...)
}

// must runs mbctl and expects it to succeed.
func (s *site) must(args ...string) string {
	s.t.Helper()
	r := s.mbctl(args...)
	if r.code != 0 {
		s.t.Fatalf("mbctl %s: exit %d\n%s%s", strings.Join(args, " "), r.code, r.stdout, r.stderr)
	}
	return r.stdout
}

// json runs mbctl with --json and decodes what it prints.
func (s *site) json(into any, args ...string) {
	s.t.Helper()
	out := s.must(append(args, "--json")...)
	if err := json.Unmarshal([]byte(out), into); err != nil {
		s.t.Fatalf("mbctl %s --json: %v\n%s", strings.Join(args, " "), err, out)
	}
}
