package autoindex

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/mirrortest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// hardNames are ASCII, for which our pages have to be Apache's to the byte.
var hardNames = []string{
	"plain.iso", "PLAIN.ISO", "Plain.iso", "with space.txt", " leading and trailing ", "per%cent%20.txt",
	"hash#mark", "question?mark=1", "amp&er<sand>&amp;.iso", `quote"and'apostrophe`, `back\slash`,
	"semi;colon,and:later", "plus+equals=tilde~", "colon:first", ":", "C:", "http:x", "javascript:alert(1)",
	"trailing.dots...", "..two-dots", "...", ".hidden", "-dash", "[bracket]{brace}|^`", "arrow -> target",
	"date 2024-01-02 03:04  17", strings.Repeat("long", 50), "exactly-23-characters-x", "and-these-24-characters-",
	"<script>alert(1)</script>", "&lt;", "%2e%2e", "$(id)", "*", "@a", "(x)!", "x_y",
	"foo-1.7", "foo-1.12", "foo-1.7.2", "foo-1.001", "foo-1.030", "foo-1.04", "foo-1.10", "foo-01.1", "foo-1.7-rc1",
	"a1", "a01", "a001", "a10", "a2", "a 1", "a  1", "A1", "A01", "a_1", "a.1", "aB1", "ab1", "a1b", "a1B",
	"20240102", "20231231", "99999999999999999999999", "100000000000000000000000", "x--1", "x-1",
}

// hardTree makes files and folders with hard names, of many sizes and times.
func hardTree(t *testing.T, dir string, names []string) {
	t.Helper()
	sizes := []int64{0, 1, 972, 973, 1023, 1024, 9999, 10188, 10189, 10240, 996147, 996148, 1 << 20, 5<<20 + 77, 4<<30 + 1, 12345678901}
	for i, name := range names {
		at := mirrortest.TreeTime.Add(time.Duration(i%7) * 31 * time.Hour)
		file := filepath.Join(dir, name)
		if i%6 == 5 {
			if err := os.MkdirAll(file, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(file, at, at); err != nil {
				t.Fatal(err)
			}
			continue
		}
		mirrortest.File(t, file, sizes[i%len(sizes)], at)
	}
}

// entriesOf reads a folder.
func entriesOf(t *testing.T, dir string) (entries []Entry) {
	t.Helper()
	found, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range found {
		info, err := d.Info()
		if err != nil {
			t.Fatal(err)
		}
		e := New(d.Name(), d.IsDir())
		e.Size, e.ModTime, e.Mode = info.Size(), info.ModTime(), info.Mode()
		entries = append(entries, e)
	}
	return entries
}

// ask gets a page from a server, with the path and the query as they are.
func ask(t *testing.T, base, query string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.URL.RawQuery = query
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s?%s: %s, %v", base, query, resp.Status, err)
	}
	return string(b)
}

// apacheConfigs are settings of Apache and ours that mean the same.
var apacheConfigs = []struct {
	name, apache string
	ours         Options
}{
	{"plain", "", Options{Format: Plain}},
	{"fancy", "IndexOptions FancyIndexing", Options{Format: Fancy}},
	{"folders and versions", "IndexOptions FancyIndexing FoldersFirst VersionSort NameWidth=* DescriptionWidth=*", Options{
		Format: Fancy, NameWidth: Widest, DescriptionWidth: Widest, Order: Order{FoldersFirst: true, Version: true},
	}},
	{"case", "IndexOptions FancyIndexing IgnoreCase NameWidth=30 UseOldDateFormat", Options{
		Format: Fancy, NameWidth: 30, DateLayout: OldDateFormat, Order: Order{IgnoreCase: true},
	}},
	{"case and versions", "IndexOptions FancyIndexing IgnoreCase VersionSort\nIndexOrderDefault Descending Size", Options{
		Format: Fancy, Order: Order{IgnoreCase: true, Version: true, Column: BySize, Descending: true},
	}},
	{"table", "IndexOptions FancyIndexing HTMLTable FoldersFirst", Options{Format: Table, Order: Order{FoldersFirst: true}}},
	{"styled", "IndexOptions FancyIndexing HTMLTable NameWidth=*\nIndexStyleSheet /a.css\nIndexHeadInsert '<meta name=x>'", Options{
		Format: Table, NameWidth: Widest, StyleSheet: "/a.css", HeadInsert: "<meta name=x>",
	}},
	{"suppressed", "IndexOptions FancyIndexing SuppressRules SuppressColumnSorting SuppressLastModified", Options{
		Format: Fancy, SuppressRules: true, SuppressColumnSorting: true, Columns: Size | Description,
	}},
	{"ignored client", "IndexOptions FancyIndexing IgnoreClient SuppressSize SuppressDescription", Options{
		Format: Fancy, IgnoreClient: true, Columns: Modified,
	}},
	{"narrow", "IndexOptions FancyIndexing NameWidth=5 DescriptionWidth=12", Options{Format: Fancy, NameWidth: 5, DescriptionWidth: 12}},
}

