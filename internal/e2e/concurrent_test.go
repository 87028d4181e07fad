package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/mirrortest"
)

// gatedMirror is a mirror whose full listing hangs in a gate after some bytes.
// It has been scanned once without one.
func (s *site) gatedMirror(name string, after int64) (dir string, g *gate) {
	s.t.Helper()
	dir = s.copyOf(name)
	web := mirrortest.Nginx(s.t, dir, mirrortest.Options{Host: germany})
	daemon := rsyncd(s.t, germany, dir)
	s.must("new", name, "-H", web.URL, "-R", daemon.URL("pub"))
	s.must("scan", name, "--enable")
	g = newGate(s.t, germany, daemon.Addr(), after)
	s.must("edit", name, "-R", "rsync://"+g.addr+"/pub/")
	return dir, g
}

// wide fills a tree with folders of files, so that its listing is long.
func wide(t testing.TB, root string, folders, files int) (paths []string) {
	t.Helper()
	for i := range folders {
		for j := range files {
			p := fmt.Sprintf("d%03d/file-with-a-rather-long-name-%04d.bin", i, j)
			put(t, root, p, 1000+j, aTime)
			paths = append(paths, p)
		}
	}
	return paths
}

// TestIndexAndSubtreeScanDuringFullScan: what an index run and a subtree scan
// write while a long scan is under way is not lost when that commits.
func TestIndexAndSubtreeScanDuringFullScan(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, database string) {
		s := newSite(t, settings{database: database})
		files := wide(t, s.root, 30, 50)
		s.must("index", s.root)
		dir, g := s.gatedMirror("berlin", 3000)
		s.start()

		full := s.startMbctl("scan", "berlin")
		g.wait(t)
		// Meanwhile: a release, which the mirror has, and whose folder is scanned.
		var news []string
		for i := range 20 {
			p := fmt.Sprintf("release/%d.iso", i)
			put(t, s.root, p, 6000, aTime)
			put(t, dir, p, 6000, aTime)
			news = append(news, p)
		}
		// A changed file, which the mirror has not yet; and one that is removed.
		putSeed(t, s.root, files[7], "new", 1111, aTime.AddDate(0, 0, 1))
		check(t, os.Remove(filepath.Join(s.root, files[8])))
		s.must("index")
		s.must("scan", "berlin", "--subtree", "release")
		if got := s.sentTo("berlin", news); got != 20 {
			t.Errorf("after the subtree scan, %d of 20 new files are sent to the mirror", got)
		}
		g.open()
		if r := full.wait(t); r.code != 0 {
			t.Fatalf("the full scan: exit %d\n%s%s", r.code, r.stdout, r.stderr)
		} else {
			t.Log(r.stdout)
		}
		if got := s.sentTo("berlin", news); got != 20 {
			t.Errorf("after the full scan, %d of 20 new files are sent to the mirror", got)
		}
		if got := s.sentTo("berlin", files); got != len(files)-2 {
			t.Errorf("after the full scan, %d of %d old files are sent to the mirror", got, len(files)-2)
		}
		if a := s.get(files[7], inGermany); a.location != "" {
			t.Errorf("a file that changed during the scan is sent to %s", a.location)
		}
	})
}

// TestNewFileDuringScan: a file that is published while a scan is under way,
// and that the mirror lists already, is credited by that scan.
func TestNewFileDuringScan(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, database string) {
		s := newSite(t, settings{database: database})
		files := wide(t, s.root, 30, 50)
		s.must("index", s.root)
		dir, g := s.gatedMirror("berlin", 3000)
		s.start()
		put(t, dir, "zz-new.iso", 6000, aTime)                         // early: the mirror was faster than the index
		putSeed(t, dir, files[3], "new", 2222, aTime.AddDate(0, 0, 1)) // likewise
		full := s.startMbctl("scan", "berlin")
		g.wait(t)
		put(t, s.root, "zz-new.iso", 6000, aTime)
		putSeed(t, s.root, files[3], "new", 2222, aTime.AddDate(0, 0, 1))
		s.must("index")
		g.open()
		if r := full.wait(t); r.code != 0 {
			t.Fatalf("the scan: exit %d\n%s%s", r.code, r.stdout, r.stderr)
		} else {
			t.Log(r.stdout)
		}
		s.decides("the new file", "zz-new.iso", inGermany, "berlin")
		s.decides("the changed file", files[3], inGermany, "berlin")
		if got := s.sentTo("berlin", files); got != len(files) {
			t.Errorf("%d of %d files are sent to the mirror", got, len(files))
		}
	})
}

// TestTwoScansOfOneMirror: the second says who is at it, and nothing is lost.
func TestTwoScansOfOneMirror(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, database string) {
		s := newSite(t, settings{database: database})
		files := wide(t, s.root, 30, 50)
		s.must("index", s.root)
		_, g := s.gatedMirror("berlin", 3000)
		s.start()
		first := s.startMbctl("scan", "berlin")
		g.wait(t)
		second := s.mbctl("scan", "berlin")
		if !strings.Contains(second.stdout, "skipped") || !strings.Contains(second.stdout, fmt.Sprint(first.cmd.Process.Pid)) {
			t.Errorf("the second scan does not say who is at it: exit %d\n%s%s", second.code, second.stdout, second.stderr)
		}
		t.Logf("the second: exit %d, %s", second.code, second.stdout)
		if r := s.mbctl("index"); r.code != 0 {
			t.Errorf("index during a scan: exit %d, %s", r.code, r.stderr)
		}
		g.open()
		if r := first.wait(t); r.code != 0 {
			t.Fatalf("the first scan: exit %d\n%s%s", r.code, r.stdout, r.stderr)
		}
		if got := s.sentTo("berlin", files); got != len(files) {
			t.Errorf("%d of %d files are sent to the mirror", got, len(files))
		}
		s.must("scan", "berlin")
	})
}

// TestInterruptedScan: Ctrl-C at any moment loses nothing and frees the lease;
// so does, after a while, SIGKILL.
func TestInterruptedScan(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, database string) {
		for _, after := range []int64{1, 3000, 10_000} {
			s := newSite(t, settings{database: database})
			if database != "" { // one database, several mirrors
				s.mbctl("disable", "berlin")
				s.mbctl("delete", "berlin", "--force")
			}
			files := wide(t, s.root, 30, 50)
			s.must("index", s.root, "--force")
			_, g := s.gatedMirror("berlin", after)
			s.start()
			scan := s.startMbctl("scan", "berlin")
			g.wait(t)
			check(t, scan.cmd.Process.Signal(syscall.SIGINT))
			r := scan.wait(t)
			if r.code != 1 || !strings.Contains(r.stderr, "interrupted") {
				t.Errorf("interrupted: exit %d\n%s%s", r.code, r.stdout, r.stderr)
			}
			if got := s.sentTo("berlin", files); got != len(files) {
				t.Errorf("interrupted after %d bytes: %d of %d files are sent to the mirror", after, got, len(files))
			}
			g.open()
			if out := s.must("scan", "berlin"); !strings.Contains(out, fmt.Sprintf("held %d", len(files))) {
				t.Errorf("after an interruption: %s", out)
			}
			s.stop()
		}
	})
}
