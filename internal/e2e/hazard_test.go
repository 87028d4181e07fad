package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/mirrortest"
)

// sentTo counts how many of the paths a client in Germany is sent to mirror for.
func (s *site) sentTo(mirror string, paths []string) (n int) {
	s.t.Helper()
	s.follows()
	for _, p := range paths {
		if s.get(p, inGermany).mirror == mirror {
			n++
		}
	}
	return n
}

// expect runs mbctl and wants an exit code and words in its output.
func (s *site) expect(code int, words []string, args ...string) result {
	s.t.Helper()
	r := s.mbctl(args...)
	if r.code != code {
		s.t.Fatalf("mbctl %s: exit %d, want %d\n%s%s", strings.Join(args, " "), r.code, code, r.stdout, r.stderr)
	}
	for _, w := range words {
		if !strings.Contains(r.stdout+r.stderr, w) {
			s.t.Errorf("mbctl %s does not say %q:\n%s%s", strings.Join(args, " "), w, r.stdout, r.stderr)
		}
	}
	return r
}

// swap puts another tree in place of a mirror's, as a disk that is mounted.
func swap(t testing.TB, dir, by string) {
	t.Helper()
	check(t, os.Rename(dir, dir+".away"))
	check(t, os.Rename(by, dir))
	mirrortest.Readable(t, dir)
}

// TestRolledBackMirror: a mirror that goes back to last month's tree loses what
// is stale, although most of what it had is absent now.
func TestRolledBackMirror(t *testing.T) {
	t.Parallel()
	for _, web := range []string{"rolled back too", "does not tell"} {
		t.Run(web, func(t *testing.T) {
			t.Parallel()
			onBoth(t, func(t *testing.T, database string) {
				s := newSite(t, settings{database: database})
				same := small(t, s.root, 100)
				var changed, news []string
				for i := range 100 {
					changed = append(changed, fmt.Sprintf("changing/%d.bin", i))
					putSeed(t, s.root, changed[i], "last month", 4000, aTime.AddDate(0, -1, 0))
				}
				s.must("index", s.root)
				lastMonth := s.copyOf("lastmonth")
				for i := range 100 {
					put(t, s.root, changed[i], 4000, aTime)
				}
				for i := range 300 {
					news = append(news, fmt.Sprintf("new/%d.bin", i))
					put(t, s.root, news[i], 4100, aTime)
				}
				// All in one: a hundred files changed, none of them in size.
				s.must("index")
				dir := s.copyOf("berlin")
				server := s.mirrorOf("berlin", germany, dir)
				s.start()
				if got := s.sentTo("berlin", append(append(same, changed...), news...)); got != 500 {
					t.Fatalf("of 500 files, %d are sent to the mirror", got)
				}

				swap(t, dir, lastMonth)
				code := 0
				if web == "does not tell" {
					server.Stop()
					code = 3
				}
				r := s.expect(code, nil, "scan", "berlin")
				t.Log(r.stdout)
				if got := s.sentTo("berlin", changed); got != 0 {
					t.Errorf("%d of 100 files are sent to a mirror that has last month's", got)
				}
				if got := s.sentTo("berlin", same); got != 100 {
					t.Errorf("of 100 unchanged files, %d are sent to the mirror", got)
				}
				got := s.sentTo("berlin", news)
				if web == "rolled back too" && got != 0 {
					t.Errorf("%d of 300 files are sent to a mirror that no longer has them", got)
				}
				if web == "does not tell" && got != 300 {
					t.Errorf("nobody said that the mirror lost 300 files, but only %d are sent to it", got)
				}
			})
		})
	}
}

// TestUnmountedDisk: a mirror whose disk is away lists nothing and answers 404:
// it takes no requests. One whose listing alone is broken goes on.
func TestUnmountedDisk(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, database string) {
		s := newSite(t, settings{database: database})
		files := small(t, s.root, 150)
		s.must("index", s.root)
		dir := s.addMirror("berlin", germany)
		s.start()
		if got := s.sentTo("berlin", files); got != 150 {
			t.Fatalf("of 150 files, %d are sent to the mirror", got)
		}
		empty := filepath.Join(s.dir, "empty")
		check(t, os.Mkdir(empty, 0o755))
		swap(t, dir, empty)
		r := s.mbctl("scan", "berlin")
		t.Logf("exit %d\n%s%s", r.code, r.stdout, r.stderr)
		if got := s.sentTo("berlin", files); got != 0 {
			t.Errorf("%d of 150 files are sent to a mirror without its disk", got)
		}
		// The disk is back.
		check(t, os.Remove(dir))
		check(t, os.Rename(dir+".away", dir))
		s.must("scan", "berlin")
		if got := s.sentTo("berlin", files); got != 150 {
			t.Errorf("the disk is back, but of 150 files only %d are sent to the mirror", got)
		}
	})
}

