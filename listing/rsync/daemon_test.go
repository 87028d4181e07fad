package rsync

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/rsynctest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
)

// TestDaemon lists a real daemon's odd tree in every protocol version.
func TestDaemon(t *testing.T) {
	t.Parallel()
	dir := oddTree(t)
	srv := rsynctest.Start(t, rsynctest.Module{Name: "odd", Path: dir}, rsynctest.Module{Name: "empty", Path: t.TempDir()})
	for v := oldestVersion; v <= newestVersion; v++ {
		t.Run(fmt.Sprint(v), func(t *testing.T) {
			t.Parallel()
			l := newLister(t, srv.URL("odd"), listing.Options{})
			l.newest = v
			want := walk(t, dir, v)
			got, sum, err := collect(t, l, "")
			if err != nil || !sum.Complete() || sum.Refused != 0 {
				t.Fatalf("%+v, %v", sum, err)
			}
			same(t, want, got)

			for _, sub := range []string{"deep", "deep/d/d", "dir *?[x]\\y", "empty folder", "dir\nbreak"} {
				if v < 30 && strings.Contains(sub, "\n") {
					continue
				}
				got, sum, err := collect(t, l, sub)
				if err != nil || !sum.Complete() {
					t.Fatalf("%q: %+v, %v", sub, sum, err)
				}
				same(t, below(want, sub), got)
			}
			for _, sub := range []string{"none", "none*", "plain", "deep/none/none"} {
				if _, sum, err := collect(t, l, sub); !errors.Is(err, listing.ErrNoFolder) || sum.Entries != 0 {
					t.Errorf("%q: %+v, %v; want ErrNoFolder", sub, sum, err)
				}
			}
			if v < 30 {
				if _, _, err := collect(t, l, "dir\nbreak"); err == nil {
					t.Error("a line break was sent in an old protocol")
				}
			}

			l = newLister(t, srv.URL("empty"), listing.Options{})
			l.newest = v
			if got, sum, err := collect(t, l, ""); err != nil || !sum.Complete() || len(got) != 0 {
				t.Errorf("empty module: %v, %+v, %v", got, sum, err)
			}
		})
	}
	t.Cleanup(func() {
		// The goodbye is right when the daemon has nothing to complain of.
		for line := range strings.Lines(srv.Log()) {
			if strings.Contains(line, "rsync error") && !strings.Contains(line, "(code 23)") ||
				strings.Contains(line, "unexpectedly closed") || strings.Contains(line, "Broken pipe") || strings.Contains(line, "reset") {
				t.Errorf("the daemon logged: %s", line)
			}
		}
	})
}

// TestFolderURL lists an URL that names a folder in a module.
func TestFolderURL(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "pub/a b/x"), "1")
	writeFile(t, filepath.Join(dir, "pub/a b/c/y"), "12")
	srv := rsynctest.Start(t, rsynctest.Module{Name: "my mod", Path: dir})
	for _, path := range []string{"my mod/pub/a b", "my%20mod/pub/a%20b/"} {
		l := newLister(t, "rsync://"+srv.Addr()+"/"+path, listing.Options{})
		got, _, err := collect(t, l, "")
		check(t, err)
		if keys := fmt.Sprint(sortedKeys(got)); keys != "[c c/y x]" {
			t.Errorf("%s: %s", path, keys)
		}
		got, _, err = collect(t, l, "c")
		check(t, err)
		if keys := fmt.Sprint(sortedKeys(got)); keys != "[c/y]" {
			t.Errorf("%s, c: %s", path, keys)
		}
	}
}

