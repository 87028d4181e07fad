package e2e

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestStaleOnly: a file that mirrors have only in an older version is served
// from here, until a scan finds the new one.
func TestStaleOnly(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, database string) {
		s := newSite(t, settings{database: database})
		small(t, s.root, 20)
		put(t, s.root, "nightly.iso", 9000, aTime)
		check(t, os.Symlink("nightly.iso", filepath.Join(s.root, "latest.iso")))
		s.must("index", s.root)
		dir := s.addMirror("berlin", germany)
		s.start()
		s.decides("in sync", "nightly.iso", inGermany, "berlin")

		// On disk, but not in the index yet: the file check tells.
		putSeed(t, s.root, "nightly.iso", "tonight's", 9000, aTime.Add(24*time.Hour))
		want, err := os.ReadFile(filepath.Join(s.root, "nightly.iso"))
		check(t, err)
		s.decides("changed on disk", "nightly.iso", inGermany, "")
		here := func(when string) {
			t.Helper()
			for _, path := range []string{"nightly.iso", "latest.iso"} {
				if a := s.get(path, inGermany); a.status != 200 || !bytes.Equal(a.body, want) {
					t.Errorf("%s: %s: status %d, Location %q, %d bytes", when, path, a.status, a.location, len(a.body))
				}
			}
		}
		here("not indexed")
		s.must("index")
		s.follows()
		here("indexed")
		s.must("scan", "berlin")
		s.follows()
		here("scanned, and the mirror is behind")
		putSeed(t, dir, "nightly.iso", "tonight's", 4000, aTime.Add(24*time.Hour))
		s.must("scan", "berlin")
		s.follows()
		here("scanned while the mirror was receiving it")
		putSeed(t, dir, "nightly.iso", "tonight's", 9000, aTime.Add(24*time.Hour))
		s.must("scan", "berlin")
		s.decides("the mirror has it", "nightly.iso", inGermany, "berlin")
		s.decides("and its link", "latest.iso", inGermany, "berlin")

		// Gone from the disk, still in the index.
		check(t, os.Remove(filepath.Join(s.root, "nightly.iso")))
		s.decides("removed on disk", "nightly.iso", inGermany, "")
		if a := s.get("nightly.iso", inGermany); a.status != 404 {
			t.Errorf("removed on disk: status %d", a.status)
		}
	})
}

// TestScanTooOld: a mirror that was not scanned for long takes no requests.
func TestScanTooOld(t *testing.T) {
	t.Parallel()
	s := newSite(t, settings{})
	files := small(t, s.root, 20)
	s.must("index", s.root)
	s.addMirror("berlin", germany)
	s.start()
	if got := s.sentTo("berlin", files); got != 20 {
		t.Fatalf("%d of 20 files are sent to the mirror", got)
	}
	s.stop()
	s.instance = "max_scan_age 3s"
	time.Sleep(3 * time.Second)
	s.start()
	s.decides("the scan is too old", files[0], inGermany, "")
	s.must("scan", "berlin")
	s.decides("scanned again", files[0], inGermany, "berlin")
}