// TestBrokenListing: rsync lists nothing, but the web server has everything.
func TestBrokenListing(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, database string) {
		s := newSite(t, settings{database: database})
		files := small(t, s.root, 150)
		s.must("index", s.root)
		s.addMirror("berlin", germany)
		s.start()
		empty := filepath.Join(s.dir, "empty")
		check(t, os.Mkdir(empty, 0o755))
		s.must("edit", "berlin", "-R", rsyncd(t, germany, empty).URL("pub"))
		s.expect(3, []string{"berlin", "listing is wrong"}, "scan", "berlin")
		if got := s.sentTo("berlin", files); got != 150 {
			t.Errorf("of 150 files that are all there, %d are sent to the mirror", got)
		}
		// Half a listing, too.
		half := filepath.Join(s.dir, "half")
		for i, f := range files[:40] {
			put(t, half, f, 5000+i, aTime.Add(time.Duration(i)*time.Minute))
		}
		s.must("edit", "berlin", "-R", rsyncd(t, germany, half).URL("pub"))
		s.expect(3, []string{"berlin", "listing is wrong"}, "scan", "berlin")
		if got := s.sentTo("berlin", files); got != 150 {
			t.Errorf("of 150 files that are all there, %d are sent to the mirror", got)
		}
		s.must("scan", "berlin", "--force")
		if got := s.sentTo("berlin", files); got != 40 {
			t.Errorf("--force believes a listing of 40 files, but %d are sent to the mirror", got)
		}
	})
}

// TestRsyncHostServesSomethingElse: what rsync lists is not what HTTP serves.
func TestRsyncHostServesSomethingElse(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, database string) {
		s := newSite(t, settings{database: database})
		files := small(t, s.root, 150)
		s.must("index", s.root)
		s.start()
		daemon := rsyncd(t, germany, s.copyOf("complete")).URL("pub")
		other := filepath.Join(s.dir, "other")
		for _, f := range files {
			putSeed(t, other, f, "another project's", 77, aTime)
		}
		page := filepath.Join(s.dir, "page")
		check(t, os.Mkdir(page, 0o755))
		s.write(filepath.Join(page, "index.html"), "welcome")
		for name, web := range map[string]string{
			"wrong-sizes": mirrortest.Nginx(t, other, mirrortest.Options{Host: germany}).URL,
			"wrong-path":  mirrortest.Nginx(t, s.copyOf("above"), mirrortest.Options{Host: germany}).URL + "pub/",
			"all-is-well": mirrortest.Nginx(t, page, mirrortest.Options{Host: germany, Config: "try_files $uri /index.html;"}).URL,
		} {
			s.must("new", name, "-H", web, "-R", daemon, "--enable")
			s.expect(3, []string{name}, "scan", name)
			if got := s.sentTo(name, files); got != 0 {
				t.Errorf("%d files are sent to %s", got, name)
			}
		}
		t.Log(s.must("list", "--all"))
	})
}

// TestSameSizeOlderMTime: the origin goes back to an older copy of the same
// size, while a mirror still has the newer one.
func TestSameSizeOlderMTime(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, database string) {
		s := newSite(t, settings{database: database})
		small(t, s.root, 30)
		putSeed(t, s.root, "image.iso", "withdrawn", 5000, aTime)
		s.must("index", s.root)
		dir := s.addMirror("berlin", germany)
		s.start()
		s.decides("the mirror has it", "image.iso", inGermany, "berlin")

		putSeed(t, s.root, "image.iso", "the good one of last month", 5000, aTime.AddDate(0, -1, 0))
		s.must("index")
		s.must("scan", "berlin")
		s.follows()
		a := s.get("image.iso", inGermany)
		if a.location != "" {
			t.Errorf("sent to %s, which has the withdrawn one", a.location)
		}
		// Touched by the mirror: newer than anything, but before the index saw the good one.
		check(t, os.Chtimes(filepath.Join(dir, "image.iso"), aTime.Add(time.Hour), aTime.Add(time.Hour)))
		s.must("scan", "berlin")
		s.follows()
		if a := s.get("image.iso", inGermany); a.location != "" {
			t.Errorf("sent to %s, which has the withdrawn one, touched", a.location)
		}
		putSeed(t, dir, "image.iso", "the good one of last month", 5000, aTime.AddDate(0, -1, 0))
		s.must("scan", "berlin")
		s.decides("the mirror has the good one", "image.iso", inGermany, "berlin")
	})
}

