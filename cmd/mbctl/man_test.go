package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

// need skips a test whose program is missing, but never in CI.
func need(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if errors.Is(err, exec.ErrNotFound) && os.Getenv("CI") == "" {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	return path
}

// TestManPages holds that every command has a page that mandoc has nothing
// to say about.
func TestManPages(t *testing.T) {
	t.Parallel()
	mandoc := need(t, "mandoc")
	dir := t.TempDir()
	if err := writeManPages(newRoot(&app{}), dir, time.Unix(1_700_000_000, 0).UTC()); err != nil {
		t.Fatal(err)
	}
	pages, err := filepath.Glob(filepath.Join(dir, "*.1"))
	if err != nil || len(pages) < 30 {
		t.Fatalf("%d pages, %v", len(pages), err)
	}
	out, err := exec.CommandContext(t.Context(), mandoc, append([]string{"-T", "lint", "-W", "warning"}, pages...)...).CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("mandoc: %v\n%s", err, out)
	}
	cmd := exec.CommandContext(t.Context(), mandoc, "-T", "ascii", "-O", "width=200", filepath.Join(dir, "mbctl-import.1"))
	shown, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	plain := strings.NewReplacer("_\b", "").Replace(string(shown))
	for _, want := range []string{"(*.yaml, *.yml)", "rsync_password_file", "mbctl import mirrors/ --prune --yes", "2023-11-14"} {
		if !strings.Contains(plain, want) {
			t.Errorf("the page of import does not show %q:\n%s", want, plain)
		}
	}
}

// Text stays what it is, whatever characters it has.
func TestManText(t *testing.T) {
	t.Parallel()
	mandoc := need(t, "mandoc")
	const example = ".SH 'x' \"y\" \\fB -n *_`^~$ %\n'quote"
	page := manPage(&cobra.Command{Use: "x", Short: "Short", Long: "Long", Example: example, Run: func(*cobra.Command, []string) {}}, time.Unix(0, 0).UTC())
	cmd := exec.CommandContext(t.Context(), mandoc, "-T", "ascii", "-O", "width=200")
	cmd.Stdin = strings.NewReader(string(page))
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(string(out)) {
		if l := strings.TrimSpace(line); strings.HasPrefix(l, ".SH") || strings.HasPrefix(l, "'quote") {
			got = append(got, l)
		}
	}
	if diff := cmp.Diff(strings.Split(example, "\n"), got); diff != "" {
		t.Errorf("%s\n%s", diff, page)
	}
}

// A command with exit codes of its own has them, and no others, where they are
// looked for.
func TestManExitCodes(t *testing.T) {
	t.Parallel()
	cmd, _, err := newRoot(&app{}).Find([]string{"wait"})
	if err != nil {
		t.Fatal(err)
	}
	_, status, _ := strings.Cut(string(manPage(cmd, time.Unix(0, 0))), ".SH EXIT STATUS")
	if !strings.Contains(status, "0 enough mirrors have it") || strings.Contains(status, "some mirrors failed") {
		t.Errorf("the page of wait says of its exit codes:%s", status)
	}
}
