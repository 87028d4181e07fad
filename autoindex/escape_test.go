package autoindex

import (
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/net/html"
)

// FuzzEscape: a link leads to the name and nowhere else, whatever the name is;
// and what is shown is one piece of text, valid, with as many characters.
func FuzzEscape(f *testing.F) {
	for _, s := range []string{"a&b <c>\"'", "javascript:alert(1)", ":x", "a\x00\n\x1b\u009b\u202e\xff\uFFFD", "%41", "&lt;", "..."} {
		f.Add(s)
	}
	base := &url.URL{Scheme: "http", Host: "host", Path: "/folder/"}
	f.Fuzz(func(t *testing.T, name string) {
		if strings.Contains(name, "/") || name == "" || name == "." || name == ".." {
			return
		}
		page := `<a href="` + string(appendHref(nil, name)) + `">` + string(appendHTML(nil, name)) + "</a>"
		z := html.NewTokenizer(strings.NewReader(page))
		if z.Next() != html.StartTagToken {
			t.Fatal(page)
		}
		tag := z.Token()
		if len(tag.Attr) != 1 {
			t.Fatalf("%q: attributes %v", name, tag.Attr)
		}
		u, err := base.Parse(tag.Attr[0].Val)
		if err != nil || u.Host != "host" || u.Path != "/folder/"+name || u.RawQuery != "" || u.Fragment != "" {
			t.Errorf("%q leads to %v, %v", name, u, err)
		}
		z.Next()
		shown := z.Token().Data
		if z.Next() != html.EndTagToken || z.Next() != html.ErrorToken {
			t.Errorf("%q has markup: %s", name, page)
		}
		checkShown(t, name, shown)
		checkShown(t, name, string(appendLine(nil, name)))
	})
}

func checkShown(t *testing.T, name, shown string) {
	t.Helper()
	if !utf8.ValidString(shown) || utf8.RuneCountInString(shown) != utf8.RuneCountInString(name) {
		t.Errorf("%q is shown as %q", name, shown)
	}
	for _, r := range shown {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			t.Errorf("%q is shown with %q", name, r)
		}
	}
	if utf8.ValidString(name) && !strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }) && shown != name {
		t.Errorf("%q is shown as %q", name, shown)
	}
}

func TestParentPath(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/": "/", "/a/": "/", "/a/b/": "/a/", "/a": "/", "//evil/x/": "/evil/", "//evil/": "/", "///": "/", "": "/", "/a//b/": "/a//",
	} {
		if got := parentPath(path); got != want {
			t.Errorf("%q: %q, want %q", path, got, want)
		}
	}
}

func TestBlock(t *testing.T) {
	t.Parallel()
	got := string(appendBlock(nil, "a < b & c > \"d\"\n\t\r\x1b\xffé\x7f."))
	if want := "a &lt; b &amp; c &gt; \"d\"\n\t\r\uFFFD\uFFFDé\uFFFD."; got != want {
		t.Errorf("%q", got)
	}
}

func TestBlanks(t *testing.T) {
	t.Parallel()
	for _, n := range []int{-5, 0, 1, 64, 65, 1000} {
		if got := string(appendBlanks([]byte("x"), n)); got != "x"+strings.Repeat(" ", max(n, 0)) {
			t.Errorf("%d: %q", n, got)
		}
	}
}
