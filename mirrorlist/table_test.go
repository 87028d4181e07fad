package mirrorlist

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func sampleTable() *Table {
	return &Table{
		Title: "Mirrors of Example OS", Markers: []string{"ISOs", "Source code"}, Made: time.Date(2026, 11, 24, 12, 30, 0, 0, time.UTC),
		Mirrors: []TableMirror{
			{
				Name: "uni", Continent: "eu", Country: "de", Operator: "Zentrum <i>Halifax</i> | [x](y)", OperatorURL: "https://halifax.example.de/?a=1&b=2",
				Notes: "10 Gbit/s & \"more\"\nfor all", Score: 150, Holds: []bool{true, true},
				URLs: []string{"https://ftp.halifax.example.de/pub/", "http://ftp.halifax.example.de/pub/", "ftp://user:geheim@ftp.halifax.example.de/pub/", "rsync://user:geheim@ftp.halifax.example.de/pub/"},
			},
			{Name: "aaa", Continent: "eu", Country: "de", Operator: "aachen", URLs: []string{"https://aachen.example/"}, Score: 100, Holds: []bool{true, false}},
			{Name: "no", Continent: "eu", Country: "no", URLs: []string{"https://no.example/x/"}, Score: 40, Holds: []bool{false, false}},
			{Name: "eu", Continent: "eu", Operator: "Somewhere in Europe", OperatorURL: "javascript:alert(1)", URLs: []string{"https://eu.example/"}, Score: 60},
			{Name: "jp", Continent: "as", Country: "jp", Operator: "日本の大学", URLs: []string{"http://jp.example/"}, Score: 100, Holds: []bool{true, true}},
			{Name: "none", Operator: "Nowhere\x1b[31m", URLs: []string{"javascript:alert(2)", "https://bad.example/<script>", ""}, Score: 0},
		},
	}
}

func tableHTML(t testing.TB, table *Table) string {
	t.Helper()
	var b bytes.Buffer
	if err := table.WriteHTML(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTablePage(t *testing.T) {
	t.Parallel()
	s := look(t, tableHTML(t, sampleTable()))
	for _, want := range []string{
		"Mirrors of Example OS", "6 mirrors in 3 countries.", "Europe", "Asia", "Place not known", "Germany", "Norway", "Japan",
		"Zentrum <i>Halifax</i> | [x](y)", `10 Gbit/s & "more" for all`, "ISOs", "Source code", "★★★★", "★☆☆☆", "no.example", "As of 2026-11-24 12:30 UTC.",
	} {
		if !strings.Contains(s.text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	for _, want := range []string{
		"https://ftp.halifax.example.de/pub/", "ftp://ftp.halifax.example.de/pub/", "rsync://ftp.halifax.example.de/pub/",
		"https://halifax.example.de/?a=1&b=2", "https://bad.example/%3Cscript%3E", "#continent-eu",
	} {
		if !slices.Contains(s.links, want) {
			t.Errorf("no link to %s among %q", want, s.links)
		}
	}
	for _, l := range s.links {
		if strings.Contains(l, "javascript") || strings.Contains(l, "geheim") {
			t.Errorf("a link to %s", l)
		}
	}
	if n := strings.Count(s.text, "✓"); n != 5 {
		t.Errorf("%d marks", n)
	}
}

// Sorted by continent, country and operator, what is not known last.
func TestTableOrder(t *testing.T) {
	t.Parallel()
	var got []string
	for _, r := range sampleTable().regions() {
		for _, row := range r.Rows {
			got = append(got, fmt.Sprintf("%s/%s/%s", r.Title, row.Country, row.Operator))
		}
	}
	want := []string{
		"Asia/Japan/日本の大学", "Europe/Germany/aachen", "Europe/Germany/Zentrum <i>Halifax</i> | [x](y)", "Europe/Norway/no.example",
		"Europe//Somewhere in Europe", "Place not known//Nowhere␛[31m",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestTableText(t *testing.T) {
	t.Parallel()
	got := string(sampleTable().AppendText(nil))
	const europe = `
Europe
------

Germany
  aachen  ***  [ISOs]
    https://aachen.example/
  Zentrum <i>Halifax</i> | [x](y)  ****  [ISOs, Source code]
    https://ftp.halifax.example.de/pub/
    http://ftp.halifax.example.de/pub/
    ftp://ftp.halifax.example.de/pub/
    rsync://ftp.halifax.example.de/pub/
    10 Gbit/s & "more" for all

Norway
  no.example  *
    https://no.example/x/
`
	if !strings.Contains(got, europe) || strings.ContainsAny(got, "\x1b\r") {
		t.Errorf("got %s", got)
	}
}

func TestTableMarkdown(t *testing.T) {
	t.Parallel()
	got := string(sampleTable().AppendMarkdown(nil))
	for _, want := range []string{
		"\n| Country | Operator | Links | Priority | ISOs | Source code |\n| --- | --- | --- | --- | :-: | :-: |\n",
		`| Germany | [Zentrum \<i\>Halifax\</i\> \| \[x\]\(y\)](<https://halifax.example.de/?a=1&b=2>) (10 Gbit/s \& "more" for all) | [HTTPS](<https://ftp.halifax.example.de/pub/>)`,
		"| Norway | no.example | [HTTPS](<https://no.example/x/>) | ★ |  |  |\n",
		"| - | Nowhere␛\\[31m |",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if strings.Contains(got, "geheim") || strings.Contains(got, "javascript") {
		t.Errorf("it holds what it must not:\n%s", got)
	}
}

func TestTableEmpty(t *testing.T) {
	t.Parallel()
	empty := &Table{Header: "<p>before</p>", Footer: "<p>after</p>"}
	s := look(t, tableHTML(t, empty))
	if !strings.Contains(s.text, "There are no mirrors yet.") || !strings.Contains(s.text, "before") || !strings.Contains(s.text, "after") {
		t.Errorf("the page says %s", s.text)
	}
}

func TestStars(t *testing.T) {
	t.Parallel()
	for score, want := range map[int]int{0: 1, 49: 1, 50: 2, 99: 2, 100: 3, 101: 4, 1_000_000: 4} {
		if got := Stars(score); got != want {
			t.Errorf("score %d: %d stars", score, got)
		}
	}
}

// FuzzTable: whatever operators write, the page stays the page.
func FuzzTable(f *testing.F) {
	f.Add("Uni", "https://uni.example/", "https://uni.example/pub/", "ISOs", "de", "eu")
	f.Add("</td>", "javascript:x", "rsync://u:p@h/m/", "\"'<>", "\xff", "zz")
	f.Fuzz(func(t *testing.T, operator, page, link, marker, country, continent string) {
		table := &Table{Markers: []string{marker}, Mirrors: []TableMirror{{
			Name: "m", Operator: operator, OperatorURL: page, URLs: []string{link}, Country: country, Continent: continent, Holds: []bool{true},
		}, {Name: "n", Operator: "n"}}}
		s := look(t, tableHTML(t, table))
		for _, l := range s.links {
			if scheme, _, _ := strings.Cut(l, ":"); !strings.HasPrefix(l, "#") && protocols[scheme] == "" {
				t.Errorf("a link to %q", l)
			}
		}
		rows := strings.Count(string(table.AppendMarkdown(nil)), "\n| ")
		if want := 2 + 2*len(table.regions()); rows != want {
			t.Errorf("%d lines of tables, not %d", rows, want)
		}
	})
}
