package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/mirrortest"
)

// depot is a site with a hashed tree, from which real clients download.
type depot struct {
	*site
}

// newDepot makes a site; tree fills its tree. Nothing is indexed yet.
func newDepot(t testing.TB, handler string, tree func(root string)) *depot {
	t.Helper()
	d := &depot{newSite(t, settings{handler: handler})}
	tree(d.root)
	return d
}

// publish indexes and hashes the tree as it is now. Further lines of mbctl.toml
// may be given.
func (d *depot) publish(config ...string) {
	d.t.Helper()
	if len(config) > 0 {
		text, err := os.ReadFile(d.config)
		check(d.t, err)
		d.write(d.config, string(text)+strings.Join(config, "\n")+"\n")
	}
	d.must("index", d.root, "--force") // few files: a new index replaces most
	d.must("hash")
}

var mirrorHosts atomic.Int32

// mirrorHost gives a loopback address that no other mirror has: clients give up
// a host, whatever its port.
func mirrorHost() string {
	n := mirrorHosts.Add(1)
	return fmt.Sprintf("127.%d.%d.%d", 200+os.Getpid()%50, n/200, 1+n%200)
}

// webMirror is a mirror that keeps a log of what was asked of it.
type webMirror struct {
	*mirrortest.Server

	t    testing.TB
	name string
	dir  string
	log  string
}

// mirror adds a mirror with a copy of the tree as it is now, and scans it.
func (d *depot) mirror(name string, flags ...string) *webMirror {
	d.t.Helper()
	return d.mirrorOf(name, d.copyOf(name), flags...)
}

// mirrorOf is mirror for a folder that is there already.
func (d *depot) mirrorOf(name, dir string, flags ...string) *webMirror {
	d.t.Helper()
	host := mirrorHost()
	m := &webMirror{t: d.t, name: name, dir: dir, log: filepath.Join(d.dir, "access-"+name)}
	m.Server = mirrortest.Nginx(d.t, dir, mirrortest.Options{Host: host, Config: "access_log " + m.log + ";"})
	d.must(append([]string{"new", name, "-H", m.URL, "-R", rsyncd(d.t, host, dir).URL("pub")}, flags...)...)
	d.must("scan", name, "--enable")
	m.forget() // what the scan asked for
	return m
}

// forget begins the log anew.
func (m *webMirror) forget() {
	m.t.Helper()
	check(m.t, os.Truncate(m.log, 0)) // it is written at its end, wherever that is
}

// hit is a request that a mirror has answered.
type hit struct {
	path   string // as it was sent
	status int
	bytes  int64 // of the body
}

var hitLine = regexp.MustCompile(`"[A-Z]+ (\S+) HTTP/[\d.]+" (\d+) (\d+) "`)

// hits are the requests that have ended since forget.
func (m *webMirror) hits() (hits []hit) {
	m.t.Helper()
	text, err := os.ReadFile(m.log)
	check(m.t, err)
	for line := range strings.Lines(string(text)) {
		f := hitLine.FindStringSubmatch(line)
		if f == nil {
			m.t.Fatalf("the log of %s: %s", m.name, line)
		}
		status, _ := strconv.Atoi(f[2])           // the pattern has digits
		sent, _ := strconv.ParseInt(f[3], 10, 64) // here, too
		hits = append(hits, hit{f[1], status, sent})
	}
	return hits
}

// sent is how many bytes of a file the mirror has delivered since forget.
func (m *webMirror) sent(file string) (n int64) {
	m.t.Helper()
	for _, h := range m.hits() {
		if h.path == "/"+escape(file) && (h.status == 200 || h.status == 206) {
			n += h.bytes
		}
	}
	return n
}

// used waits until the mirror's log says that it delivered bytes of a file. A
// server writes the line a moment after the client has the last byte.
func (m *webMirror) used(file string) {
	m.t.Helper()
	eventually(m.t, 5*time.Second, func() string {
		if m.sent(file) == 0 {
			return fmt.Sprintf("%s delivered nothing of %s: %v", m.name, file, m.hits())
		}
		return ""
	})
}

