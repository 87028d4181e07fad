package autoindex

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// captureTime is when all in the tree of the captures was modified.
var captureTime = time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)

// captured is the tree of testdata/apache: see its README.
func captured() []Entry {
	sub := New("sub", true)
	sub.ModTime = captureTime
	all := []Entry{sub}
	for name, size := range map[string]int64{
		"foo-1.7": 1, "foo-1.12": 1, "foo-1.7.2": 1, "foo-1.001": 0, "foo-1.030": 0, "foo-1.04": 0,
		"b972": 972, "b973": 973, "k12": 1229, "k995": 10189, "k100": 10200, "m5": 5 << 20, "g11": 12345678901,
		"a&b <c>.iso": 0, "sp ace.txt": 0, "ünï.txt": 0, "q?x#y%z.txt": 0,
		"a-very-long-file-name-that-exceeds-the-column.tar.gz": 0,
		"good": 1, "broken": 0, "nowhere": 0,
	} {
		e := New(name, false)
		e.Size, e.ModTime = size, captureTime
		all = append(all, e)
	}
	return all
}

// page renders entries as a server would that was asked with query.
func page(t *testing.T, o *Options, path, query string, entries []Entry) string {
	t.Helper()
	l := Listing{Path: path, Parent: path != "/", Entries: entries, Ask: o.Ask(query)}
	var f Format
	f, l.Order = o.Resolve(l.Ask, "")
	l.Arrange(0)
	b, err := Append(nil, f, &l, o)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// read gives a file of testdata.
func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Every page of the capture comes out byte for byte. Only one row is ours: in
// version order Apache puts bytes above 127 first, and it counts bytes for the
// width of names.
func TestApacheCaptures(t *testing.T) {
	t.Parallel()
	o := &Options{Format: Fancy, NameWidth: Widest, Order: Order{FoldersFirst: true, Version: true}}
	var d Descriptions
	if err := d.Add("An ISO", "*.iso"); err != nil {
		t.Fatal(err)
	}
	pages := strings.Split(read(t, "apache/fancy-foldersfirst-versionsort.txt"), "=== ")[1:]
	if len(pages) != 7 {
		t.Fatalf("%d pages", len(pages))
	}
	for _, text := range pages {
		query, want, _ := strings.Cut(text, "\n")
		t.Run(query, func(t *testing.T) {
			t.Parallel()
			l := Listing{Entries: captured()}
			d.Describe(&l)
			got := page(t, o, "/pub/", strings.TrimPrefix(query, "?"), l.Entries)
			if diff := cmp.Diff(moveSigned(want), moveSigned(got)); diff != "" {
				t.Errorf("-Apache +ours:\n%s", diff)
			}
		})
	}
}

// moveSigned takes the row of "ünï.txt" to the end, with single blanks.
func moveSigned(page string) string {
	var rows, moved []string
	for line := range strings.Lines(page) {
		if strings.Contains(line, `href="%c3%bc`) {
			moved = append(moved, strings.Join(strings.Fields(line), " ")+"\n")
		} else {
			rows = append(rows, line)
		}
	}
	return strings.Join(append(rows, moved...), "")
}

func TestApacheTop(t *testing.T) {
	t.Parallel()
	pub := New("pub", true)
	pub.ModTime = time.Date(2026, 11, 21, 20, 14, 12, 0, time.UTC)
	got := page(t, &Options{Format: Fancy}, "/", "", []Entry{pub})
	if diff := cmp.Diff(read(t, "apache/rootidx.txt"), got); diff != "" {
		t.Errorf("-Apache +ours:\n%s", diff)
	}
}
