package store

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/pgtest"
)

func TestShellCommand(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		url  string
		want Shell
	}{
		{"sqlite:///srv/my%20db/x.db", Shell{Args: []string{"sqlite3", "-cmd", ".timeout 5000", "/srv/my db/x.db"}, File: "/srv/my db/x.db"}},
		{"postgres://h/db", Shell{Args: []string{"psql", "-d", "postgres://h/db"}}},
		{"postgres://u@h", Shell{Args: []string{"psql", "-d", "postgres://u@h"}}},
		{"postgres://u:p%40ss@h:1,h2:2/db?sslmode=disable", Shell{
			Args: []string{"psql", "-d", "postgres://u@h:1,h2:2/db?sslmode=disable"}, Env: []string{"PGPASSWORD=p@ss"},
		}},
		{"postgresql:///db?host=/run/x&user=u&pass%77ord=a%20b&pool_max_conns=3", Shell{
			Args: []string{"psql", "-d", "postgresql:///db?host=/run/x&user=u"}, Env: []string{"PGPASSWORD=a b"},
		}},
	} {
		got, err := ShellCommand(tt.url)
		if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v %s", tt.url, err, diff)
		}
	}
	for _, bad := range []string{
		"mysql://u:secret@h/", "postgres://u:secret%@h/", "postgres://h/?sslpassword=secret", "postgres://h/?Password=secret",
		"postgres://u:secret/x@h/db", "postgres://u:x/secret@h/db", "postgres://u:12/secret@h/db", "postgres://u:x?secret@h/db", "sqlite://x/y",
	} {
		if _, err := ShellCommand(bad); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// FuzzShellCommand: the password of a URL is never among the arguments.
func FuzzShellCommand(f *testing.F) {
	f.Add("postgres://u:", "@h/db?x=y")
	f.Add("postgres://h/db?password=", "&b=c")
	f.Add("postgres:///u:", "@h/db?x\xffy")
	f.Add("postgres://u:", "/x@h/db")
	f.Add("postgres:pAssword=", "0")
	f.Add("postgres://b?Password=", "&b=X")
	f.Fuzz(func(t *testing.T, before, after string) {
		const secret = "s3cr3tW0rd"
		if redact(before+secret+after) != strings.ReplaceAll(redact(before+secret+after), secret, "") {
			return // no password for redact either
		}
		sh, err := ShellCommand(before + secret + after)
		if err == nil && strings.Contains(strings.Join(sh.Args, " "), secret) {
			t.Errorf("%q", sh.Args)
		}
	})
}

// psql takes what it is given.
func TestShellOpensPostgres(t *testing.T) {
	t.Parallel()
	psql, err := exec.LookPath("psql")
	if err != nil && os.Getenv("CI") == "" {
		t.Skip(err)
	}
	ok(t, err)
	sh, err := ShellCommand(pgtest.New(t) + "&pool_max_conns=2")
	ok(t, err)
	cmd := exec.CommandContext(t.Context(), psql, append(sh.Args[1:], "-X", "-At", "-c", "SELECT 41 + 1")...)
	cmd.Env = append(os.Environ(), sh.Env...)
	out, err := cmd.CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "42" {
		t.Errorf("%v: %s", err, out)
	}
}
