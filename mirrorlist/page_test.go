package mirrorlist

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/page"
)

func newPage(t testing.TB, o page.Theme) *Page {
	t.Helper()
	look, err := page.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	p, err := NewPage(look)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// file writes an operator's blocks.
func file(t testing.TB, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "blocks.html")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func render(t testing.TB, p *Page, f *File) string {
	t.Helper()
	var b bytes.Buffer
	if err := p.Write(&b, page.English(), f); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// seen is what a page says: its text, where it links to, and its elements.
type seen struct {
	text  string
	links []string
	ids   []string
	style string
}

// void elements have no end tag.
var void = []string{"meta", "link", "rect"}

// elements are all that a page has, and allowedAttrs all their attributes.
var (
	elements = []string{
		"html", "head", "script", "meta", "title", "style", "link", "body", "main", "section", "div", "p", "h1", "h2", "h3", "ul", "li",
		"dl", "dt", "dd", "a", "span", "strong", "small", "bdi", "code", "time", "svg", "rect", "details", "summary", "footer",
		"header", "nav", "table", "thead", "tbody", "tr", "th", "td", // of tables of mirrors
	}
	allowedAttrs = []string{
		"lang", "charset", "data-copy", "data-copied", "data-label", "src", "defer", "type", "name", "content", "rel", "href", "class", "id", "datetime", "open", "aria-hidden",
		"viewbox", "preserveaspectratio", "width", "height", "scope", "role", "title", "aria-label",
	}
)

// look reads a page tag by tag, without the mercy of a browser: what is opened
// is closed in its turn, and nothing is there that the page does not have.
func look(t *testing.T, page string) (s seen) {
	t.Helper()
	var open []string
	z := html.NewTokenizer(strings.NewReader(page))
	for {
		switch z.Next() {
		case html.ErrorToken:
			if !errors.Is(z.Err(), io.EOF) || len(open) != 0 {
				t.Fatalf("the page ends in %v: %v", open, z.Err())
			}
			return s
		case html.TextToken:
			if text := string(z.Text()); len(open) > 0 && open[len(open)-1] == "style" {
				s.style += text
			} else {
				s.text += text
			}
		case html.EndTagToken:
			name, _ := z.TagName()
			if len(open) == 0 || open[len(open)-1] != string(name) {
				t.Fatalf("</%s> closes %v", name, open)
			}
			open = open[:len(open)-1]
		case html.StartTagToken, html.SelfClosingTagToken:
			tag := z.Token()
			s.see(t, tag)
			if !slices.Contains(void, tag.Data) {
				open = append(open, tag.Data)
			}
		case html.CommentToken:
			t.Fatalf("a comment: %s", z.Raw())
		case html.DoctypeToken:
		}
	}
}

func (s *seen) see(t *testing.T, tag html.Token) {
	t.Helper()
	if !slices.Contains(elements, tag.Data) {
		t.Fatalf("the page has an element %q", tag.Data)
	}
	for _, a := range tag.Attr {
		switch {
		case !slices.Contains(allowedAttrs, a.Key):
			t.Fatalf("<%s> has an attribute %q", tag.Data, a.Key)
		case a.Key == "id":
			if slices.Contains(s.ids, a.Val) {
				t.Fatalf("the id %s twice", a.Val)
			}
			s.ids = append(s.ids, a.Val)
		case a.Key == "href" && tag.Data == "a":
			s.links = append(s.links, a.Val)
		}
	}
}

func TestPage(t *testing.T) {
	t.Parallel()
	f := sample()
	s := look(t, render(t, newPage(t, page.Theme{}), f))
	for _, want := range []string{
		"Leap-16.0-offline-installer-x86_64.iso", "/distribution/leap/16.0/iso/", "4.38 GiB", "4,700,372,992 bytes", "2026-11-01 12:00 UTC",
		"from ftp.halifax.example.de, Germany, 12 km", "comes first because it is in your country", "shared by 3 mirrors",
		"You are seen as a client at 192.0.2.77, in Germany, network 192.0.2.0/24, AS64500.",
		"In your country", "Also serving your country", "On your continent", "Elsewhere", "Servers that have everything", "Origin",
		"Czechia", "8,140 km", "50 %", "only for clients in its prefixes",
		"63be1974cf2a85e03b96f14ca7025db8136ec9247fda3590eb46a1fc57b20d68", "OpenPGP signature (.asc)",
	} {
		if !strings.Contains(s.text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	for i := range f.Sources {
		if !slices.Contains(s.links, f.Sources[i].URL) {
			t.Errorf("no link to %s", f.Sources[i].URL)
		}
	}
	for i := range f.Documents {
		if !slices.Contains(s.links, f.Documents[i].URL) {
			t.Errorf("no link to %s", f.Documents[i].URL)
		}
	}
	for _, id := range []string{"mirrorbrain-details", "mirrorbrain-fileinfo", "mirrorbrain-links", "mirrorbrain-mirrors"} {
		if !slices.Contains(s.ids, id) {
			t.Errorf("no element %s", id)
		}
	}
}

func TestPageForEverybody(t *testing.T) {
	t.Parallel()
	f := sample()
	f.Client = nil
	s := look(t, render(t, newPage(t, page.Theme{}), f))
	for _, want := range []string{"irrespective of who asks", "Europe", "Asia", "North America", "Place not known", "Origin"} {
		if !strings.Contains(s.text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	for _, not := range []string{" km", "50 %", "your"} {
		if strings.Contains(s.text, not) {
			t.Errorf("the page says %q", not)
		}
	}
	if !slices.Contains(s.links, f.Subject.URL) {
		t.Error("the button does not lead to the redirector")
	}
}

func TestPageWithout(t *testing.T) {
	t.Parallel()
	f := &File{Subject: &mirror.Subject{Name: "a", Path: "a", URL: "https://dl.example/a"}, Client: &mirror.Client{}, Excluded: sample().Excluded}
	got := render(t, newPage(t, page.Theme{}), f)
	s := look(t, got)
	for _, want := range []string{"No mirror is known to have this file now.", "whose place is not known", "does not have this version"} {
		if !strings.Contains(s.text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if !strings.Contains(got, `<details id="mirrorbrain-excluded" open>`) || slices.Contains(s.ids, "mirrorbrain-about") {
		t.Error("the reasons are not shown, or empty boxes are")
	}
}

func TestDangerousURLs(t *testing.T) {
	t.Parallel()
	const bad = "javascript:alert(1)"
	f := sample()
	f.Sources[0].URL, f.Sources[3].URL, f.Excluded[0].URL = bad, " "+bad, bad
	f.Documents = append(f.Documents, Document{Kind: "other", Label: "Other", URL: bad}, Document{Kind: "more", URL: "magnet:?x=\"><script>"})
	for _, l := range look(t, render(t, newPage(t, page.Theme{}), f)).links {
		if strings.Contains(l, "javascript") || strings.Contains(l, "<script") {
			t.Errorf("a link to %s", l)
		}
	}
}

func TestContentSecurityPolicy(t *testing.T) {
	t.Parallel()
	p := newPage(t, page.Theme{Style: "https://static.example:8443/a.css?b"})
	got := render(t, p, sample())
	sum := sha256.Sum256([]byte(look(t, got).style))
	want := "style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "' https://static.example:8443;"
	if csp := p.ContentSecurityPolicy(); !strings.Contains(csp, want) || !strings.HasPrefix(csp, "default-src 'none'; ") {
		t.Errorf("got %s, want %s", csp, want)
	}
	if !strings.Contains(got, `<link rel="stylesheet" href="https://static.example:8443/a.css?b">`) {
		t.Error("the operator's style sheet is not linked")
	}
	if csp := newPage(t, page.Theme{Style: "/local.css"}).ContentSecurityPolicy(); !strings.Contains(csp, "' 'self';") {
		t.Errorf("a style sheet of the same host: %s", csp)
	}
}

func TestTemplates(t *testing.T) {
	t.Parallel()
	p := newPage(t, page.Theme{Templates: file(t, `{{define "header"}}<p>Example's {{.Name}}</p>{{end}}{{define "footer"}}<footer>f</footer>{{end}}{{define "style"}}a{color:red}{{end}}`)})
	s := look(t, render(t, p, sample()))
	if !strings.Contains(s.text, "Example's Leap") || strings.TrimSpace(s.style) != "a{color:red}" || strings.Contains(s.text, "As of") {
		t.Errorf("style %q in %s", s.style, s.text)
	}
	sum := sha256.Sum256([]byte(s.style))
	if !strings.Contains(p.ContentSecurityPolicy(), base64.StdEncoding.EncodeToString(sum[:])) {
		t.Error("the operator's style is not allowed")
	}
	for _, bad := range []string{`{{define "header"}}`, `{{define "header"}}{{.Nothing}}{{end}}`, `{{define "header"}}<a href="{{end}}`} {
		l, err := page.Open(page.Theme{Templates: file(t, bad)})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := NewPage(l); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
	for _, bad := range []string{"ftp://x/a.css", "https:///a.css", "https://a b/", "\x00", "javascript:x"} {
		if _, err := page.Open(page.Theme{Style: bad}); err == nil {
			t.Errorf("style sheet %q is taken", bad)
		}
	}
}
