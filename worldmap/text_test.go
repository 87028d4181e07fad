package worldmap

import (
	"math"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestSafe(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]bool{
		"https://m.example/x?y#z": true, "HTTP://m.example/": true, "/mirrors/a": true, "#a": true, "?m=a": true, "a/b": true, "./a:b": true,
		"": false, "javascript:alert(1)": false, "JaVaScRiPt:alert(1)": false, "data:text/html,x": false, "//evil.example/": false,
		"java\nscript:alert(1)": false, "%20javascript:alert(1)": false, `\\evil.example`: false, "rsync://m.example/": false, "ftp://u:p@m.example/": false,
		"https://m.example/ü": false, "a:b": false,
	} {
		if got := safe(url); (got == url && got != "") != want {
			t.Errorf("%q: got %q", url, got)
		}
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	got := string(appendText(nil, "<a href=\"x\" b='y'>&\x00\x1b\u202e\u2066\xff\ufdd0\n"))
	if want := "&lt;a href=&#34;x&#34; b=&#39;y&#39;&gt;&amp;" + strings.Repeat("\ufffd", 7); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func FuzzMap(f *testing.F) {
	f.Add("berlin", "https://berlin.example/", "mirror", 52.5, 13.4)
	f.Add("</title><script>alert(1)</script>", "javascript:alert(1)", "\" onclick=\"x", 91.0, -181.0)
	f.Add("\xff\x00\u202e&amp;", "//evil.example/\"><x>", "client", math.NaN(), math.Inf(1))
	f.Fuzz(func(t *testing.T, label, url, class string, lat, lng float64) {
		m := &Map{Title: label, More: "%d " + strings.ReplaceAll(label, "%", ""), Route: true, Points: []Point{
			{Lat: lat, Lng: lng, Class: Class(class), Label: label, URL: url},
			{Lat: lng, Lng: lat, Class: Class(class), Label: url, URL: label},
			{Lat: 48, Lng: 11, Class: ClassBest, Label: label, URL: url},
			{Lat: lat, Lng: lng, Class: ClassClient, Label: label},
		}}
		markup := string(m.SVG()) + string(m.Legend(map[Class]string{ClassBest: label}))
		if !utf8.ValidString(markup) {
			t.Fatal("not UTF-8")
		}
		page := read(t, "<p>"+markup+"</p>")
		for _, name := range []string{"script", "style", "img", "iframe"} {
			if len(page.all(name)) > 0 {
				t.Fatalf("a %s in %s", name, markup)
			}
		}
		for _, a := range page.all("a") {
			if scheme, _, found := strings.Cut(a.attr["href"], ":"); found && !strings.ContainsAny(scheme, "/?#") && !strings.EqualFold(scheme, "http") && !strings.EqualFold(scheme, "https") {
				t.Fatalf("a link to %q", a.attr["href"])
			}
			if len(a.attr) != 2 {
				t.Fatalf("a link with %v", a.attr)
			}
		}
		for _, p := range page.all("path") {
			if d := p.attr["d"]; strings.ContainsAny(d, "nNfF") { // of NaN and Inf
				t.Fatalf("a path %q", d)
			}
		}
	})
}
