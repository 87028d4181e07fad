package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestParseDuration(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text string
		want time.Duration
		ok   bool
	}{
		{"90s", 90 * time.Second, true},
		{"14d", 14 * 24 * time.Hour, true},
		{"1.5d", 36 * time.Hour, true},
		{"-1h", 0, false},
		{"-1d", 0, false},
		{"200000d", 0, false}, // more than 64 bits hold
		{"d", 0, false},
		{"x", 0, false},
	} {
		got, err := parseDuration(tt.text)
		if got != tt.want || (err == nil) != tt.ok {
			t.Errorf("%q: got %v, %v", tt.text, got, err)
		}
	}
}

// What clients are told must not hold a password.
func TestNoPasswordForClients(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"new", "m", "-H", "https://user:secret@mirror.example/"},
		{"index", "/srv/pub", "--http", "https://user:secret@origin.example/"},
	} {
		var out, errs bytes.Buffer
		args = append(args, "--database", "sqlite://"+t.TempDir()+"/m.db")
		code := execute(t.Context(), args, streams{in: strings.NewReader(""), out: &out, err: &errs})
		if code != exitUsage || strings.Contains(errs.String(), "secret") {
			t.Errorf("%v: exit %d, %s", args[:2], code, errs.String())
		}
	}
}

// Errors may repeat what a mirror sent, or the name of a file.
func TestErrorsSteerNoTerminal(t *testing.T) {
	t.Parallel()
	var out, errs bytes.Buffer
	code := execute(t.Context(), []string{"show", "\x1b]0;owned\a\u009b", "--database", "sqlite://" + t.TempDir() + "/m.db"},
		streams{in: strings.NewReader(""), out: &out, err: &errs})
	if got := printable("no host:\n\t127.0.0.1"); got != "no host:? 127.0.0.1" {
		t.Errorf("printable: %q", got)
	}
	if got := printable("a\u202eb\u2066c"); got != "a?b?c" {
		t.Errorf("printable: %q", got)
	}
	execute(t.Context(), []string{"score", "\x1b[2J"}, streams{in: strings.NewReader(""), out: &out, err: &errs})
	if code != exitError || strings.ContainsAny(errs.String(), "\x1b\a\u009b") {
		t.Errorf("exit %d, %q", code, errs.String())
	}
}
