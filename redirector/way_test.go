package redirector

import (
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// everything holds every file.
type everything struct{}

func (everything) Holds(int, mirror.FileID) bool { return true }

func TestRenamedFolders(t *testing.T) {
	t.Parallel()
	m := mirror.Mirror{
		Name: "m", HTTP: []string{"http://m.example/pub/"}, Subtree: "dist", Score: 100, Enabled: true,
		Renames: []mirror.Rename{{Tree: "dist/a b", There: "other/c"}, {Tree: "dist/a b/top", There: ""}},
		Scan:    mirror.ScanState{Succeeded: time.Unix(1, 0)},
	}
	s := Compile([]*mirror.Mirror{&m}, Policy{})
	for path, want := range map[string]string{
		"dist/x y":         "http://m.example/pub/x%20y",
		"dist/a b/f":       "http://m.example/pub/other/c/f",
		"dist/a bc/f":      "http://m.example/pub/a%20bc/f",
		"dist/a b/top/f g": "http://m.example/pub/f%20g",
	} {
		q := Query{File: 1, Path: path, Now: time.Unix(2, 0).UnixNano()}
		var d Decision
		s.Choose(&q, everything{}, GlobalRand{}, &d)
		if !d.Found() {
			t.Fatalf("%s: no mirror", path)
		}
		all := s.Everyone(&q, everything{})
		for _, p := range []Pick{d.Picks[0], all[0]} {
			if got := string(p.AppendURL(nil, mirror.EscapePath(path))); got != want {
				t.Errorf("%s: %s, want %s", path, got, want)
			}
		}
	}
}