// TestUnreadable expects a folder that the daemon may not read to make the
// listing incomplete, whatever the protocol version.
func TestUnreadable(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for p := dir; p != os.TempDir() && len(p) > 1; p = filepath.Dir(p) {
		check(t, os.Chmod(p, 0o755)) // nobody must get this far
	}
	writeFile(t, filepath.Join(dir, "open"), "")
	writeFile(t, filepath.Join(dir, "closed/file"), "")
	check(t, os.Chmod(filepath.Join(dir, "closed"), 0))
	t.Cleanup(func() { check(t, os.Chmod(filepath.Join(dir, "closed"), 0o755)) })
	m := rsynctest.Module{Name: "m", Path: dir}
	quiet := rsynctest.Module{Name: "quiet", Path: dir, Extra: []string{"ignore errors = yes"}}
	if os.Getuid() == 0 {
		m.Extra = append(m.Extra, "uid = nobody", "gid = nogroup")
		quiet.Extra = append(quiet.Extra, "uid = nobody", "gid = nogroup")
	}
	srv := rsynctest.Start(t, m, quiet)
	for v := oldestVersion; v <= newestVersion; v++ {
		for _, module := range []string{"m", "quiet"} {
			l := newLister(t, srv.URL(module), listing.Options{})
			l.newest = v
			got, sum, err := collect(t, l, "")
			if err != nil || fmt.Sprint(sortedKeys(got)) != "[closed open]" {
				t.Errorf("version %d, %s: %v, %v", v, module, sortedKeys(got), err)
			}
			if sum.Complete() || !strings.Contains(sum.Incomplete[0], "closed") {
				t.Errorf("version %d, %s: incomplete because %q", v, module, sum.Incomplete)
			}
			// The closed folder itself: it exists, but cannot be listed.
			_, sum, err = collect(t, l, "closed")
			if errors.Is(err, listing.ErrNoFolder) || err == nil && sum.Complete() {
				t.Errorf("version %d, %s, closed: %+v, %v", v, module, sum, err)
			}
		}
	}
	l := newLister(t, srv.URL("m"), listing.Options{RsyncProgram: rsynctest.Program(t)})
	if _, sum, err := collect(t, l, ""); err != nil || sum.Complete() || !strings.Contains(sum.Incomplete[0], "closed") {
		t.Errorf("program: %+v, %v", sum, err)
	}
}

// TestRefusals checks what is made of the ways in which daemons say no.
func TestRefusals(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "file"), "")
	motd := filepath.Join(t.TempDir(), "motd")
	noise := strings.Repeat("Welcome! @ERROR @RSYNCD: OK\n@RSYNCD: 99.0 \xff\xfe\n@RSYNCD:OK\n\r\x1b[2J "+strings.Repeat("x", 900)+"\n\n", 300)
	check(t, os.WriteFile(motd, []byte(noise), 0o644))
	srv := rsynctest.StartConfig(t, rsynctest.Config{
		Global: []string{"motd file = " + motd},
		Modules: []rsynctest.Module{
			{Name: "open", Path: dir},
			{Name: "hidden", Path: dir, Extra: []string{"list = no"}},
			{Name: "denied", Path: dir, Extra: []string{"hosts deny = *"}},
			{Name: "unmounted", Path: filepath.Join(dir, "none")},
			{Name: "refuses", Path: dir, Extra: []string{"refuse options = recursive"}},
			{Name: "password", Path: dir, Users: map[string]string{"bob": "s:e c#r@t/"}},
			{Name: "full", Path: dir, Extra: []string{"max connections = -1"}},
		},
	})
	secret := "bob:s%3Ae%20c%23r%40t%2F"
	tests := []struct {
		module, user string
		want         error // nil: any error when words is set
		words        string
	}{
		{module: "open"},
		{module: "hidden"},
		{module: "none", want: listing.ErrNoFolder, words: "Unknown module"},
		{module: "denied", words: "denied"},
		{module: "unmounted", words: "chdir failed"},
		{module: "refuses", words: "recursive"},
		{module: "password", user: secret},
		{module: "password", user: "bob:wrong", want: listing.ErrAuth, words: "auth failed"},
		{module: "password", user: "eve:x", want: listing.ErrAuth, words: "auth failed"},
		{module: "full", want: listing.ErrBusy},
	}
	for _, tt := range tests {
		t.Run(tt.module+" "+tt.user, func(t *testing.T) {
			t.Parallel()
			url := srv.URL(tt.module)
			if tt.user != "" {
				url = strings.Replace(url, "rsync://", "rsync://"+tt.user+"@", 1)
			}
			for v := oldestVersion; v <= newestVersion; v++ {
				l := newLister(t, url, listing.Options{})
				l.newest = v
				refused(t, l, tt.want, tt.words)
			}
			refused(t, newLister(t, url, listing.Options{RsyncProgram: rsynctest.Program(t)}), tt.want, tt.words)
		})
	}
}

// refused expects a listing of one file, or an error: want if it is not nil,
// with the words in it.
func refused(t *testing.T, l *Lister, want error, words string) {
	t.Helper()
	name := fmt.Sprintf("version %d, program %q", l.newest, l.options.RsyncProgram)
	got, sum, err := collect(t, l, "")
	if want == nil && words == "" {
		if err != nil || !sum.Complete() || len(got) != 1 {
			t.Errorf("%s: %+v, %v", name, sum, err)
		}
		return
	}
	if err == nil || want != nil && !errors.Is(err, want) || !strings.Contains(err.Error(), words) {
		t.Errorf("%s: %v; want %v and %q", name, err, want, words)
	}
	if want == nil && (errors.Is(err, listing.ErrNoFolder) || errors.Is(err, listing.ErrAuth)) {
		t.Errorf("%s: %v is too definite", name, err)
	}
	if err != nil && (strings.Contains(err.Error(), "wrong") || strings.Contains(err.Error(), "%23r")) {
		t.Errorf("%s: %v gives the password away", name, err)
	}
}

