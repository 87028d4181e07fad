package rsync

import (
	"strings"
	"testing"
)

// splitLinkSlowly is splitLink as one would say it: at every arrow from the
// end, the target is undone and measured.
func splitLinkSlowly(s string, size int64) (name, target string) {
	for i := len(s); i >= 0; i-- {
		if rest, ok := strings.CutPrefix(s[i:], " -> "); ok && int64(len(unescape(rest))) == size {
			return s[:i], unescape(rest)
		}
	}
	name, target, _ = strings.Cut(s, " -> ")
	return name, unescape(target)
}

func FuzzSplitLink(f *testing.F) {
	for _, s := range []string{"", " -> ", "a -> b -> c", " -> -> ", `a\#040-> b -> \#012\#`, `x -> \#\#101 -> \#4`} {
		for size := range 12 {
			f.Add(s, int64(size))
		}
	}
	f.Fuzz(func(t *testing.T, s string, size int64) {
		name, target := splitLink(s, size)
		if n, g := splitLinkSlowly(s, size); name != n || target != g {
			t.Errorf("%q with %d: %q and %q, want %q and %q", s, size, name, target, n, g)
		}
	})
}

// A line of arrows takes as long as any other: the time for one of a megabyte
// used to be minutes.
func TestManyArrows(t *testing.T) {
	t.Parallel()
	s := strings.Repeat(" -> ", maxOutputLine/4)
	for range 100 {
		splitLink(s, 1)
		splitLink(s, int64(len(s)))
	}
}