// TestEverythingTouched: a careless copy gives every file a new time.
func TestEverythingTouched(t *testing.T) {
	t.Parallel()
	for _, flag := range []string{"--same", "--force"} {
		t.Run(flag, func(t *testing.T) {
			t.Parallel()
			onBoth(t, func(t *testing.T, database string) {
				s := newSite(t, settings{database: database})
				files := small(t, s.root, 150)
				s.must("index", s.root)
				dir := s.copyOf("berlin")
				for _, f := range files { // a copy of its own, not a link, which would be touched too
					b, err := os.ReadFile(filepath.Join(dir, f))
					check(t, err)
					fi, err := os.Stat(filepath.Join(dir, f))
					check(t, err)
					replace(t, filepath.Join(dir, f), b, fi.ModTime())
				}
				s.mirrorOf("berlin", germany, dir)
				s.start()
				if got := s.sentTo("berlin", files); got != 150 {
					t.Fatalf("of 150 files, %d are sent to the mirror", got)
				}
				now := aTime.Add(24 * time.Hour)
				for _, f := range files {
					check(t, os.Chtimes(filepath.Join(s.root, f), now, now))
				}
				s.expect(5, []string{"--same", "--force", "150 of 150"}, "index")
				s.must("index", flag)
				time.Sleep(1100 * time.Millisecond) // how old the look at the file may be
				want := 150
				if flag == "--force" {
					want = 0
				}
				for _, when := range []string{"at once", "after a scan"} {
					if got := s.sentTo("berlin", files); got != want {
						t.Errorf("index %s, %s: of 150 files, %d are sent to the mirror, not %d", flag, when, got, want)
					}
					s.must("scan", "berlin")
				}
				for _, f := range files { // the mirror follows
					check(t, os.Chtimes(filepath.Join(dir, f), now, now))
				}
				s.must("scan", "berlin")
				if got := s.sentTo("berlin", files); got != 150 {
					t.Errorf("index %s: the mirror has the new times, but of 150 files, %d are sent to it", flag, got)
				}
				if r := s.mbctl("index", "--same", "--force"); r.code != 2 {
					t.Errorf("--same with --force: exit %d", r.code)
				}
			})
		})
	}
}

// TestStagedRelease: what others may not read is neither listed nor answered,
// until its mode opens.
func TestStagedRelease(t *testing.T) {
	t.Parallel()
	s := newSite(t, settings{})
	small(t, s.root, 30)
	put(t, s.root, "2.0/image.iso", 6000, aTime)
	chmod(t, s.root, "2.0", 0o750)
	s.must("index", s.root)
	dir := s.addMirror("berlin", germany)
	chmod(t, dir, "2.0", 0o755) // a mirror may be careless
	s.start()
	s.must("scan", "berlin")
	s.follows()
	if a := s.get("2.0/image.iso", inGermany); a.status != http.StatusNotFound {
		t.Errorf("status %d before the release, sent to %q", a.status, a.location)
	}
	chmod(t, s.root, "2.0", 0o755)
	s.must("index", "--subtree", "2.0")
	s.must("scan", "berlin", "--subtree", "2.0")
	s.decides("the release", "2.0/image.iso", inGermany, "berlin")
	if a := s.request(http.MethodHead, "2.0/image.iso", inGermany); a.mirror != "berlin" {
		t.Errorf("HEAD is sent to %q", a.mirror)
	}
	chmod(t, s.root, "2.0", 0o750) // withdrawn
	s.must("index", "--subtree", "2.0", "--force")
	s.decides("the release is withdrawn", "2.0/image.iso", inGermany, "")
}
