package autoindex

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/google/go-cmp/cmp"
)

// caddyText writes what Caddy does for text/plain.
func caddyText(rows [][3]string) string {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 8, 1, '\t', tabwriter.AlignRight)
	fmt.Fprintln(w, "Name\tSize\tModified\n----\t----\t--------")
	for _, r := range rows {
		fmt.Fprintf(w, "%s\t%s\t%s\n", r[0], r[1], r[2])
	}
	w.Flush()
	return b.String()
}

// caddySize is go-humanize's IBytes.
func caddySize(size int64) string {
	if size < 10 {
		return fmt.Sprintf("%d B", size)
	}
	e := math.Floor(math.Log(float64(size)) / math.Log(1024))
	value := math.Floor(float64(size)/math.Pow(1024, e)*10+0.5) / 10
	form := "%.0f %s"
	if value < 10 {
		form = "%.1f %s"
	}
	return fmt.Sprintf(form, value, []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}[int(e)])
}

func FuzzText(f *testing.F) {
	f.Add("a.iso", "ünï", int64(10189), int64(3))
	f.Add("exactly7", strings.Repeat("x", 31), int64(9), int64(1<<62))
	f.Fuzz(func(t *testing.T, one, two string, a, b int64) {
		if a < 0 || b < 0 {
			return
		}
		var l Listing
		var rows [][3]string
		for i, name := range []string{one, two} {
			e := New(name, i == 1)
			e.Size, e.ModTime = []int64{a, b}[i], captureTime
			l.Entries = append(l.Entries, e)
			rows = append(rows, [3]string{string(appendLine(nil, e.shownName())), caddySize(e.Size), "January 2, 2024 at 03:04:05"})
		}
		if diff := cmp.Diff(caddyText(rows), string(AppendText(nil, &l, &Options{}))); diff != "" {
			t.Errorf("-Caddy +ours:\n%s", diff)
		}
	})
}

func TestText(t *testing.T) {
	t.Parallel()
	unknown, odd := New("sub", true), New("a\tb\nc\x1b[31m\u009b\xff<&>", false)
	odd.Size, odd.ModTime = 5, captureTime
	l := &Listing{Entries: []Entry{unknown, odd}, Cut: true}
	got := string(AppendText(nil, l, &Options{TextDateLayout: time.RFC3339, Location: time.FixedZone("x", 3600)}))
	want := "Name\t\tSize\tModified\n----\t\t----\t--------\nsub/\t\t-\t-\n" +
		"a\uFFFDb\uFFFDc\uFFFD[31m\uFFFD\uFFFD<&>\t5 B\t2024-01-02T04:04:05+01:00\n" +
		"\nThere are more entries than are shown here.\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
