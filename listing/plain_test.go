package listing

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestPlain(t *testing.T) {
	t.Parallel()
	if Plain(nil) != nil {
		t.Error("no error became one")
	}
	good := fmt.Errorf("folder %q: %w", "ä", ErrBusy)
	if Plain(good) != good { //nolint:errorlint // the very same one is meant
		t.Error("a printable error was replaced")
	}
	bad := fmt.Errorf("malformed header \x1b]0;owned\a\n\xff\u009b: %w", ErrAuth)
	got := Plain(bad)
	if !errors.Is(got, ErrAuth) {
		t.Error("what the error wraps got lost")
	}
	if want := "malformed header ?]0;owned????: " + ErrAuth.Error(); got.Error() != want {
		t.Errorf("got %q, want %q", got.Error(), want)
	}
}

func TestReasonsAreShort(t *testing.T) {
	t.Parallel()
	var s Summary
	s.AddIncomplete("\x1b[2J" + strings.Repeat("ä", 1<<20))
	got := s.Incomplete[0]
	if len(got) > maxText+len("...") || !utf8.ValidString(got) || strings.ContainsRune(got, 0x1b) {
		t.Errorf("kept %d bytes: %.40q", len(got), got)
	}
	if !strings.HasSuffix(got, "ä...") {
		t.Errorf("cut within a character: %q", got[len(got)-8:])
	}
}
