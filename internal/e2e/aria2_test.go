package e2e

import (
	"path/filepath"
	"strings"
	"testing"
)

const image = "iso/disk 1.iso"

// aria2 downloads by every document that it reads, past a mirror with wrong
// bytes and one that is down. Pieces make that possible.
func TestAria2(t *testing.T) {
	t.Parallel()
	d := newDepot(t, "", func(root string) { keep(t, root, image, noise(1, 8<<20+77)) })
	d.publish()
	mirrors := []*webMirror{d.mirror("good"), d.mirror("other"), d.mirror("wrong"), d.mirror("down")}
	wrong, down := mirrors[2], mirrors[3]
	wrong.corrupt(image)
	down.Stop()
	d.start()
	fetch := func(name, suffix, kind string) {
		t.Helper()
		for _, m := range mirrors {
			m.forget()
		}
		before := d.answered("/" + escape(image) + suffix)[kind]
		dir := d.folder("aria2-" + name)
		r := d.succeeds(dir, append(aria2c(), d.url(image)+suffix)...)
		d.same(image, filepath.Join(dir, filepath.Base(image)))
		if n := d.answered("/" + escape(image) + suffix)[kind]; n != before+1 {
			t.Errorf("%s: the redirector has answered %d times with %s", name, n-before, kind)
		}
		for _, m := range mirrors[:3] {
			m.used(image)
		}
		if !strings.Contains(r.stdout, down.Host) {
			t.Errorf("%s: it did not try the mirror that is down:\n%s", name, r.stdout)
		}
	}
	fetch("transparent", "", "application/metalink4+xml")
	fetch("meta4", ".meta4", "application/metalink4+xml")
	fetch("metalink", ".metalink", "application/metalink+xml")

	// Where there is a torrent, Metalinks name it, and aria2 reads both.
	d.handler = "torrent_tracker " + startTracker(t).url
	d.reload()
	fetch("torrent", ".torrent", "application/x-bittorrent")
	fetch("both", ".meta4", "application/metalink4+xml")
}

// aria2c is the command line with which aria2 uses all mirrors at once, and ends
// when it has the file.
func aria2c() []string {
	return []string{
		"aria2c", "--no-conf", "--split=8", "--min-split-size=1M", "--max-connection-per-server=1",
		"--max-tries=2", "--retry-wait=0", "--connect-timeout=5", "--timeout=10", "--file-allocation=none",
		"--seed-time=0", "--enable-dht=false", "--enable-dht6=false", "--bt-enable-lpd=false",
		"--console-log-level=info", "--summary-interval=0", "--show-console-readout=false", "--enable-color=false",
	}
}
