package e2e

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/pgtest"
)

// goesOn asks for many files and wants every one redirected, and none to take
// as long as a database that does not answer.
func (s *site) goesOn(when string, files []string) {
	s.t.Helper()
	var longest time.Duration
	for i := range 500 {
		a := s.get(files[i%len(files)], inGermany)
		if a.mirror != "berlin" {
			s.t.Fatalf("%s: %s is sent to %q (status %d)", when, files[i%len(files)], a.mirror, a.status)
		}
		longest = max(longest, a.took)
	}
	s.t.Logf("%s: the longest of 500 answers took %v", when, longest)
	if longest > 2*time.Second {
		s.t.Errorf("%s: an answer took %v", when, longest)
	}
}

// TestDatabaseGone: PostgreSQL stops, hangs, comes back; requests do not
// notice, and the catalog catches up.
func TestDatabaseGone(t *testing.T) {
	t.Parallel()
	cluster := pgtest.Start(t)
	s := newSite(t, settings{database: cluster.Database(t)})
	files := small(t, s.root, 100)
	s.must("index", s.root)
	s.addMirror("berlin", germany)
	s.addMirror("newyork", usa)
	s.start()
	s.goesOn("the database is there", files)

	cluster.Stop(t)
	s.goesOn("the database is stopped", files)
	r := s.mbctl("list")
	if r.code != 4 {
		t.Errorf("mbctl list without a database: exit %d\n%s", r.code, r.stderr)
	}
	t.Logf("mbctl says: %s", r.stderr)
	time.Sleep(2 * time.Second)
	s.goesOn("the database has been stopped for seconds", files)
	s.reload()
	s.goesOn("after a reload without a database", files)
	cluster.Start(t)
	s.must("disable", "newyork")
	s.decides("the database is back", files[0], inUSA, "berlin")

	cluster.Freeze(t)
	s.goesOn("the database hangs", files)
	time.Sleep(2 * time.Second)
	s.handler = "duplicates 3"
	s.reload()
	s.goesOn("after a reload while it hangs", files)
	time.Sleep(4 * time.Second)
	s.goesOn("the database has been hanging for seconds", files)
	cluster.Thaw(t)
	s.must("enable", "newyork")
	s.decides("the database goes on", files[0], inUSA, "newyork")
	if n := strings.Count(s.caddy.Output(), "database does not answer"); n < 2 || n > 4 {
		t.Errorf("the log says %d times that the database does not answer; it was away twice, over two reloads", n)
	}

	// Nobody is there when Caddy starts.
	s.stop()
	cluster.Stop(t)
	s.launch()
	took := eventually(t, 10*time.Second, func() string {
		if h, err := s.health(); err != nil || !h.Ready {
			return fmt.Sprintf("not ready: %+v %v", h, err)
		}
		return ""
	})
	t.Logf("ready from the file after %v", took)
	s.goesOn("started without a database", files)
	if r := s.caddyValidate(); r.code != 0 {
		t.Errorf("caddy validate without a database: exit %d\n%s", r.code, r.stderr)
	}
	cluster.Start(t)
	s.must("disable", "newyork")
	s.decides("the database is back", files[0], inUSA, "berlin")
}

func (s *site) caddyValidate() result {
	s.t.Helper()
	return startCommand(s.t, s.env(), filepath.Join(bin, "caddy"), append([]string{"validate"}, s.caddyArgs()...)...).wait(s.t)
}

// TestStartWithNothing: no catalog file and no database: not_ready decides.
func TestStartWithNothing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		handler string
		status  int
		where   string
	}{
		{"", 200, ""},
		{"not_ready 503", 503, ""},
		{"not_ready fallback\nfallback https://fallback.example.org/pub/", 302, "https://fallback.example.org/pub/f/0000.bin"},
	} {
		t.Run(strings.SplitN(c.handler+"\n", "\n", 2)[0], func(t *testing.T) {
			t.Parallel()
			s := newSite(t, settings{database: "postgres://nobody:secret-pw@127.0.0.1:1/nothing?connect_timeout=2", handler: c.handler})
			small(t, s.root, 3)
			if r := s.caddyValidate(); r.code != 0 {
				t.Errorf("caddy validate: exit %d\n%s", r.code, r.stderr)
			}
			s.launch()
			a := s.get("f/0000.bin", inGermany)
			if a.status != c.status || a.location != c.where {
				t.Errorf("status %d, Location %q, want %d and %q", a.status, a.location, c.status, c.where)
			}
			if h := s.request(http.MethodGet, "health-of-the-redirector", ""); h.status != 503 {
				t.Errorf("health: status %d without a catalog", h.status)
			}
			r := s.mbctl("list")
			if r.code != 4 {
				t.Errorf("mbctl list: exit %d", r.code)
			}
			for _, text := range []string{r.stderr, s.caddy.Output()} {
				if strings.Contains(text, "secret-pw") {
					t.Errorf("the password is told: %s", text)
				}
			}
		})
	}
}

