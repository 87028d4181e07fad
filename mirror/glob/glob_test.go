package glob

import (
	"regexp"
	"strings"
	"testing"
)

func TestMatch(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		pattern  string
		yes, no  []string
		folder   string
		wantFile string // Exact
	}{
		{pattern: "dir/file.iso", yes: []string{"dir/file.iso"}, no: []string{"file.iso", "x/dir/file.iso", "dir/file.iso2"}, folder: "dir", wantFile: "dir/file.iso"},
		{pattern: "/readme", yes: []string{"readme"}, no: []string{"a/readme"}, wantFile: "readme"},
		{pattern: `a\*b/c\%d`, yes: []string{"a*b/c%d"}, no: []string{"axb/c%d", "a*b/cxd"}, folder: "a*b", wantFile: "a*b/c%d"},
		{pattern: "dir/", yes: []string{"dir/a", "dir/a/b"}, no: []string{"dir", "dirx/a", "x/dir/a"}, folder: "dir"},
		{pattern: "dir/**", yes: []string{"dir/a", "dir/a/b"}, no: []string{"dir", "dirx/a"}, folder: "dir"},
		{pattern: "", yes: []string{"a", "a/b"}},
		{pattern: "/", yes: []string{"a", "a/b"}},
		{pattern: "**", yes: []string{"a", "a/b"}},
		{pattern: "*.iso", yes: []string{"a.iso", "x/y/a.iso", ".iso"}, no: []string{"a.iso/b", "a.isox"}},
		{pattern: "/*.iso", yes: []string{"a.iso"}, no: []string{"x/a.iso"}},
		{pattern: "a/*/c", yes: []string{"a/b/c", "a/\xff/c"}, no: []string{"a/c", "a/b/b/c"}, folder: "a"},
		{pattern: "a/**/c", yes: []string{"a/c", "a/b/c", "a/b/b/c"}, no: []string{"ac", "a/bc", "x/a/c"}, folder: "a"},
		{pattern: "**/c", yes: []string{"c", "a/c", "a/b/c"}, no: []string{"xc", "a/xc"}},
		{pattern: "**/a/**/b*", yes: []string{"a/b", "x/a/y/bb"}, no: []string{"a", "b", "ab"}},
		{pattern: "x**y", yes: []string{"xy", "x/a/y"}, no: []string{"axy"}},
		{pattern: "dir/%.iso", yes: []string{"dir/a.iso", "dir/a/b.iso"}, no: []string{"a.iso"}, folder: "dir"},
		{pattern: "%11.4%", yes: []string{"a/11.4/b", "x11.4"}, no: []string{"a/11_4"}},
		{pattern: "foo%", yes: []string{"foo", "foo/a"}, no: []string{"a/foo"}},
		{pattern: "/a?c", yes: []string{"abc", "a\u00e9c", "a\xffc"}, no: []string{"a/c", "ac", "x/abc"}},
		{pattern: "/[a-c]x", yes: []string{"ax", "cx"}, no: []string{"dx", "x"}},
		{pattern: "/[^a-c]x", yes: []string{"dx"}, no: []string{"ax", "/x"}},
		{pattern: "/[]a]x", yes: []string{"]x", "ax"}, no: []string{"bx"}},
		{pattern: `/[\]]x`, yes: []string{"]x"}},
		{pattern: "caf\xe9/*", yes: []string{"caf\xe9/a"}, no: []string{"caf\u00e9/a"}, folder: "caf\xe9"},
	} {
		t.Run(test.pattern, func(t *testing.T) {
			t.Parallel()
			p, err := Parse(test.pattern)
			if err != nil {
				t.Fatal(err)
			}
			for _, path := range test.yes {
				if !p.Match(path) {
					t.Errorf("does not match %q", path)
				}
			}
			for _, path := range test.no {
				if p.Match(path) {
					t.Errorf("matches %q", path)
				}
			}
			if exact, _ := p.Exact(); p.Folder() != test.folder || exact != test.wantFile || p.String() != test.pattern {
				t.Errorf("folder %q, exact %q", p.Folder(), exact)
			}
		})
	}
}

func TestParseErrors(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"a\x00", `a\`, "[", "[a", "[a/]", "[^", strings.Repeat("*", maxPattern+1)} {
		if _, err := Parse(bad); err == nil {
			t.Errorf("%.20q was taken", bad)
		}
	}
}

func TestQuote(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"a/b", `*?[x]\%`, "\xff/**/c"} {
		p, err := Parse(Quote(path))
		if err != nil {
			t.Fatal(err)
		}
		if exact, ok := p.Exact(); !ok || exact != path {
			t.Errorf("%q became %q", path, exact)
		}
	}
}

// A folder below which nothing matches is known before its names are.
func TestDead(t *testing.T) {
	t.Parallel()
	p, err := Parse("a/*/c/*.iso")
	if err != nil {
		t.Fatal(err)
	}
	m := p.Matcher()
	at := m.After(m.Start(), []byte("a/b/"))
	if len(at) == 0 || m.Matches(at) {
		t.Errorf("after a/b/: %v", at)
	}
	if !m.Matches(m.After(at, []byte("c/x.iso"))) || len(m.After(at, []byte("d/"))) != 0 {
		t.Error("the second piece goes wrong")
	}
	if len(m.After(m.Start(), []byte("b/"))) != 0 {
		t.Error("b/ is alive")
	}
}

// FuzzMatch compares with a regular expression made from the same tokens.
func FuzzMatch(f *testing.F) {
	for _, seed := range [][2]string{{"a/**/c", "a/b/c"}, {"*.iso", "x/a.iso"}, {"%x[^a-c]", "a/xd"}, {"d/", "d/\xff"}, {"***", "a"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, pattern, path string) {
		p, err := Parse(pattern)
		if err != nil || len(pattern) > 60 || len(path) > 200 || strings.Contains(path, "\uFFFD") {
			return
		}
		want := slow(p)
		if want == nil {
			return
		}
		if got := p.Match(path); got != want.MatchString(path) {
			t.Errorf("%q on %q: %v, %v says %v", pattern, path, got, want, !got)
		}
		if exact, ok := p.Exact(); ok && !p.Match(exact) {
			t.Errorf("%q does not match its exact path", pattern)
		}
		if p.Match(path) && p.Folder() != "" && !strings.HasPrefix(path, p.Folder()+"/") {
			t.Errorf("%q matches %q, which is not below %q", pattern, path, p.Folder())
		}
	})
}

// slow makes the regular expression; nil where it cannot say the same.
func slow(p *Pattern) *regexp.Regexp {
	var b strings.Builder
	b.WriteString(`(?s)\A`)
	for _, t := range p.tokens {
		switch t.kind {
		case one:
			if t.char < 0 || t.char == 0xFFFD {
				return nil
			}
			b.WriteString(regexp.QuoteMeta(string(t.char)))
		case class:
			return nil
		case inName:
			b.WriteString(`[^/]`)
		case star:
			b.WriteString(`[^/]*`)
		case any0:
			b.WriteString(`.*`)
		case any1:
			b.WriteString(`.+`)
		case folders:
			b.WriteString(`(?:.*/)?`)
		}
	}
	b.WriteString(`\z`)
	return regexp.MustCompile(b.String())
}
