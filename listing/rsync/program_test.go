package rsync

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/rsynctest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
)

// TestProgram lists the odd tree through the rsync program.
func TestProgram(t *testing.T) {
	t.Parallel()
	dir := oddTree(t)
	srv := rsynctest.Start(t, rsynctest.Module{Name: "odd", Path: dir})
	l := newLister(t, srv.URL("odd"), listing.Options{RsyncProgram: rsynctest.Program(t)})
	want := walk(t, dir, 0)
	got, sum, err := collect(t, l, "")
	if err != nil || !sum.Complete() || sum.Refused != 0 {
		t.Fatalf("%+v, %v", sum, err)
	}
	same(t, want, got)
	for _, sub := range []string{"deep", "dir *?[x]\\y", "empty folder", "dir\nbreak"} {
		got, sum, err := collect(t, l, sub)
		if err != nil || !sum.Complete() {
			t.Fatalf("%q: %+v, %v", sub, sum, err)
		}
		same(t, below(want, sub), got)
	}
	for _, sub := range []string{"none", "plain"} {
		if _, _, err := collect(t, l, sub); !errors.Is(err, listing.ErrNoFolder) {
			t.Errorf("%q: %v; want ErrNoFolder", sub, err)
		}
	}
}

// TestProgramEnds runs programs that are not rsync and end in various ways.
func TestProgramEnds(t *testing.T) {
	t.Parallel()
	const root = "drwxr-xr-x 4096 2009/02/13 23:31:30 .\n"
	const file = "-rw-r--r-- 5 2009/02/13 23:31:30 a\n"
	tests := []struct {
		name, script string
		words        string // of the error; "" for none
		entries      int
		complete     bool
	}{
		{"fine", "printf '" + root + file + "'", "", 1, true},
		{"no newline at the end", "printf '" + root + strings.TrimSpace(file) + "'", "", 1, true},
		{"code 23", "printf '" + root + file + "'; exit 23", "", 1, false},
		{"code 24", "printf '" + root + file + "'; exit 24", "", 1, false},
		{"code 23, nothing", "echo 'rsync: change_dir failed: No such file or directory (2)' >&2; exit 23", "no such folder", 0, false},
		{"code 12", "printf '" + root + file + "'; echo oops >&2; exit 12", "oops", 1, false},
		{"nothing", "exit 0", "nothing", 0, false},
		{"chatter", "echo Hello; printf '" + root + file + "'", "", 1, false},
		{"killed", "kill -9 $$", "killed", 0, false},
		{"auth", "echo '@ERROR: auth failed on module m' >&2; exit 5", "not accepted", 0, false},
		{"long line", "head -c 2000000 /dev/zero", "more than", 0, false},
		{"much noise", "head -c 200000 /dev/zero >&2; printf '" + root + file + "'", "", 1, false},
		{"hangs", "printf '" + root + file + "'; sleep 1000 & sleep 1000", "deadline", 1, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := newLister(t, "rsync://127.0.0.1:1/m/", listing.Options{RsyncProgram: script(t, tt.script)})
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
			if tt.words == "deadline" {
				ctx, cancel = context.WithTimeout(context.Background(), 300*time.Millisecond)
			}
			defer cancel()
			sum, err := l.List(ctx, "", func(listing.Entry) error { return nil })
			if tt.words == "" && err != nil || tt.words != "" && (err == nil || !strings.Contains(err.Error(), tt.words)) {
				t.Errorf("%v; want %q", err, tt.words)
			}
			if sum.Entries != tt.entries || err == nil && sum.Complete() != tt.complete {
				t.Errorf("%+v", sum)
			}
		})
	}
	l := newLister(t, "rsync://h/m/", listing.Options{RsyncProgram: filepath.Join(t.TempDir(), "none")})
	if _, err := l.List(context.Background(), "", nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing program: %v", err)
	}
}

// TestProgramCall looks at what the program is given.
func TestProgramCall(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "out")
	l := newLister(t, "rsync://-user:geheim@host:8730/mo%20d/a*b/", listing.Options{
		RsyncProgram: script(t, fmt.Sprintf("for a; do echo \"$a\"; done >%s; echo \"$TZ $LC_ALL $RSYNC_PASSWORD\" >>%s", out, out)),
	})
	if _, err := l.List(context.Background(), "su\nb", nil); err == nil {
		t.Error("a program that lists nothing went unnoticed")
	}
	b, err := os.ReadFile(out)
	check(t, err)
	args, env, _ := strings.Cut(string(b), "\nUTC ")
	if env != "C geheim\n" {
		t.Errorf("environment %q", env)
	}
	if strings.Contains(args, "geheim") || !strings.HasSuffix(args, "\n--\nrsync://-user@host:8730/mo d/a\\*b/su\nb/") {
		t.Errorf("arguments %q", args)
	}
}

// script makes a program of shell commands.
func script(t *testing.T, commands string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	// A process forked while the file is open for writing would make its
	// execution fail with ETXTBSY.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	check(t, os.WriteFile(path, []byte("#!/bin/sh\n"+commands+"\n"), 0o755))
	return path
}
