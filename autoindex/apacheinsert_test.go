package autoindex

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/mirrortest"
)

// What operators put around the rows, and descriptions, stand where they do in
// Apache, in each of its forms.
func TestApacheInserts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	markup := Insert{Text: "<p>Hello &amp; <b>x</b>", HTML: true}
	text := Insert{Text: "1 < 2 & \"3\"\n\tno markup: <b>\r\nend"}
	for name, i := range map[string]Insert{"h.html": markup, "h.txt": text} {
		write(t, filepath.Join(dir, "pub", name), i.Text)
	}
	for i, name := range []string{"a.iso", "b.iso", "c.tar", "README", "long"} {
		mirrortest.File(t, filepath.Join(dir, "pub", name), int64(i), mirrortest.TreeTime)
	}
	described := `
		AddDescription "An ISO" *.iso
		AddDescription "below that" */pub/c.tar
		AddDescription "part of a name" EAD
		AddDescription "exactly twenty-three ch" b.iso h.t
		AddDescription "a description that is longer than all columns" long h.html
	`
	var d Descriptions
	for _, r := range [][2]string{
		{"An ISO", "*.iso"},
		{"below that", "/pub/c.tar"},
		{"part of a name", "EAD"},
		{"exactly twenty-three ch", "h.t"},
		{"a description that is longer than all columns", "long"},
		{"a description that is longer than all columns", "h.html"},
	} {
		if err := d.Add(r[0], r[1]); err != nil {
			t.Fatal(err)
		}
	}
	const types = "\nAddType text/plain .txt\nAddType text/html .html\nIndexOptions FancyIndexing "
	for _, c := range []struct {
		name, apache   string
		header, readme Insert
		ours           Options
	}{
		{"markup", types + "\nHeaderName h.html\nReadmeName h.html", markup, markup, Options{Format: Fancy}},
		{"text", types + "NameWidth=*\nHeaderName h.txt\nReadmeName h.txt", text, text, Options{Format: Fancy, NameWidth: Widest}},
		{"whole page", types + "SuppressHTMLPreamble\nHeaderName h.html\nReadmeName h.html", markup, markup, Options{Format: Fancy, SuppressHTMLPreamble: true}},
		{"text, no preamble", types + "SuppressHTMLPreamble\nHeaderName h.txt\nReadmeName h.txt", text, text, Options{Format: Fancy, SuppressHTMLPreamble: true}},
		{"none, no preamble", types + "SuppressHTMLPreamble", Insert{}, Insert{}, Options{Format: Fancy, SuppressHTMLPreamble: true}},
		{"wide descriptions", types + "DescriptionWidth=*", Insert{}, Insert{}, Options{Format: Fancy, DescriptionWidth: Widest}},
		{"narrow descriptions", types + "DescriptionWidth=12 SuppressSize", Insert{}, Insert{}, Options{Format: Fancy, DescriptionWidth: 12, Columns: Modified | Description}},
		{"descriptions alone", types + "SuppressSize SuppressLastModified", Insert{}, Insert{}, Options{Format: Fancy, Columns: Description}},
		{"style", types + "HTMLTable\nIndexStyleSheet /s.css\nHeaderName h.txt", text, Insert{}, Options{Format: Table, StyleSheet: "/s.css"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := mirrortest.Apache(t, dir, mirrortest.Options{Config: described + c.apache, Env: []string{"TZ=UTC"}})
			for _, query := range []string{"", "F=0", "F=2", "C=D;O=D", "C=D;V=1;F=2"} {
				l := Listing{
					Path: "/pub/", Parent: true, Header: c.header, Readme: c.readme,
					Entries: entriesOf(t, filepath.Join(dir, "pub")), Ask: ParseAsk(query),
				}
				var f Format
				f, l.Order = c.ours.Resolve(l.Ask, "")
				d.Describe(&l)
				l.Arrange(0)
				got, err := Append(nil, f, &l, &c.ours)
				if err != nil {
					t.Fatal(err)
				}
				want := ask(t, s.URL+"pub/", query)
				if diff := cmp.Diff(strings.SplitAfter(want, "\n"), strings.SplitAfter(string(got), "\n")); diff != "" {
					t.Errorf("?%s: -Apache +ours:\n%s", query, diff)
				}
			}
		})
	}
}
