package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/mirrortest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/rsynctest"
)

// plainNames are the odd names that every protocol can tell and every server
// lists: FTP has no line breaks, nginx hides dot files.
func plainNames() []string {
	return slices.DeleteFunc(slices.Clone(oddNames), func(n string) bool {
		return !utf8.ValidString(n) || strings.ContainsFunc(n, unicode.IsControl) || strings.HasPrefix(n, ".") || strings.TrimSpace(n) != n
	})
}

// scanReport is one mirror's part of mbctl scan --json.
type scanReport struct {
	Mirror, Protocol, Error, Skipped, Advice string
	OK                                       bool
	Listed, Unknown, Stale, Doubtful         int
	Held, Added, Removed                     int
	Notes                                    []string
}

// scan scans mirrors and gives the reports by name.
func (s *site) scan(args ...string) map[string]scanReport {
	s.t.Helper()
	var list []scanReport
	s.json(&list, append([]string{"scan"}, args...)...)
	byName := map[string]scanReport{}
	for _, r := range list {
		byName[r.Mirror] = r
	}
	return byName
}

// TestProtocols: a complete mirror is found complete by every protocol, client
// and server, whatever zone its clock shows.
func TestProtocols(t *testing.T) {
	t.Parallel()
	s := newSite(t, settings{})
	count := 0
	for _, folder := range []string{"", "fold er %41&#;ü/"} {
		for _, name := range plainNames() {
			// Summer and winter, small and large.
			size := []int{0, 1, 1023, 1024, 10188, 123456, 1<<20 + 5}[count%7]
			put(t, s.root, folder+name, size, aTime.AddDate(0, 0, -11*count))
			count++
		}
	}
	sparse(t, s.root, "big.iso", aTime)
	count++
	s.must("index", s.root)
	dir := s.copyOf("all")
	plain := mirrortest.Nginx(t, dir, mirrortest.Options{Host: germany})
	daemon := rsynctest.StartConfig(t, rsynctest.Config{Address: germany, Modules: []rsynctest.Module{
		{Name: "empty", Path: t.TempDir()},
		{Name: "pub", Path: dir},
		{Name: "secret", Path: dir, Users: map[string]string{"scanner": "pa:ss w@rd"}, Extra: []string{"list = no"}},
	}})
	password := filepath.Join(s.dir, "password")
	check(t, os.WriteFile(password, []byte("pa:ss w@rd\n"), 0o600))
	cert, key := certificate(t, s.dir, germany)
	s.extraEnv = []string{"SSL_CERT_FILE=" + cert}

	newYork, berlin := []string{"TZ=America/New_York"}, []string{"TZ=Europe/Berlin"}
	for name, args := range map[string][]string{
		"rsync":           {"-H", plain.URL, "-R", daemon.URL("pub")},
		"rsync-url":       {"-H", plain.URL, "-R", daemon.UserURL("secret", "scanner", "pa%3Ass%20w%40rd")},
		"rsync-file":      {"-H", plain.URL, "-R", "rsync://scanner@" + daemon.Addr() + "/secret/", "--rsync-password-file", password},
		"ftp-list":        {"-H", plain.URL, "-F", mirrortest.Vsftpd(t, dir, mirrortest.Options{Host: germany}).URL},
		"ftp-list-zone":   {"-H", plain.URL, "-F", mirrortest.Vsftpd(t, dir, mirrortest.Options{Host: germany, Env: newYork, Config: "\nuse_localtime=YES\n"}).URL},
		"ftp-mlsd":        {"-H", plain.URL, "-F", mirrortest.GoFTP(t, dir, mirrortest.Options{Host: germany}).URL},
		"http-nginx":      {"-H", plain.URL},
		"http-nginx-zone": {"-H", mirrortest.Nginx(t, dir, mirrortest.Options{Host: germany, Env: berlin, Config: "autoindex_localtime on;"}).URL},
		"http-nginx-json": {"-H", mirrortest.Nginx(t, dir, mirrortest.Options{Host: germany, Config: "autoindex_format json;"}).URL},
		"https-nginx":     {"-H", mirrortest.Nginx(t, dir, mirrortest.Options{Host: germany, Cert: cert, Key: key}).URL},
		"http-apache":     {"-H", mirrortest.Apache(t, dir, mirrortest.Options{Host: germany, Env: berlin, Config: "IndexOptions FancyIndexing NameWidth=*"}).URL},
		"http-apache-tbl": {"-H", mirrortest.Apache(t, dir, mirrortest.Options{Host: germany, Config: "IndexOptions FancyIndexing HTMLTable"}).URL},
		"http-lighttpd":   {"-H", mirrortest.Lighttpd(t, dir, mirrortest.Options{Host: germany}).URL},
		"http-caddy":      {"-H", s.caddyMirror(germany, dir)},
		"next":            {"-H", plain.URL, "-R", daemon.UserURL("secret", "scanner", "wrong"), "-F", "ftp://127.50.1.1:1/"},
	} {
		s.must(append([]string{"new", name}, args...)...)
	}
	reports := s.scan("--all", "--enable", "-j", "4", "--timeout", "20s")
	if len(reports) != 15 {
		t.Errorf("%d reports of 15 mirrors", len(reports))
	}
	for name, r := range reports {
		proto, _, _ := strings.Cut(strings.TrimSuffix(strings.Replace(name, "https", "http", 1), "-"), "-")
		if name == "next" {
			proto = "http"
		}
		if !r.OK || r.Held != count || r.Stale != 0 || r.Doubtful != 0 || r.Unknown != 0 || r.Protocol != proto {
			t.Errorf("%s: of %d files: %+v", name, count, r)
		}
		if name == "next" && len(r.Notes) < 2 {
			t.Errorf("next: does not say what failed: %q", r.Notes)
		}
	}
	if r := s.scan("rsync", "--rsync-program", rsynctest.Program(t))["rsync"]; !r.OK || r.Held != count || r.Added+r.Removed != 0 {
		t.Errorf("by the rsync program: %+v", r)
	}
	if r := s.scan("rsync-file", "--rsync-program", rsynctest.Program(t))["rsync-file"]; !r.OK || r.Held != count || r.Added+r.Removed != 0 {
		t.Errorf("by the rsync program, with a password: %+v", r)
	}
	if r := s.scan("rsync", "--protocol", "http")["rsync"]; !r.OK || r.Protocol != "http" || r.Held != count {
		t.Errorf("--protocol http: %+v", r)
	}
	for _, name := range []string{"rsync-url", "rsync-file"} {
		if out := s.must("show", name, "--json") + s.must("log", name) + s.must("list"); strings.Contains(out, "w%40rd") || strings.Contains(out, "w@rd") {
			t.Errorf("%s: the password is told:\n%s", name, out)
		}
	}
}

