package e2e

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/mirrortest"
)

// seeded is a site with a torrent, whose web seeds are two good mirrors and one
// that is down.
func seeded(t *testing.T, config ...string) (d *depot, tr *tracker, good []*webMirror) {
	t.Helper()
	tr = startTracker(t)
	d = newDepot(t, "torrent_tracker "+tr.url, func(root string) { keep(t, root, image, noise(2, 6<<20+1)) })
	d.publish(config...)
	good = []*webMirror{d.mirror("good"), d.mirror("other")}
	d.mirror("down").Stop()
	d.start()
	return d, tr, good
}

// deliveredBy waits until the mirrors' logs say that at least one of them was a
// web seed.
func deliveredBy(t *testing.T, mirrors []*webMirror) {
	t.Helper()
	eventually(t, 5*time.Second, func() string {
		for _, m := range mirrors {
			if m.sent(image) > 0 {
				return ""
			}
		}
		return "no mirror has delivered anything"
	})
}

// infoHash is what the redirector says that the torrent's is, as trackers get it.
func (d *depot) infoHash(file string) string {
	d.t.Helper()
	text := strings.Fields(string(d.get(file+".btih", "").body))
	if len(text) == 0 {
		d.t.Fatalf("no info hash of %s", file)
	}
	hash, err := hex.DecodeString(text[0])
	check(d.t, err)
	return string(hash)
}

// aria2 finds the torrent of a magnet link at a peer that the tracker names:
// another aria2, which has downloaded by the torrent's web seeds.
func TestMagnet(t *testing.T) {
	t.Parallel()
	d, tr, good := seeded(t)
	hash := d.infoHash(image)
	want, err := os.ReadFile(filepath.Join(d.root, image))
	check(t, err)
	first := d.folder("first")
	args := append(aria2c(), "--dir="+first, "--seed-time=5", "--seed-ratio=0", d.url(image)+".torrent")
	seeder := startProcess(t, d.clientEnv(), filepath.Join(d.dir, "seeder.log"), mirrortest.Program(t, args[0]), args[1:]...)
	eventually(t, 40*time.Second, func() string {
		if !seeder.Alive() {
			t.Fatalf("aria2 has ended: %s", seeder.Output())
		}
		if got, _ := os.ReadFile(filepath.Join(first, filepath.Base(image))); !bytes.Equal(got, want) || tr.swarm(hash) == 0 {
			return fmt.Sprintf("aria2 does not seed yet; %d have announced themselves; %s", tr.swarm(hash), seeder.Output())
		}
		return ""
	})
	deliveredBy(t, good)

	second := d.folder("second")
	link := strings.TrimSpace(string(d.get(image+".magnet", "").body))
	d.succeeds(second, append(aria2c(), link)...)
	d.same(image, filepath.Join(second, filepath.Base(image)))
}

// Transmission downloads by web seeds. It never ends by itself.
func TestTransmission(t *testing.T) {
	t.Parallel()
	d, tr, good := seeded(t)
	dir, home := d.folder("transmission"), d.folder("transmission-home")
	name := filepath.Join(dir, filepath.Base(image))
	p := startProcess(t, d.clientEnv(), filepath.Join(d.dir, "transmission.log"), mirrortest.Program(t, "transmission-cli"),
		"--config-dir", home, "--download-dir", dir, "--port", strconv.Itoa(freePort(t, "127.0.0.1")), d.url(image)+".torrent")
	eventually(t, 50*time.Second, func() string {
		if !p.Alive() {
			t.Fatalf("transmission-cli has ended: %s", p.Output())
		}
		if _, err := os.Stat(name); err != nil { // until it is whole its name ends in .part
			return err.Error()
		}
		return ""
	})
	d.same(image, name)
	deliveredBy(t, good)
	if tr.swarm(d.infoHash(image)) == 0 {
		t.Error("it announces another info hash than the redirector says")
	}
}

// The library of qBittorrent and Deluge downloads by web seeds, hybrid torrents
// too.
func TestLibtorrent(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]string{"v1": "bittorrent_v2 = false", "hybrid": "bittorrent_v2 = true"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, tr, good := seeded(t, config)
			dir := d.folder("libtorrent")
			check(t, os.WriteFile(filepath.Join(dir, "x.torrent"), d.get(image+".torrent", "").body, 0o644))
			script, err := filepath.Abs("testdata/download.py")
			check(t, err)
			got := strings.Fields(d.succeeds(dir, systemPython(t), script, "x.torrent", dir).stdout)
			d.same(image, filepath.Join(dir, filepath.Base(image)))
			deliveredBy(t, good)
			if tr.swarm(d.infoHash(image)) == 0 {
				t.Error("it announces another info hash than the redirector says")
			}
			link := string(d.get(image+".magnet", "").body)
			for i, prefix := range []string{"xt=urn:btih:", "xt=urn:btmh:1220"} {
				hash := got[len(got)-2+i]
				if want := i == 0 || name == "hybrid"; strings.Contains(link, prefix+hash) != want {
					t.Errorf("libtorrent says version %d is %s, the magnet link %s", i+1, hash, link)
				}
			}
		})
	}
}

// systemPython gives the Python that has libtorrent: the system's, which need not
// be the first in PATH. Without one the test is skipped, or fails where CI is set.
func systemPython(t testing.TB) string {
	t.Helper()
	const python = "/usr/bin/python3"
	out, err := exec.Command(python, "-c", "import libtorrent").CombinedOutput()
	switch {
	case err == nil:
	case os.Getenv("CI") != "":
		t.Fatalf("%s with libtorrent (python3-libtorrent) is needed: %v\n%s", python, err, out)
	default:
		t.Skip("python3-libtorrent is not installed")
	}
	return python
}

// tracker is a BitTorrent tracker (BEP 3, BEP 23) that tells everybody about
// everybody.
type tracker struct {
	url string

	mu    sync.Mutex
	peers map[string][]netip.AddrPort // by info hash
}

func startTracker(t testing.TB) *tracker {
	t.Helper()
	tr := &tracker{peers: map[string][]netip.AddrPort{}}
	web := httptest.NewServer(tr)
	t.Cleanup(web.Close)
	tr.url = web.URL + "/announce"
	return tr
}

// ServeHTTP answers an announcement.
func (tr *tracker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	host, _, _ := net.SplitHostPort(r.RemoteAddr) // the server made it
	addr, err := netip.ParseAddr(host)
	port, err2 := strconv.ParseUint(q.Get("port"), 10, 16)
	if err != nil || err2 != nil || len(q.Get("info_hash")) != 20 {
		http.Error(w, "bad announcement", http.StatusBadRequest)
		return
	}
	me := netip.AddrPortFrom(addr, uint16(port))
	tr.mu.Lock()
	defer tr.mu.Unlock()
	var others []byte
	known := false
	for _, p := range tr.peers[q.Get("info_hash")] {
		if p == me {
			known = true
			continue
		}
		a := p.Addr().As4()
		others = binary.BigEndian.AppendUint16(append(others, a[:]...), p.Port())
	}
	if !known {
		tr.peers[q.Get("info_hash")] = append(tr.peers[q.Get("info_hash")], me)
	}
	fmt.Fprintf(w, "d8:intervali2e12:min intervali1e5:peers%d:%se", len(others), others)
}

// swarm is how many peers have announced themselves for a torrent.
func (tr *tracker) swarm(infoHash string) int {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return len(tr.peers[infoHash])
}