// TestSQLiteErrors: what is wrong with the file or its folder is said, with
// names, and no other file is used.
func TestSQLiteErrors(t *testing.T) {
	t.Parallel()
	s := newSite(t, settings{})
	missing := filepath.Join(s.dir, "missing", "mb.db")
	r := s.mbctl("--database", "sqlite://"+missing, "list")
	if r.code == 0 || r.code == 2 || !strings.Contains(r.stderr, filepath.Dir(missing)) {
		t.Errorf("a missing folder: exit %d, %s", r.code, r.stderr)
	}
	garbage := filepath.Join(s.dir, "garbage.db")
	s.write(garbage, strings.Repeat("this is no database", 1000))
	r = s.mbctl("--database", "sqlite://"+garbage, "list")
	if r.code == 0 || r.code == 2 || !strings.Contains(r.stderr, garbage) {
		t.Errorf("not a database: exit %d, %s", r.code, r.stderr)
	}
	for _, bad := range []string{"mysql://x/y", "sqlite://relative.db", "postgres://:::"} {
		if r := s.mbctl("--database", bad, "list"); r.code == 0 || r.code == 4 {
			t.Errorf("%s: exit %d, %s", bad, r.code, r.stderr)
		}
	}
	if os.Geteuid() != 0 {
		t.Skip("the rest needs another user")
	}

	folder := filepath.Join(s.dir, "owned")
	check(t, os.Mkdir(folder, 0o755))
	open := func(path string) {
		for p := path; p != "/" && p != os.TempDir(); p = filepath.Dir(p) {
			check(t, os.Chmod(p, 0o755))
		}
	}
	open(folder)
	open(bin)
	cmd := exec.Command(filepath.Join(bin, "mbctl"), "--database", "sqlite://"+filepath.Join(folder, "mb.db"), "list")
	cmd.Env = append(os.Environ(), "HOME="+folder)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Errorf("writing into a folder of others succeeds: %s", out)
	}
	t.Logf("%v: %s", err, out)
	for _, want := range []string{folder, "nobody", "root", "755"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the error does not name %s: %s", want, out)
		}
	}
	// Database files take the folder's owner and group, mode 0660.
	check(t, os.Chown(folder, 65534, 65534))
	s.must("--database", "sqlite://"+filepath.Join(folder, "mb.db"), "list")
	fi, err := os.Stat(filepath.Join(folder, "mb.db"))
	check(t, err)
	st := fi.Sys().(*syscall.Stat_t)
	if fi.Mode().Perm() != 0o660 || st.Uid != 65534 || st.Gid != 65534 {
		t.Errorf("the file has mode %v, owner %d, group %d", fi.Mode(), st.Uid, st.Gid)
	}
}

// TestDefaultDatabase: without a database configured, Caddy and mbctl use the
// same file.
func TestDefaultDatabase(t *testing.T) {
	t.Parallel()
	s := newSite(t, settings{})
	if _, err := os.Stat("/var/lib/mirrorbrain"); err == nil {
		t.Skip("/var/lib/mirrorbrain exists here")
	}
	s.database = ""
	s.write(s.config, "")
	files := small(t, s.root, 20)
	check(t, os.MkdirAll(filepath.Join(s.dir, "data"), 0o755))
	s.must("index", s.root)
	s.addMirror("berlin", germany, "-c", "de")
	out := s.mbctl("-v", "status")
	file := filepath.Join(s.dir, "data", "mirrorbrain", "mirrorbrain.db")
	if !strings.Contains(out.stderr+out.stdout, file) {
		t.Errorf("status -v does not name %s: %s%s", file, out.stdout, out.stderr)
	}
	s.start()
	if got := s.sentTo("berlin", files); got != 20 {
		t.Errorf("%d of 20 files are sent to the mirror", got)
	}
}

// TestDatabaseGoneDuringScan: a scan whose database goes away fails and says
// so, and what was known before is as it was.
func TestDatabaseGoneDuringScan(t *testing.T) {
	t.Parallel()
	cluster := pgtest.Start(t)
	s := newSite(t, settings{database: cluster.Database(t)})
	files := wide(t, s.root, 30, 50)
	s.must("index", s.root)
	_, g := s.gatedMirror("berlin", 3000)
	s.start()
	scan := s.startMbctl("scan", "berlin")
	g.wait(t)
	cluster.Stop(t)
	g.open()
	r := scan.wait(t)
	t.Logf("exit %d after %v\n%s%s", r.code, r.took, r.stdout, r.stderr)
	if r.code != 4 {
		t.Errorf("exit %d", r.code)
	}
	cluster.Start(t)
	if got := s.sentTo("berlin", files); got != len(files) {
		t.Errorf("%d of %d files are sent to the mirror", got, len(files))
	}
	s.must("enable", "berlin")

	// It hangs: mbctl does not do so for ever.
	cluster.Freeze(t)
	r = s.mbctl("list")
	t.Logf("a database that hangs: exit %d after %v: %s", r.code, r.took, r.stderr)
	if r.code != 4 {
		t.Errorf("a database that hangs: exit %d", r.code)
	}
	cluster.Thaw(t)
	s.must("list")
}