// TestPassword looks for the password everywhere it may be.
func TestPassword(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "file"), "")
	srv := rsynctest.Start(t, rsynctest.Module{Name: "m", Path: dir, Users: map[string]string{"bob": "secret"}})
	file := filepath.Join(t.TempDir(), "password")
	check(t, os.WriteFile(file, []byte("secret\r\nmore\n"), 0o600))
	empty := filepath.Join(t.TempDir(), "empty")
	check(t, os.WriteFile(empty, []byte("\n"), 0o600))
	user := strings.Replace(srv.URL("m"), "rsync://", "rsync://bob@", 1)
	tests := []struct {
		name, url, file, env, login string
		bad                         bool
	}{
		{name: "url", url: srv.UserURL("m", "bob", "secret"), env: "wrong"},
		{name: "file", url: user, file: file, env: "wrong"},
		{name: "environment", url: user, env: "secret"},
		{name: "login", url: srv.URL("m"), env: "secret", login: "bob"},
		{name: "none", url: user, bad: true},
		{name: "wrong", url: user, env: "secre", bad: true},
		{name: "file missing", url: user, file: file + "x", env: "secret", bad: true},
		{name: "file empty", url: user, file: empty, env: "secret", bad: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("USER", tt.login)
			t.Setenv("LOGNAME", "")
			t.Setenv("RSYNC_PASSWORD", tt.env)
			if tt.env == "" {
				os.Unsetenv("RSYNC_PASSWORD")
			}
			for _, program := range []string{"", rsynctest.Program(t)} {
				l := newLister(t, tt.url, listing.Options{PasswordFile: tt.file, RsyncProgram: program})
				got, _, err := collect(t, l, "")
				if tt.bad != (err != nil) || !tt.bad && len(got) != 1 {
					t.Errorf("program %q: %v, %v", program, got, err)
				}
				if tt.bad && tt.file == "" && !errors.Is(err, listing.ErrAuth) {
					t.Errorf("program %q: %v; want ErrAuth", program, err)
				}
			}
		})
	}
}

// TestStop ends listings early: by yield, by the context.
func TestStop(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for i := range 2000 {
		writeFile(t, filepath.Join(dir, fmt.Sprintf("some quite long name of a file %d", i)), "")
	}
	srv := rsynctest.Start(t, rsynctest.Module{Name: "m", Path: dir})
	for _, program := range []string{"", rsynctest.Program(t)} {
		l := newLister(t, srv.URL("m"), listing.Options{RsyncProgram: program})
		mine := errors.New("enough")
		n := 0
		sum, err := l.List(context.Background(), "", func(listing.Entry) error {
			if n++; n == 10 {
				return mine
			}
			return nil
		})
		if !errors.Is(err, mine) || sum.Entries != 9 || n != 10 {
			t.Errorf("program %q: %+v, %v after %d", program, sum, err, n)
		}
		ctx, cancel := context.WithCancel(context.Background())
		_, err = l.List(ctx, "", func(listing.Entry) error {
			cancel()
			time.Sleep(time.Millisecond)
			return nil
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("program %q: %v; want context.Canceled", program, err)
		}
		cancel()
	}
	l := newLister(t, "rsync://127.0.0.1:1/m/", listing.Options{})
	if _, err := l.List(context.Background(), "", nil); err == nil {
		t.Error("listed a closed port")
	}
}

func TestNew(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{
		"", "rsync://", "rsync://host", "rsync://host/", "http://host/m/", "rsync:///m/", "rsync://host/m/?q",
		"rsync://host/m/a//b/", "rsync://host/m/../x/", "rsync://host/%23list/", "rsync://host/m%0Ax/", "rsync://a%20b@host/m/",
		"rsync://a%0Ab@host/m/", "rsync://host/m/%00/", "-e sh://host/m", "host::m", "rsync://host:x/m/",
	} {
		if l, err := New(bad, listing.Options{}); err == nil {
			t.Errorf("New(%q) = %v", bad, l)
		}
	}
	_, err := New("rsync://bob:geheim@host/", listing.Options{})
	if err == nil || strings.Contains(err.Error(), "geheim") {
		t.Errorf("error %v", err)
	}
	l := newLister(t, "rsync://bob:geheim@[::1]/m/a%20b", listing.Options{})
	if l.String() != "rsync://[::1]:873/m/a%20b/" || l.Protocol() != "rsync" {
		t.Errorf("%s", l)
	}
	if _, err := l.List(context.Background(), "../x", nil); err == nil {
		t.Error("a folder outside was listed")
	}
}