// TestAdvice: when most of a listing does not fit, the scan says what to do.
func TestAdvice(t *testing.T) {
	t.Parallel()
	s := newSite(t, settings{})
	var names []string
	for i := range 40 {
		names = append(names, fmt.Sprintf("project/sub/f%d.bin", i))
		put(t, s.root, names[i], 5000+i, aTime)
	}
	s.must("index", s.root)
	dir := s.copyOf("x")
	web := mirrortest.Nginx(t, dir, mirrortest.Options{Host: germany})
	s.must("new", "inside", "-H", web.URL+"project/", "-R", rsyncd(t, germany, filepath.Join(dir, "project")).URL("pub"))
	if r := s.scan("inside")["inside"]; !strings.Contains(r.Advice, "--subtree project") {
		t.Errorf("a URL inside the tree: %+v", r)
	}
	s.must("edit", "inside", "--subtree", "project")
	if r := s.scan("inside", "--enable")["inside"]; !r.OK || r.Held != 40 {
		t.Errorf("with --subtree: %+v", r)
	}
	s.start()
	s.follows()
	a := s.get(names[0], inGermany)
	if a.location != web.URL+names[0] {
		t.Errorf("with --subtree: sent to %q", a.location)
	}

	touched := filepath.Join(s.dir, "touched")
	for i, n := range names {
		put(t, touched, n, 5000+i, aTime.Add(-time.Hour))
	}
	s.must("new", "touched", "-H", web.URL, "-R", rsyncd(t, germany, touched).URL("pub"))
	if r := s.mbctl("scan", "touched"); !strings.Contains(r.stdout, "off by -1h") {
		t.Errorf("all times off: %s", r.stdout)
	}
}
