package autoindex

import (
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"
)

var update = flag.Bool("update", false, "write what tests get into testdata")

// golden compares with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile("testdata/"+name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(read(t, name), got); diff != "" {
		t.Errorf("%s: -want +got:\n%s", name, diff)
	}
}

// known is a folder of which all is known that can be.
func known() []Entry {
	at := time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)
	iso := Entry{
		Name: "a.iso", Size: 5 << 20, ModTime: at, Indexed: true, Mirrors: 17, Files: -1, Bytes: -1,
		SHA256: [32]byte{1}, Documents: MirrorList | Meta4, Description: "An image <b>, \"bold\" & longer than wide",
	}
	none := Entry{Name: "b&c:d.txt", Size: 0, ModTime: at, Indexed: true, Mirrors: 0, Files: -1, Bytes: -1, Documents: MirrorList}
	away := Entry{Name: "away", Size: 1, ModTime: at, Indexed: true, Mirrors: -1, Files: -1, Bytes: -1}
	local := New("local", false)
	folder := New("sub", true)
	folder.ModTime, folder.Indexed, folder.Mirrors, folder.Files, folder.Bytes = at, true, 5, 3, 12
	folder.Documents = MirrorList // folders have one too, but no link in these forms
	return []Entry{folder, iso, away, none, local}
}

// What Apache has not: mirrors, details, a cut list, times of another zone.
func TestOwnColumns(t *testing.T) {
	t.Parallel()
	l := &Listing{
		Path: "/a/b&c/", Parent: true, Entries: known(), Cut: true, Order: Order{Column: ByModified},
		Ask: Ask{Format: Table, Version: Off, Pattern: "*&;+\"<é", Search: "x&y \""}, Readme: Insert{Text: "<footer>", HTML: true},
	}
	o := &Options{Columns: ApacheColumns | Mirrors | Details, Location: time.FixedZone("", -3600)}
	styled := *o
	styled.StyleSheet, styled.HeadInsert = `/s.css?a&"b`, "  <meta name=robots>\n"
	golden(t, "own-fancy.html", string(AppendFancy(nil, l, o)))
	golden(t, "own-table.html", string(AppendTable(nil, l, o)))
	golden(t, "own-styled.html", string(AppendTable(nil, l, &styled)))
	golden(t, "own-plain.html", string(AppendPlain(nil, l, o)))
}

// A page of openSUSE's mod_autoindex_mb has its column "Metadata" like this.
func TestMirrorBrainTable(t *testing.T) {
	t.Parallel()
	l := &Listing{Path: "/a/", Parent: true, Entries: known()[1:2]}
	got := string(AppendTable(nil, l, &Options{NameWidth: Widest, DateLayout: OldDateFormat, Columns: Modified | Size | Details}))
	for _, want := range []string{
		`<a href="?C=S;O=A">Size</a></th><th>Metadata</th></tr>`,
		`<th colspan="5"><hr`,
		`<td>&nbsp;</td><td align="right">  - </td><td>&nbsp;</td></tr>`,
		`<td><a href="a.iso">a.iso</a></td><td align="right">02-Jan-2024 03:04  </td><td align="right">5.0M</td><td><a href="a.iso.mirrorlist">Details</a></td></tr>`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is not in\n%s", want, got)
		}
	}
}

