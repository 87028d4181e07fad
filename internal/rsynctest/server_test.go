package rsynctest

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestStart drives a daemon with rsync itself.
func TestStart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	s := StartConfig(t, Config{
		Global: []string{"max connections = 5"},
		Modules: []Module{
			{Name: "open", Path: dir},
			{Name: "closed", Path: dir, Users: map[string]string{"bob": "secret", "eve": "other"}, Extra: []string{"list = no"}},
		},
	})
	list := func(url, password string) (string, error) {
		cmd := exec.Command(Program(t), "--list-only", url)
		cmd.Env = append(os.Environ(), "RSYNC_PASSWORD="+password)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	bob := strings.Replace(s.URL("closed"), "//", "//bob@", 1)
	for url, password := range map[string]string{s.URL("open"): "", bob: "secret"} {
		if out, err := list(url, password); err != nil || !strings.Contains(out, "file") {
			t.Errorf("%s: %s%v", url, out, err)
		}
	}
	if out, err := list(bob, "other"); err == nil {
		t.Errorf("wrong password: %s", out)
	}
	if want := "rsync://bob:secret@" + s.Addr() + "/closed/"; s.UserURL("closed", "bob", "secret") != want {
		t.Errorf("%s; want %s", s.UserURL("closed", "bob", "secret"), want)
	}
	if !strings.Contains(s.Log(), "password mismatch") {
		t.Errorf("log: %s", s.Log())
	}
	s.Stop()
	s.Stop()
	if c, err := net.Dial("tcp", s.Addr()); err == nil {
		c.Close()
		t.Error("the daemon outlived Stop")
	}
}
