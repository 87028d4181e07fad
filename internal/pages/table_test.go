package pages

import (
	"fmt"
	"strings"
	"testing"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/browsertest"
)

// page is a page that people see.
type page struct {
	name     string   // of its screenshots
	target   string   // path and query, as they are sent, without the first slash
	client   string   // address; "" is an unknown place
	language string   // Accept-Language; "" is English
	says     []string // what its text must have
	heading  string   // what its h1 must be; "" is not looked at
	variant  bool     // another page's, with other content: one picture is enough
	apache   bool     // in the form of Apache's, which is as it is for programs
}

// pages are all that there are. What is tried with each is in pages_test.go.
var pages = []page{
	{
		name: "file", target: escape(image) + ".mirrorlist", client: inGermany, heading: "example-2.0-amd64.iso",
		says: []string{"frankfurt.example", "Germany", "First choice", "SHA-256", "OpenPGP", "Torrent", "zsync", "does not have this version"},
	},
	{
		name: "file-german", target: escape(image) + ".mirrorlist", client: inGermany, language: "de-AT,de;q=0.8,en;q=0.5", heading: "example-2.0-amd64.iso",
		says: []string{"Deutschland", "Prüfsummen", "3,00 MiB", "3.145.745"},
	},
	{name: "file-explain", target: escape(image) + "?mirrorlist&explain", client: inJapan, says: []string{"Why", "osaka.example"}},
	{name: "file-alone", target: escape(alone) + ".mirrorlist", client: inGermany, heading: "only-here.iso", says: []string{host}},
	{name: "file-all", target: escape(image) + "?mirrorlist&all", client: inGermany, says: []string{"osaka.example"}, variant: true},
	{name: "file-nowhere", target: escape(image) + "?mirrorlist", says: []string{"newyork.example"}, variant: true},
	{name: "file-markup", target: escape(script) + "?mirrorlist", heading: `<img src=x onerror=alert(1)>&lt;"'.iso`, variant: true},
	{name: "file-spaces", target: escape(spaces) + "?mirrorlist", heading: "with spaces & a #hash?.iso", variant: true},
	{name: "file-latin1", target: escape(latin1) + "?mirrorlist", heading: "caf\uFFFD-\uFFFD\uFFFD.iso", variant: true},
	{name: "file-rtl", target: escape(rtl) + "?mirrorlist", variant: true},
	{name: "file-control", target: escape(control) + "?mirrorlist", variant: true},
	{name: "file-long", target: escape(long) + "?mirrorlist", variant: true},
	{
		name: "mirrors", target: "published/mirrors.html", heading: "Mirrors of Example <OS>",
		says: []string{"Frankfurt <b>University</b> & Friends", "10 Gbit/s <script>alert(1)</script>", "Odd <b>names</b>"},
	},
	{
		name: "index", target: "releases/2.0/", client: inGermany, heading: "2.0",
		says: []string{"example-2.0-amd64.iso", "An image <b>of</b> a disc", "3.00 MiB", "Example 2.0", "Metalink"},
	},
	{name: "index-top", target: "", heading: "All files", says: []string{"releases", "alone", "empty", "many", "odd"}, variant: true},
	{name: "index-german", target: "releases/2.0/", client: inGermany, language: "de", says: []string{"Geändert", "3,00 MiB"}, variant: true},
	{name: "index-odd", target: "odd/", heading: "odd", says: []string{"<img src=x onerror=alert(1)>", "日本語", "All are files."}},
	{name: "index-many", target: "many/", heading: "many", says: []string{"60 files", "part-60.bin"}, variant: true},
	{name: "index-part", target: "many/?limit=20&offset=20", says: []string{"Entries 21 to 40 of 60", "Previous", "Next"}, variant: true},
	{name: "index-cut", target: "few/many/", says: []string{"Entries 1 to 5 of 60"}, variant: true},
	{name: "index-pattern", target: "releases/2.0/?P=*.iso", says: []string{"Only names that match *.iso are shown.", "Show all"}, variant: true},
	{name: "index-empty", target: "empty/", says: []string{"This folder is empty."}, variant: true},
	{name: "index-found", target: "?q=amd64", says: []string{"3 matches", "example-1.9-amd64.iso"}},
	{name: "index-nothing", target: "releases/?q=%3Cb%3Enowhere%3C%2Fb%3E", heading: "“<b>nowhere</b>”", variant: true},
	{name: "index-fancy", target: "releases/2.0/?F=1", heading: "Index of /releases/2.0", says: []string{"Last modified", "Details"}, apache: true},
	{name: "index-table", target: "releases/2.0/?F=2", heading: "Index of /releases/2.0", says: []string{"Last modified", "Details"}, apache: true},
	{
		name: "status", target: "mirrors/", heading: "Mirrors",
		says: []string{"frankfurt.example", "Frankfurt <b>University</b> & Friends", "capetown.example"},
	},
	{name: "status-german", target: "mirrors/", language: "de", says: []string{"Deutschland"}, variant: true},
	{name: "status-none", target: "mirrors/?q=%3Cb%3Enobody", variant: true},
	{name: "status-mirror", target: "mirrors/frankfurt.example", heading: "frankfurt.example", says: []string{"Frankfurt <b>University</b> & Friends", "10 Gbit/s"}},
	{name: "status-mirror-german", target: "mirrors/capetown.example?range=year", language: "de", says: []string{"Südafrika"}, variant: true},
	{name: "folder", target: "published/status/", heading: "Mirrors", says: []string{"frankfurt.example", "Example <OS> & Co."}, variant: true},
	{name: "folder-order", target: "published/status/by-share.html", says: []string{"frankfurt.example"}, variant: true},
	{name: "folder-mirror", target: "published/status/frankfurt.example.html", heading: "frankfurt.example", variant: true},
	{name: "folder-german", target: "published/stand/", language: "de", says: []string{"Deutschland"}, variant: true},
}

// view is how the page's visitor looks at it.
func (p page) view() browsertest.View {
	client := p.client
	if client == "" {
		client = nowhere
	}
	return browsertest.View{Language: p.language, Header: map[string]string{"X-Forwarded-For": client}}
}

// lang is the language that the page is to be in; Apache's forms name none.
func (p page) lang() string {
	if p.apache {
		return ""
	}
	if strings.HasPrefix(p.language, "de") {
		return "de"
	}
	return "en"
}

// pageOf finds a page by its name.
func pageOf(t testing.TB, name string) page {
	t.Helper()
	for _, p := range pages {
		if p.name == name {
			return p
		}
	}
	t.Fatalf("there is no page %s", name)
	return page{}
}

// escape is percent-encoding: every byte but RFC 3986's unreserved ones and the
// slash.
func escape(path string) string {
	var b strings.Builder
	for _, c := range []byte(path) {
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~/", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