var apacheQueries = []string{
	"", "F=0", "F=1", "F=2", "C=N;O=D", "C=M", "C=M;O=D", "C=S;O=A", "C=S&O=D", "C=D", "C=D;O=D", "O=D",
	"V=1", "V=0", "V=1;O=D", "C=N;O=D;V=1;F=2", "F=0;C=S;O=D", "C=M;X=1;O=D", "c=m", "C=X", "C=NN", "C=N;;O=D", "C=N;O=D;",
	"C=M;C=S;O=D;O=A", "X=1;C=M", "F=3", "F=2;P=foo*", "P=*", "P=foo-1.?", "P=.*", "P=*.iso;O=D", "P=[a-f]*", "P=[!a-f]*", "P=[^a-f]*",
	"P=%5ba-c]1*", "P=[", "P=*[", "P=[]", "P=[]]*", "P=[[]*", "P=?hidden", "P=[.]hidden", "P=*%5c*", "P=%5ca*", "P=a+1", "P=a%201", "P=a%2", "P=a%zz", "P=%2f*",
	"P=%00", "P=", "P=;O=D", "P=**o**", "P=*7*;V=1", "P=no-such-name", "P=%3c*", "P=*%22*", "P=a%3a*", "P=C:", "P=x-%2d1", "P=???", "P=*?*?*?*", "P=[a-", "P=[z-a]*", "P=*-[0-9]*",
}

// hardFolder holds the hard names; its own is one, too.
const hardFolder = "sub folder & more's"

// Our pages are those of the packaged Apache, for many settings and queries.
func TestApacheItself(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	hardTree(t, filepath.Join(dir, hardFolder), hardNames)
	for i, name := range []string{"x", "a:b"} {
		mirrortest.File(t, filepath.Join(dir, hardFolder, "b:c", name), int64(i)*1500, mirrortest.TreeTime)
	}
	for _, c := range apacheConfigs {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := mirrortest.Apache(t, dir, mirrortest.Options{Config: c.apache, Env: []string{"TZ=UTC"}})
			for _, query := range apacheQueries {
				compareWithApache(t, s.URL, dir, "/"+hardFolder+"/", query, &c.ours)
			}
			for _, query := range []string{"", "F=2", "F=0"} {
				compareWithApache(t, s.URL, dir, "/", query, &c.ours)
				compareWithApache(t, s.URL, dir, "/"+hardFolder+"/b:c/", query, &c.ours)
			}
		})
	}
}

func compareWithApache(t *testing.T, base, dir, path, query string, o *Options) {
	t.Helper()
	want := ask(t, strings.TrimSuffix(base, "/")+mirror.EscapePath(path), query)
	got := page(t, o, path, query, entriesOf(t, filepath.Join(dir, path)))
	if diff := cmp.Diff(strings.SplitAfter(want, "\n"), strings.SplitAfter(got, "\n")); diff != "" {
		t.Errorf("%s?%s: -Apache +ours:\n%s", path, query, diff)
	}
}

// write makes a file of text and the folders above it.
func write(t *testing.T, name, text string) {
	t.Helper()
	mirrortest.File(t, name, 0, mirrortest.TreeTime)
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
