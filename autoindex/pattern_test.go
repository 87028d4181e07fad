package autoindex

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestPattern(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		pattern string
		yes, no []string
	}{
		{"foo", []string{"foo"}, []string{"Foo", "foo1", "", "fo"}},
		{"*", []string{"", "a", "a.b", "\xff", "ü"}, []string{".a"}},
		{"*.iso", []string{"a.iso", "b.c.iso"}, []string{".iso", "a.isox", "a.ISO"}},
		{".*", []string{".", ".a"}, []string{"a"}},
		{"[.]a", nil, []string{".a"}},
		{"?a", []string{"ba", "éa", "\xffa"}, []string{".a", "a", "bba"}},
		{"[a-c]x", []string{"ax", "cx"}, []string{"dx", "x", "[a-c]x"}},
		{"[!a-c]x", []string{"dx", "éx"}, []string{"ax", "x", ".x"}},
		{"[^a-c]x", []string{"dx"}, []string{"bx"}},
		{"[]]", []string{"]"}, []string{"[]]"}},
		{"[!]]", []string{"a"}, []string{"]"}},
		{"[", []string{"["}, []string{"a"}},
		{"[a-", []string{"[a-"}, []string{"a"}},
		{"[]", []string{"[]"}, []string{"]"}},
		{"[a-]", []string{"a", "-"}, []string{"b"}},
		{"[é-ü]", []string{"é", "ê", "ü"}, []string{"e", "\xea"}},
		{"[z-a]", nil, []string{"a", "m", "z"}},
		{`\*`, []string{`\*`, `\a`}, []string{"*"}},
		{"**a**", []string{"a", "bab"}, []string{"b"}},
		{"*a*b*c", []string{"abc", "xaybzc"}, []string{"acb", "abcd"}},
		{"", []string{""}, []string{"a"}},
		{strings.Repeat("?", MaxPattern), []string{strings.Repeat("a", MaxPattern)}, []string{strings.Repeat("a", MaxPattern-1)}},
		{strings.Repeat("a*", MaxPattern/2), []string{strings.Repeat("ab", 200)}, []string{strings.Repeat("a", MaxPattern/2-1)}},
	} {
		p, err := ParsePattern(tt.pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range tt.yes {
			if !p.Match(name) {
				t.Errorf("%.40q does not match %.40q", tt.pattern, name)
			}
		}
		for _, name := range tt.no {
			if p.Match(name) {
				t.Errorf("%.40q matches %.40q", tt.pattern, name)
			}
		}
		if p.String() != tt.pattern {
			t.Error(p.String())
		}
	}
	for _, bad := range []string{"a\x00", strings.Repeat("a", MaxPattern+1)} {
		if _, err := ParsePattern(bad); err == nil {
			t.Errorf("%.20q was taken", bad)
		}
	}
	if p := (&Pattern{}); !p.Match("") || p.Match("a") {
		t.Error("the zero value does not match the empty name alone")
	}
}

// FuzzPattern compares with a regular expression.
func FuzzPattern(f *testing.F) {
	for _, s := range [][2]string{{"*.iso", "a.iso"}, {"a?c*[x", "abcd[x"}, {"[!a-c]*", "dx"}, {"*é?", "aéb"}, {"[]-a]", "^"}} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, pattern, name string) {
		p, err := ParsePattern(pattern)
		if err != nil || !utf8.ValidString(pattern) || !utf8.ValidString(name) || len(name) > 300 {
			return
		}
		want := slowPattern(pattern).MatchString(name) && (!strings.HasPrefix(name, ".") || strings.HasPrefix(pattern, "."))
		if got := p.Match(name); got != want {
			t.Errorf("%q on %q: %v, want %v", pattern, name, got, want)
		}
	})
}

// slowPattern writes a pattern as a regular expression.
func slowPattern(pattern string) *regexp.Regexp {
	var b strings.Builder
	b.WriteString(`(?s)\A`)
	for i := 0; i < len(pattern); {
		c, n := utf8.DecodeRuneInString(pattern[i:])
		switch class := classAt(pattern[i:]); {
		case c == '*':
			b.WriteString(`.*`)
		case c == '?':
			b.WriteString(`.`)
		case class != "":
			b.WriteString(classExpression(class))
			n = len(class)
		default:
			b.WriteString(regexp.QuoteMeta(string(c)))
		}
		i += n
	}
	b.WriteString(`\z`)
	return regexp.MustCompile(b.String())
}

var classForm = regexp.MustCompile(`(?s)\A\[[!^]?(?:\]-[^\]]|.-[^\]]|.)(?:[^\]]-[^\]]|[^\]])*\]`)

// classAt gives the class that s begins with; "" when it does not.
func classAt(s string) string { return classForm.FindString(s) }

func classExpression(class string) string {
	inside := []rune(class[1 : len(class)-1])
	negated := inside[0] == '!' || inside[0] == '^'
	if negated {
		inside = inside[1:]
	}
	var parts []string
	for i := 0; i < len(inside); i++ {
		from, to := inside[i], inside[i]
		if i+2 < len(inside) && inside[i+1] == '-' {
			to = inside[i+2]
			i += 2
		}
		if from <= to {
			parts = append(parts, `[`+quoteInClass(from)+`-`+quoteInClass(to)+`]`)
		}
	}
	any := strings.Join(parts, "|")
	switch {
	case negated && any == "":
		return `.`
	case negated:
		set := strings.NewReplacer("]|[", "").Replace(any)
		return `[^` + strings.TrimPrefix(set, "[")
	case any == "":
		return `[^\x00-\x{10FFFF}]`
	}
	return `(?:` + any + `)`
}

func quoteInClass(r rune) string { return `\x{` + strings.ToUpper(hexOf(r)) + `}` }

func hexOf(r rune) string {
	const digits = "0123456789abcdef"
	s := ""
	for {
		s = string(digits[r&15]) + s
		if r >>= 4; r == 0 {
			return s
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	n, err := ParseNames(".??*", "*~", "RCS", "README*")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{".abc": true, ".a": false, "..": false, "a~": true, ".~": true, "RCS": true, "rcs": false, "README.md": true, "a": false} {
		if n.Match(name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
	for _, bad := range []string{"", "\x00"} {
		if _, err := ParseNames("a", bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	if Names(nil).Match("a") {
		t.Error("no pattern matches")
	}
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	var d Descriptions
	for _, r := range [][2]string{
		{"the one", "/a/b/x.iso"}, {"below", "a/**/y*"}, {"an image", "*.iso"}, {"hidden", ".h?"}, {"part", "ead"},
	} {
		if err := d.Add(r[0], r[1]); err != nil {
			t.Fatal(err)
		}
	}
	own := New("own.iso", false)
	own.Description = "known"
	l := Listing{Path: "/a/b/", Entries: []Entry{
		New("x.iso", false), New("z.iso", false), New("yes", true), New("README", false), New("readme", false), New(".hi", false), own,
	}}
	d.Describe(&l)
	for i, want := range []string{"the one", "an image", "below", "", "part", "hidden", "known"} {
		if got := l.Entries[i].Description; got != want {
			t.Errorf("%s: %q, want %q", l.Entries[i].Name, got, want)
		}
	}
	for _, bad := range []string{"", "a/[", "*\x00"} {
		if d.Add("x", bad) == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	(&Descriptions{}).Describe(&l)
}
