package store

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

func TestOpenURL(t *testing.T) {
	t.Parallel()
	for url, wrong := range map[string]string{
		"sqlite:///a/b.db": "", "sqlite:///a b%3fc%23.db": "", "postgres://u:secret@h1:1,h2:2/db": "", "postgresql:///db?host=/run": "",
		"sqlite://a/b.db": "absolute", "sqlite:a.db": "absolute", "sqlite:///a.db?x=y": "absolute", "mysql://x": "must begin", "/a/b.db": "must begin",
		"postgres://u:secret@h:port/": "invalid", "host=h user=u password=secret": "must begin", "host=h:1 sslpassword='secret x'": "must begin",
		"postgres://h:port/?sslpassword=secret": "invalid",
	} {
		s, err := Open(url, Options{})
		switch {
		case wrong == "" && err != nil:
			t.Errorf("%s: %v", url, err)
		case wrong != "" && (err == nil || !strings.Contains(err.Error(), wrong)):
			t.Errorf("%s: %v", url, err)
		case err != nil && strings.Contains(err.Error(), "secret"):
			t.Errorf("%s: the password is in %v", url, err)
		}
		if err == nil {
			if strings.Contains(s.Describe(), "secret") {
				t.Errorf("the password is in %s", s.Describe())
			}
			ok(t, s.Close())
		}
	}
}

func TestSessionAttrs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		url      string
		readOnly bool
		want     bool
	}{
		{"postgres://h/db", false, false},
		{"postgres://h1,h2/db", false, true},
		{"postgres://h1:1,h2:2/db?sslmode=disable", false, true},
		{"postgres:///db?host=h1,h2", false, true},
		{"postgres://h1,h2/db", true, false},
		{"postgres://h1:1,h2:2/db?target_session_attrs=any", false, false},
	} {
		got := withSessionAttrs(c.url, c.readOnly)
		if strings.Contains(got, "target_session_attrs=read-write") != c.want {
			t.Errorf("%s (read only %v): %s", c.url, c.readOnly, got)
		}
		if _, err := postgresConfig(c.url, Options{ReadOnly: c.readOnly, MaxConns: 1}); err != nil {
			t.Errorf("%s: %v", got, err)
		}
	}
}

func TestDefaultURL(t *testing.T) {
	saved := systemFolder
	t.Cleanup(func() { systemFolder = saved })
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_DATA_HOME", "")
	systemFolder = filepath.Join(home, "missing")
	check := func(want string) {
		t.Helper()
		if got := must[string](t)(DefaultURL()); got != "sqlite://"+want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	check(home + "/.local/share/mirrorbrain/mirrorbrain.db")
	open(t, "") // makes the folder
	if _, err := os.Stat(home + "/.local/share/mirrorbrain/mirrorbrain.db"); err != nil {
		t.Error(err)
	}
	t.Setenv("XDG_DATA_HOME", home+"/data")
	check(home + "/data/mirrorbrain/mirrorbrain.db")
	systemFolder = filepath.Join(home, "lib")
	ok(t, os.Mkdir(systemFolder, 0o500)) // even if not writable
	check(systemFolder + "/mirrorbrain.db")
}

func TestFileOwners(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if os.Geteuid() == 0 {
		ok(t, os.Chown(dir, 65534, 65534))
	}
	p := filepath.Join(dir, "odd ?#%41 name.db")
	s := open(t, sqliteURL(p))
	newMirror(t, s, "m")
	check := func() {
		t.Helper()
		var d syscall.Stat_t
		ok(t, syscall.Stat(dir, &d))
		for _, f := range []string{p, p + "-wal", p + "-shm", p + ".lock"} {
			var st syscall.Stat_t
			if err := syscall.Stat(f, &st); err != nil {
				t.Errorf("%s: %v", f, err)
				continue
			}
			if st.Mode&0o777 != 0o660 || st.Uid != d.Uid || st.Gid != d.Gid {
				t.Errorf("%s: %d:%d, mode %o", f, st.Uid, st.Gid, st.Mode&0o777)
			}
		}
	}
	check()
	ok(t, s.Close())
	check() // the log stays, for whoever comes next
	s = open(t, sqliteURL(p))
	must[mirror.Mirror](t)(s.Mirror(t.Context(), "m"))
}

// Not being able to write names user, owner and mode. Root can write
// everywhere, so the check is made by a process of another user's.
func TestNotWritable(t *testing.T) {
	t.Parallel()
	dir := must[string](t)(os.MkdirTemp("", "mbstore")) // where t.TempDir is, others cannot look
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	program := filepath.Join(dir, "prepare")
	ok(t, os.WriteFile(program, must[[]byte](t)(os.ReadFile(os.Args[0])), 0o700))
	folder, file := filepath.Join(dir, "folder"), filepath.Join(dir, "file")
	ok(t, os.Mkdir(folder, 0o700))
	ok(t, os.Mkdir(file, 0o700))
	ok(t, open(t, sqliteURL(filepath.Join(file, "x.db"))).Close())
	for p, mode := range map[string]os.FileMode{program: 0o755, dir: 0o755, folder: 0o555, file: 0o777, filepath.Join(file, "x.db"): 0o440} {
		ok(t, os.Chmod(p, mode))
	}
	for p, want := range map[string]string{folder + "/x.db": folder + ", which belongs to ", file + "/x.db": file + "/x.db, which belongs to "} {
		cmd := exec.CommandContext(t.Context(), program)
		cmd.Dir = "/"
		cmd.Env = append(os.Environ(), "STORE_TEST_PREPARE="+sqliteURL(p), "HOME=/")
		if os.Geteuid() == 0 {
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		}
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), ErrReadOnly.Error()+": user ") || !strings.Contains(string(out), want) || !strings.Contains(string(out), "has mode 0") {
			t.Errorf("%s: %v: %s", p, err, out)
		}
	}
}

func TestMissingFolder(t *testing.T) {
	t.Parallel()
	s := openRaw(t, sqliteURL(filepath.Join(t.TempDir(), "no", "x.db")), Options{})
	if err := s.Prepare(t.Context()); err == nil || !strings.Contains(err.Error(), "/no") {
		t.Errorf("got %v", err)
	}
	if _, err := s.Head(t.Context()); !errors.Is(err, ErrUnreachable) {
		t.Errorf("got %v", err)
	}
}

// Whoever comes second finds the file there, and does not open it.
func TestCreateFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, link := filepath.Join(dir, "a.db"), filepath.Join(dir, "link.db")
	ok(t, os.Symlink("b.db", link))
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if err := errors.Join(createFile(path), createFile(link)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for _, name := range []string{"a.db", "b.db"} {
		if fi, err := os.Stat(filepath.Join(dir, name)); err != nil || fi.Size() != 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	newMirror(t, open(t, sqliteURL(link)), "through-the-link")
	loop := filepath.Join(dir, "loop.db")
	ok(t, os.Symlink("loop.db", loop))
	if err := openRaw(t, sqliteURL(loop), Options{}).Prepare(t.Context()); err == nil {
		t.Error("a link to itself is a database")
	}
}