func TestArrange(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		ask   Ask
		most  int
		want  string
		total int
		cut   bool
	}{
		{"all", Ask{}, 0, "d e a1 a2 a3 b", 6, false},
		{"pattern", Ask{Pattern: "a*"}, 0, "a1 a2 a3", 3, false},
		{"pattern for folders too", Ask{Pattern: "[d-e]"}, 0, "d e", 2, false},
		{"limit", Ask{Limit: 2, Offset: 1}, 0, "e a1", 6, false},
		{"beyond", Ask{Limit: 2, Offset: 100}, 0, "", 6, false},
		{"large limit", Ask{Limit: 100}, 0, "d e a1 a2 a3 b", 6, false},
		{"most", Ask{}, 5, "d e a1 a2 a3", 6, true},
		{"just as many", Ask{}, 6, "d e a1 a2 a3 b", 6, false},
		{"limit below most", Ask{Limit: 3, Offset: 2}, 3, "a1 a2 a3", 6, false},
		{"limit above most", Ask{Limit: 5}, 3, "d e a1", 6, true},
	} {
		l := Listing{Ask: tt.ask, Order: Order{FoldersFirst: true}}
		for _, name := range []string{"a3", "e", "b", "a1", "d", "a2"} {
			l.Entries = append(l.Entries, New(name, name == "d" || name == "e"))
		}
		l.Arrange(tt.most)
		var names []string
		for _, e := range l.Entries {
			names = append(names, e.Name)
		}
		if got := strings.Join(names, " "); got != tt.want || l.Total != tt.total || l.Cut != tt.cut {
			t.Errorf("%s: %q of %d, cut %v", tt.name, got, l.Total, l.Cut)
		}
	}
}

func TestNewest(t *testing.T) {
	t.Parallel()
	l := Listing{Entries: known()}
	l.Newest()
	if !l.ModTime.Equal(captureTime) {
		t.Error(l.ModTime)
	}
	later := captureTime.Add(time.Hour)
	l.ModTime = later
	if l.Newest(); l.ModTime != later {
		t.Error(l.ModTime)
	}
}

// What a search found is in folders below, and links lead there.
func TestFound(t *testing.T) {
	t.Parallel()
	e := New("x y", false)
	e.Folder = "a:b/c d/"
	for _, f := range []Format{Plain, Fancy, Table} {
		got, err := Append(nil, f, &Listing{Path: "/", Entries: []Entry{e}}, &Options{})
		if err != nil || !strings.Contains(string(got), `<a href="./a:b/c%20d/x%20y">`) {
			t.Errorf("%v: %v\n%s", f, err, got)
		}
	}
}

// FuzzPages: nothing that others name becomes markup, in any form: a page has
// the same elements as one with plain names.
func FuzzPages(f *testing.F) {
	f.Add("a</pre><script>", "/x/\"><img>/", "P=%22%3e%3cb%3e;q=%22%3e", "<i>", uint8(0))
	f.Add("\x00\"'<", "/\xff&lt;/", "F=2;P='", "\"", uint8(9))
	f.Fuzz(func(t *testing.T, name, folder, query, text string, which uint8) {
		if name == "" || folder == "" {
			return
		}
		o := crawledOptions[int(which)%len(crawledOptions)]
		form := []Format{Plain, Fancy, Table}[int(which/8)%3]
		build := func(name, folder, text string, a Ask) string {
			e := Entry{Name: name, Description: text, Documents: MirrorList, Mirrors: 1, Indexed: true}
			l := &Listing{Path: "/" + folder + "/", Parent: true, Entries: []Entry{e}, Ask: a, Readme: Insert{Text: text + "."}}
			b, err := Append(nil, form, l, &o)
			if err != nil {
				t.Fatal(err)
			}
			return string(b)
		}
		if text == "" {
			text = "-"
		}
		got, want := build(name, folder, text, ParseAsk(query)), build("name", "folder", "text", Ask{})
		if diff := cmp.Diff(elements(want), elements(got)); diff != "" {
			t.Errorf("%s\n%s", diff, got)
		}
	})
}

// elements lists the tags of a page with the names of their attributes.
func elements(page string) (all []string) {
	z := html.NewTokenizer(strings.NewReader(page))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return all
		case html.StartTagToken, html.EndTagToken, html.SelfClosingTagToken:
			tag := z.Token()
			s := tag.Type.String() + " " + tag.Data
			for _, a := range tag.Attr {
				s += " " + a.Key
			}
			all = append(all, s)
		case html.CommentToken:
			all = append(all, "comment")
		}
	}
}
