package autoindex

import (
	"fmt"
	"html"
	"html/template"
	"io"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/page"
)

var hostileWords = []string{
	"plain-1.0.iso", `<script>alert("1")</script>`, `'"&<>`, "a b?c#d%25;e=f:g@h", "\xff\xfe", "a\u202eb\u0085\n\t\x00", "שלום.iso", "javascript:x", "", "data:,a/b", "//x",
}

// FuzzAppendText compares with the standard library's.
func FuzzAppendText(f *testing.F) {
	for _, s := range hostileWords {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := string(appendText([]byte("x"), s))
		if want := "x" + html.EscapeString(page.Readable(s)); got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
		if !utf8.ValidString(got) {
			t.Fatalf("%q is not UTF-8", got)
		}
	})
}

// FuzzAppendPageHref compares with html/template, which must find nothing left to
// escape, and with net/url, which must find the bytes.
func FuzzAppendPageHref(f *testing.F) {
	for i, s := range hostileWords {
		f.Add(s, hostileWords[(i+1)%len(hostileWords)])
	}
	attr := template.Must(template.New("").Parse(`<a href="{{.}}">`))
	f.Fuzz(func(t *testing.T, folder, name string) {
		if folder = strings.Trim(folder, "/"); folder != "" {
			folder += "/"
		}
		name = strings.ReplaceAll(name, "/", "")
		got := string(appendPageHref(nil, folder, name))
		var b strings.Builder
		if err := attr.Execute(&b, got); err != nil {
			t.Fatal(err)
		}
		if want := `<a href="` + strings.ReplaceAll(got, "+", "&#43;") + `">`; b.String() != want {
			t.Fatalf("html/template makes %s of %s", b.String(), want)
		}
		u, err := url.Parse(got)
		if err != nil || u.IsAbs() || u.Host != "" || u.RawQuery != "" || u.Fragment != "" || strings.HasPrefix(u.Path, "/") {
			t.Fatalf("%q is %+v, %v", got, u, err)
		}
		if strings.TrimPrefix(u.Path, "./") != strings.TrimPrefix(folder+name, "./") {
			t.Fatalf("%q leads to %q", folder+name, u.Path)
		}
	})
}

// FuzzPage renders folders in which all that others can name is odd.
func FuzzPage(f *testing.F) {
	for i, s := range hostileWords {
		f.Add(s, hostileWords[(i+1)%len(hostileWords)], int64(i*i*i)-3)
	}
	p := newPage(f, page.Theme{}, PageOptions{Search: true, JSON: "f=j", Text: "f=t"})
	f.Fuzz(func(t *testing.T, name, word string, n int64) {
		e := Entry{
			Name: strings.ReplaceAll(name, "/", ""), Folder: word, Dir: n%3 == 0, Size: n, ModTime: time.Unix(n%1e11, 0), Symlink: n%5 == 0, SymlinkTarget: word,
			Mirrors: int(n % 1000), Files: n, Bytes: -n, Documents: Documents(n), Description: word,
		}
		if e.Folder = strings.Trim(word, "/"); e.Folder != "" {
			e.Folder += "/"
		}
		e.SHA256[3] = byte(n)
		l := &Listing{
			Path: "/" + word + "/", Parent: n%2 == 0, Entries: []Entry{e, e}, Total: int(n % 1000), Cut: n%7 == 0, Order: Order{Column: Column(uint64(n) % 6), Descending: n%2 == 1},
			Header: Insert{Text: word}, Readme: Insert{Text: name},
			Ask: Ask{Grammar: Grammar(uint64(n) % 3), Search: word, Pattern: name, Limit: int(n%50 + 50), Offset: int(n%50 + 50)},
		}
		if n%4 == 0 {
			l.Ask.Search, l.Ask.Pattern = "", ""
		}
		text := renderPage(t, p, l)
		if !utf8.ValidString(text) {
			t.Fatal("the page is not UTF-8")
		}
		s := readPage(t, text)
		if len(s.rows) < 3 || !strings.Contains(s.text, page.Readable(e.Name)) {
			t.Fatalf("%q is not among %q", e.Name, s.rows)
		}
		for _, link := range s.links {
			if u, err := url.Parse(link); err != nil || u.IsAbs() || u.Host != "" {
				t.Fatalf("a link to %q: %v", link, err)
			}
		}
	})
}

func TestAges(t *testing.T) {
	t.Parallel()
	r := pageRows{words: page.English(), now: pageNow, ages: map[int64]string{}}
	for range 2 { // the second time from memory
		for d := -time.Hour; d < 5*time.Hour; d += 13 * time.Second {
			if got, want := r.age(pageNow.Add(-d)), page.English().AgoOf(d); got != want {
				t.Fatalf("%v: got %s, want %s", d, got, want)
			}
		}
		for d := 5 * time.Hour; d < 1000*24*time.Hour; d += 101 * time.Minute {
			if got, want := r.age(pageNow.Add(-d)), page.English().AgoOf(d); got != want {
				t.Fatalf("%v: got %s, want %s", d, got, want)
			}
		}
	}
}

func BenchmarkPage(b *testing.B) {
	for _, n := range []int{25, 2_000, 50_000} {
		l := &Listing{Path: "/pool/main/", Parent: true, Total: n}
		for i := range n {
			e := New(fmt.Sprintf("linux-image-6.%d.%d-amd64-unsigned_6.%d.%d_amd64.deb", i%17, i, i%17, i), false)
			e.Size, e.ModTime, e.Mirrors = int64(i)*1_234_567, pageNow.Add(-time.Duration(i)*17*time.Minute), i%300
			e.Documents = MirrorList | Meta4 | SHA256
			e.SHA256[i%32] = byte(i) | 1
			l.Entries = append(l.Entries, e)
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			p := newPage(b, page.Theme{}, PageOptions{Search: true})
			size := len(renderPage(b, p, l))
			b.SetBytes(int64(size))
			b.ReportMetric(float64(size)/float64(n), "B/row")
			b.ReportAllocs()
			for b.Loop() {
				if err := p.Write(io.Discard, page.English(), l, pageNow); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