// unused checks that nobody asked the mirror for anything.
func (m *webMirror) unused() {
	m.t.Helper()
	if hits := m.hits(); len(hits) > 0 {
		m.t.Errorf("%s was asked for %v", m.name, hits)
	}
}

// corrupt has the mirror deliver other bytes of the same length from now on.
func (m *webMirror) corrupt(file string) {
	m.t.Helper()
	name := filepath.Join(m.dir, file)
	data, err := os.ReadFile(name)
	check(m.t, err)
	for i := range data {
		data[i] ^= 0xa5
	}
	exchange(m.t, name, data)
}

// exchange gives a file other bytes and keeps its time. The file is a hard link
// of the origin's, which stays as it is.
func exchange(t testing.TB, name string, data []byte) {
	t.Helper()
	st, err := os.Stat(name)
	check(t, err)
	check(t, os.Remove(name))
	check(t, os.WriteFile(name, data, 0o644))
	check(t, os.Chtimes(name, st.ModTime(), st.ModTime()))
}

// noise is a file's worth of bytes that do not compress, other ones for each
// seed.
func noise(seed byte, n int) []byte {
	data := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(data) // never fails
	return data
}

// keep writes a file of the tree.
func keep(t testing.TB, root, file string, data []byte) {
	t.Helper()
	name := filepath.Join(root, file)
	check(t, os.MkdirAll(filepath.Dir(name), 0o755))
	check(t, os.WriteFile(name, data, 0o644))
	check(t, os.Chtimes(name, aTime, aTime))
}

// same compares what a client has stored with the origin's bytes.
func (d *depot) same(file, got string) {
	d.t.Helper()
	want, err := os.ReadFile(filepath.Join(d.root, file))
	check(d.t, err)
	data, err := os.ReadFile(got)
	if err != nil {
		d.t.Error(err)
	} else if !bytes.Equal(data, want) {
		d.t.Errorf("%s: got %d bytes, SHA-256 %x; want %d, %x", file, len(data), sha256.Sum256(data), len(want), sha256.Sum256(want))
	}
}

// url is where the redirector has a file.
func (d *depot) url(file string) string { return d.base + escape(file) }

// folder makes an empty folder for a client.
func (d *depot) folder(name string) string {
	d.t.Helper()
	dir := filepath.Join(d.dir, name)
	check(d.t, os.MkdirAll(dir, 0o755))
	return dir
}

// clientEnv keeps the user's own settings away from clients.
func (d *depot) clientEnv() []string {
	return []string{"HOME=" + d.folder("home"), "LC_ALL=C.UTF-8", "TZ=UTC"}
}

// run runs a client to its end, in a folder. Words with a "=" before the program
// are for its environment.
func (d *depot) run(dir string, argv ...string) result {
	d.t.Helper()
	program := slices.IndexFunc(argv, func(s string) bool { return !strings.Contains(s, "=") })
	mirrortest.Program(d.t, filepath.Base(argv[program]))
	r := startCommand(d.t, d.clientEnv(), "env", append([]string{"-C", dir}, argv...)...).wait(d.t)
	d.t.Logf("%s took %v", argv[program], r.took.Round(time.Millisecond))
	return r
}

// succeeds is run for a client that must succeed.
func (d *depot) succeeds(dir string, argv ...string) result {
	d.t.Helper()
	r := d.run(dir, argv...)
	if r.code != 0 {
		d.t.Fatalf("%s: exit %d\n%s%s", strings.Join(argv, " "), r.code, r.stdout, r.stderr)
	}
	return r
}

// answered counts the redirector's answers about a file by media type; those
// without one, which are redirects, under "".
func (d *depot) answered(target string) map[string]int {
	d.t.Helper()
	text, err := os.ReadFile(filepath.Join(d.dir, "access.log"))
	check(d.t, err)
	counts := map[string]int{}
	for line := range strings.Lines(string(text)) {
		var l struct {
			Request struct {
				URI string `json:"uri"`
			} `json:"request"`
			Headers map[string][]string `json:"resp_headers"`
		}
		check(d.t, json.Unmarshal([]byte(line), &l))
		if l.Request.URI == target {
			kind, _, _ := strings.Cut(strings.Join(l.Headers["Content-Type"], ""), ";")
			counts[kind]++
		}
	}
	return counts
}
