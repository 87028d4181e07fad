package mirror

import (
	"encoding/xml"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestSafeName(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"linux-7.1.iso":                "linux-7.1.iso",
		"a b&<c>'\"%#?;:+~@,(=)!*$^`|": "a b&<c>'\"%#?;:+~@,(=)!*$^`|",
		"größe-\u65e5\u672c.iso":       "größe-\u65e5\u672c.iso",
		"\ufffd":                       "\ufffd",
		"...":                          "...",
		".hidden":                      ".hidden",
		"":                             "_",
		".":                            "_",
		"..":                           "__",
		"a/b":                          "a_b",
		`..\x`:                         ".._x",
		"a\nb\r\tc\x00\x7f":            "a_b__c__",
		"gr\xf6\xdfe":                  "gr__e",
		"\xff":                         "_",
		"\xed\xa0\x80":                 "___", // a surrogate
		strings.Repeat("ö", 128):       strings.Repeat("ö", 127),
		"a\u0085b\u2028c\ufffe\ufdd0":  "a_b_c__",
	} {
		if got := SafeName(in); got != want {
			t.Errorf("SafeName(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzSafeName(f *testing.F) {
	f.Add("a/../\xff\n\\b")
	f.Fuzz(func(t *testing.T, name string) {
		got := SafeName(name)
		if !utf8.ValidString(got) || got == "" || got == "." || got == ".." || strings.ContainsAny(got, "/\\\x00\r\n") {
			t.Fatalf("SafeName(%q) = %q", name, got)
		}
		if len(got) > min(MaxName, max(1, len(name))) {
			t.Fatalf("SafeName(%q) = %q is too long", name, got)
		}
		if SafeName(got) != got {
			t.Fatalf("SafeName(%q) = %q is itself not safe", name, got)
		}
		var b strings.Builder
		if err := xml.EscapeText(&b, []byte(got)); err != nil || strings.Contains(b.String(), "\ufffd") && !strings.Contains(name, "\ufffd") {
			t.Fatalf("SafeName(%q) = %q cannot stand in XML: %v", name, got, err)
		}
	})
}

func TestPlainURL(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]bool{
		"https://a.example/b%20c":      true,
		"http://[2001:db8::1]:8080/x'": true,
		"ftp://a/b?c&d=e#f":            true,
		"svn+ssh://a":                  true,
		"":                             false,
		"://a":                         false,
		"https://":                     false,
		"file:///etc/passwd":           false,
		"1http://a":                    false,
		"/a/b":                         false,
		"https://a/b c":                false,
		"https://a/b\nURL: http://c":   false,
		"https://a/<b":                 false,
		"https://a/ö":                  false,
		"ht\ntp://a/":                  false,
	} {
		if got := PlainURL(in); got != want {
			t.Errorf("PlainURL(%q) = %v", in, got)
		}
	}
}

func FuzzPlainURL(f *testing.F) {
	f.Add("https://a.example/b%20c")
	f.Fuzz(func(t *testing.T, s string) {
		if !PlainURL(s) {
			return
		}
		if strings.ContainsAny(s, "\x00\r\n\t \"<>") {
			t.Fatalf("%q is called plain", s)
		}
		// net/url is stricter about ports and escapes; where it reads the URL,
		// it sees an absolute one.
		if u, err := url.Parse(s); err == nil && !u.IsAbs() {
			t.Fatalf("%q is called absolute", s)
		}
	})
}
