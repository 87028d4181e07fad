package autoindex

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/page"
)

var pageNow = time.Date(2026, 11, 24, 21, 0, 0, 0, time.UTC)

func newPage(t testing.TB, theme page.Theme, o PageOptions) *Page {
	t.Helper()
	look, err := page.Open(theme)
	if err != nil {
		t.Fatal(err)
	}
	p, err := NewPage(look, o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// blocks writes an operator's blocks.
func blocks(t testing.TB, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "blocks.html")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func renderPage(t testing.TB, p *Page, l *Listing) string {
	t.Helper()
	var b bytes.Buffer
	if err := p.Write(&b, page.English(), l, pageNow); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// seenPage is what a page says: its text, where it links to, and its elements.
type seenPage struct {
	text  string
	style string
	links []string
	ids   []string
	rows  []string // the text of each row of the table, its cells joined by "|"
	sorts []string // the columns with aria-sort
}

// elements of pages, those among them that have no end tag, and all their attributes.
var (
	pageElements = []string{
		"html", "head", "script", "meta", "title", "style", "link", "body", "main", "div", "header", "footer", "nav", "ol", "li", "h1", "p",
		"a", "span", "small", "bdi", "code", "time", "details", "summary", "form", "input", "button", "pre",
		"table", "caption", "thead", "tbody", "tr", "th", "td",
	}
	pageVoid  = []string{"meta", "link", "input"}
	pageAttrs = []string{
		"lang", "charset", "data-copy", "data-copied", "data-label", "src", "defer", "type", "name", "content", "rel", "href", "class", "id", "datetime", "title",
		"scope", "role", "aria-label", "aria-sort", "method", "action", "value", "maxlength", "required", "placeholder",
	}
)

// readPage reads a page tag by tag, without the mercy of a browser: what is
// opened is closed in its turn, and nothing is there that the page does not have.
func readPage(t *testing.T, text string) (s seenPage) {
	t.Helper()
	var open []string
	z := html.NewTokenizer(strings.NewReader(text))
	for {
		switch z.Next() {
		case html.ErrorToken:
			if !errors.Is(z.Err(), io.EOF) || len(open) != 0 {
				t.Fatalf("the page ends in %v: %v", open, z.Err())
			}
			return s
		case html.TextToken:
			s.say(string(z.Text()), open)
		case html.EndTagToken:
			name, _ := z.TagName()
			if len(open) == 0 || open[len(open)-1] != string(name) {
				t.Fatalf("</%s> closes %v", name, open)
			}
			open = open[:len(open)-1]
		case html.StartTagToken, html.SelfClosingTagToken:
			tag := z.Token()
			s.see(t, tag)
			if !slices.Contains(pageVoid, tag.Data) {
				open = append(open, tag.Data)
			}
		case html.CommentToken:
			t.Fatalf("a comment: %s", z.Raw())
		case html.DoctypeToken:
		}
	}
}

func (s *seenPage) say(text string, open []string) {
	switch {
	case slices.Contains(open, "style"):
		s.style += text
		return
	case slices.Contains(open, "th"), slices.Contains(open, "td"):
		s.rows[len(s.rows)-1] += text
	}
	s.text += text
}

func (s *seenPage) see(t *testing.T, tag html.Token) {
	t.Helper()
	if !slices.Contains(pageElements, tag.Data) {
		t.Fatalf("the page has an element %q", tag.Data)
	}
	switch tag.Data {
	case "tr":
		s.rows = append(s.rows, "")
	case "td":
		s.rows[len(s.rows)-1] += "|"
	}
	for _, a := range tag.Attr {
		switch {
		case !slices.Contains(pageAttrs, a.Key):
			t.Fatalf("<%s> has an attribute %q", tag.Data, a.Key)
		case a.Key == "id":
			if slices.Contains(s.ids, a.Val) {
				t.Fatalf("the id %s twice", a.Val)
			}
			s.ids = append(s.ids, a.Val)
		case a.Key == "href" && tag.Data == "a":
			s.links = append(s.links, a.Val)
		case a.Key == "aria-sort":
			s.sorts = append(s.sorts, a.Val)
		}
	}
}

// pageFolder has one entry of each sort.
func pageFolder() *Listing {
	l := &Listing{Path: "/releases/2.0/", Parent: true, Order: Order{FoldersFirst: true}, Total: 5}
	day := 24 * time.Hour
	dir := New("sources", true)
	dir.Files, dir.Bytes, dir.ModTime = 4211, 3<<30, pageNow.Add(-3*day)
	iso := New("app-2.0.iso", false)
	iso.Size, iso.ModTime, iso.Mirrors, iso.Description = 4_700_372_992, pageNow.Add(-5*time.Hour), 23, "The installer & more"
	iso.SHA256 = sha256.Sum256([]byte("app"))
	iso.Documents = MirrorList | Meta4 | Metalink | Torrent | SHA256 | Signature
	old := New("app-1.9.iso", false)
	old.Size, old.Mirrors, old.Documents = 1<<20, 1, MirrorList|Metalink|SHA256
	link := New("latest.iso", false)
	link.Size, link.Symlink, link.SymlinkTarget, link.Mirrors = 1<<20, true, "app-2.0.iso", 0
	l.Entries = []Entry{dir, iso, old, link, New("README", false)}
	return l
}

func TestPage(t *testing.T) {
	t.Parallel()
	p := newPage(t, page.Theme{Name: "App"}, PageOptions{Search: true, JSON: "format=json", Text: "format=text"})
	s := readPage(t, renderPage(t, p, pageFolder()))
	rows := []string{
		"NameSizeModifiedMirrorsMore",
		"Parent folder||||",
		"sources/|3.00 GiB|3 days ago||4,211 files",
		"app-2.0.isoThe installer & more|4.38 GiB|5 hours ago|23 mirrors|Metalink Torrent SHA-256a172cedcae47474b615c54d510a5d84a8dea3032e958587430b413538be3f333",
		"app-1.9.iso|1.00 MiB||1 mirror|Metalink SHA-256 ",
		"latest.iso→ app-2.0.iso|1.00 MiB||0 mirrors|",
		"README||||",
	}
	if diff := cmp.Diff(rows, s.rows); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	links := []string{
		"#mirrorbrain-main", "", "../../", "../",
		"?sort=namedirfirst&order=desc", "?sort=size&order=desc", "?sort=time&order=desc", "?sort=mirrors&order=desc",
		"../", "sources/", "app-2.0.iso", "app-2.0.iso.mirrorlist", "app-2.0.iso.meta4", "app-2.0.iso.torrent",
		"app-1.9.iso", "app-1.9.iso.mirrorlist", "app-1.9.iso.metalink", "app-1.9.iso.sha256", "latest.iso", "README",
		"?format=json", "?format=text",
	}
	links = slices.DeleteFunc(links, func(l string) bool { return l == "" })
	if diff := cmp.Diff(links, s.links); diff != "" {
		t.Errorf("links (-want +got):\n%s", diff)
	}
	for _, want := range []string{"Index of /releases/2.0/", "1 folder", "4 files", "4,215 files and 7.38 GiB in all", "All files", "As of 2026-11-24 21:00 UTC."} {
		if !strings.Contains(s.text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if !slices.Equal(s.sorts, []string{"ascending"}) {
		t.Errorf("sorted: %v", s.sorts)
	}
}

// TestPageWithoutIndex: what nobody knows has no column.
func TestPageWithoutIndex(t *testing.T) {
	t.Parallel()
	l := &Listing{Path: "/", Entries: []Entry{New("a", false), New("b", true)}, Total: 2}
	l.Entries[0].Size = 7
	got := renderPage(t, newPage(t, page.Theme{}, PageOptions{Fixed: true}), l)
	s := readPage(t, got)
	if diff := cmp.Diff([]string{"NameSize", "a|7 B", "b/|"}, s.rows); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"#mirrorbrain-main", "a", "b/"}, s.links); diff != "" {
		t.Errorf("links (-want +got):\n%s", diff)
	}
	if strings.Contains(got, "<form") || strings.Contains(got, "<nav") {
		t.Error("there is a search, or a way up")
	}
	shown := newPage(t, page.Theme{}, PageOptions{Columns: Mirrors})
	if rows := readPage(t, renderPage(t, shown, pageFolder())).rows; rows[0] != "NameMirrors" || rows[3] != "app-2.0.iso|23 mirrors" {
		t.Errorf("got %v", rows)
	}
}

func TestEmptyPage(t *testing.T) {
	t.Parallel()
	p := newPage(t, page.Theme{}, PageOptions{Search: true})
	for want, l := range map[string]*Listing{
		"This folder is empty.":       {Path: "/", Parent: false},
		"Name":                        {Path: "/a/", Parent: true},
		"No name in this folder or":   {Path: "/a/", Ask: Ask{Search: "x"}},
		"“<b>\ufffd”":                 {Path: "/a/", Ask: Ask{Search: "<b>\xff"}},
		"the search ended early":      {Path: "/a/", Ask: Ask{Search: "x"}, Cut: true},
		"There are more entries than": {Path: "/a/", Entries: []Entry{New("x", false)}, Total: 1, Cut: true},
		"names that match <*>":        {Path: "/a/", Ask: Ask{Pattern: "<*>"}},
		"Entries 3 to 4 of 1,000":     {Path: "/a/", Entries: []Entry{New("x", false), New("y", false)}, Total: 1000, Ask: Ask{Offset: 2}},
	} {
		if s := readPage(t, renderPage(t, p, l)); !strings.Contains(s.text, want) {
			t.Errorf("%q is not in %s", want, s.text)
		}
	}
}

func TestFoundPage(t *testing.T) {
	t.Parallel()
	l := pageFolder()
	l.Ask, l.Total = Ask{Search: "2.0"}, 1
	l.Entries = l.Entries[1:2]
	l.Entries[0].Folder = "a:b/c?/"
	s := readPage(t, renderPage(t, newPage(t, page.Theme{}, PageOptions{Search: true}), l))
	for _, want := range []string{"./a:b/c%3F/app-2.0.iso", "./a:b/c%3F/", "./a:b/c%3F/app-2.0.iso.mirrorlist", "./", "?sort=size&order=desc&q=2.0"} {
		if !slices.Contains(s.links, want) {
			t.Errorf("no link to %s in %v", want, s.links)
		}
	}
	if !strings.Contains(s.text, "“2.0”") || !strings.Contains(s.text, "1 match") || len(s.rows) != 2 {
		t.Errorf("got %s", s.text)
	}
}

// TestHostileNames: names stay text, and links keep their bytes.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	names := map[string]string{
		`<script>alert(1)</script>`: "%3Cscript%3Ealert%281%29%3C/script%3E",
		`" onclick="x`:              "%22%20onclick=%22x",
		"a\nb\x00":                  "a%0Ab%00",
		"caf\xe9":                   "caf%E9",
		"a\u202egpj.exe":            "a%E2%80%AEgpj.exe",
		"javascript:alert(1)":       "./javascript:alert%281%29",
		"&amp;'":                    "%26amp%3B%27",
		"#top?q":                    "%23top%3Fq",
		"100%25":                    "100%2525",
	}
	p := newPage(t, page.Theme{}, PageOptions{})
	for name, href := range names {
		e := New(name, false)
		e.Description, e.SymlinkTarget = name, name
		l := &Listing{Path: "/" + name + "/", Parent: true, Entries: []Entry{e}, Total: 1, Readme: Insert{Text: name}, Header: Insert{Text: name}}
		s := readPage(t, renderPage(t, p, l))
		if !slices.Contains(s.links, href) {
			t.Errorf("%q: links %v, want %s", name, s.links, href)
		}
		if shown := page.Readable(name); strings.Count(s.text, shown) < 5 {
			t.Errorf("%q is not shown as %q", name, shown)
		}
	}
}

func TestInserts(t *testing.T) {
	t.Parallel()
	l := &Listing{Path: "/", Header: Insert{Text: "<p>Hello</p>", HTML: true}, Readme: Insert{Text: "a\tb\r\n<c>\x1b\n"}}
	got := renderPage(t, newPage(t, page.Theme{}, PageOptions{}), l)
	if !strings.Contains(got, `<div class="mirrorbrain-above"><p>Hello</p></div>`) {
		t.Error("the operator's markup is not there")
	}
	if !strings.Contains(got, "<pre>a\tb\n&lt;c&gt;␛\n</pre>") {
		t.Error("the text is not there as it is")
	}
}

func TestPageBlocks(t *testing.T) {
	t.Parallel()
	own := blocks(t, `{{define "search"}}<p>{{.Path}}</p>{{end}}{{define "readme"}}<p>mine {{.Readme.Text}}</p>{{end}}{{define "style"}}a{color:red}{{end}}`)
	p := newPage(t, page.Theme{Templates: own}, PageOptions{Search: true})
	l := pageFolder()
	l.Readme.Text = "theirs"
	got := renderPage(t, p, l)
	s := readPage(t, got)
	if !strings.Contains(s.text, "mine theirs") || strings.Contains(got, "<form") {
		t.Errorf("got %s", s.text)
	}
	hash := sha256.Sum256([]byte(s.style))
	if !strings.Contains(p.ContentSecurityPolicy(), base64.StdEncoding.EncodeToString(hash[:])) {
		t.Error("the operator's style is not allowed")
	}
	look, err := page.Open(page.Theme{Templates: blocks(t, `{{define "readme"}}{{.Nothing}}{{end}}`)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewPage(look, PageOptions{}); err == nil {
		t.Error("a block that does not work is taken")
	}
}

// TestPageStyle: the policy allows the style that pages have, whatever they show.
func TestPageStyle(t *testing.T) {
	t.Parallel()
	p := newPage(t, page.Theme{}, PageOptions{Search: true})
	hash := sha256.Sum256([]byte(readPage(t, renderPage(t, p, pageFolder())).style))
	if csp := p.ContentSecurityPolicy(); !strings.Contains(csp, base64.StdEncoding.EncodeToString(hash[:])) || !strings.Contains(csp, "img-src 'self' data:") {
		t.Errorf("got %s", csp)
	}
	for _, kind := range []fileKind{kindFolder, kindLink, kindDisc, kindArchive, kindPackage, kindSource, kindDocument, kindSeal, kindPicture, kindVideo, kindAudio, kindOther, "up"} {
		if !strings.Contains(pageStyle, fmt.Sprintf("\n.mirrorbrain-kind-%s {", kind)) {
			t.Errorf("%s has no icon", kind)
		}
	}
}

func TestKinds(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]fileKind{
		"a.iso": kindDisc, "A.ISO": kindDisc, "sd.img.xz": kindDisc, "a.tar.gz": kindArchive, "a.zip": kindArchive, "a.tar.gz.asc": kindSeal,
		"a-1-1.x86_64.rpm": kindPackage, "a-1-1.src.rpm": kindSource, "a_1.orig.tar.xz": kindSource, "a_1-1.debian.tar.xz": kindSource, "a_1.dsc": kindSource,
		"a-1-1-x86_64.pkg.tar.zst": kindPackage, "SHA256SUMS": kindSeal, "SHA256SUMS.txt": kindDocument, "Fedora-42-CHECKSUM": kindSeal, "README": kindDocument, "README.md": kindDocument,
		"a.PNG": kindPicture, "a.webm": kindVideo, "a.flac": kindAudio, "a": kindOther, "": kindOther, ".": kindOther, "..": kindOther, "a.": kindOther, ".gz": kindArchive,
		"a.unknown": kindOther, "a.\xff\x00": kindOther, strings.Repeat("a", 300): kindOther, "primary.xml.gz": kindSource, "changelog.gz": kindArchive, "libreoffice.patch": kindSource,
	} {
		if got := kindNamed(name); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
	if kindOf(&Entry{Name: "a.iso", Dir: true}) != kindFolder || kindOf(&Entry{Name: "a.iso", Symlink: true}) != kindLink {
		t.Error("a folder or link is a file")
	}
}
