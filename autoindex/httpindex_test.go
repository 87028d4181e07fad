package autoindex

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/mirrortest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing/httpindex"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// listed gives what this project's scanner reads from a page at /pub/.
func listed(t *testing.T, f Format, body []byte, cut bool) (map[string]listing.Entry, listing.Summary) {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/pub/" { // a folder below: empty
			w.Header().Set("Content-Type", Table.Type())
			_, _ = w.Write(AppendTable(nil, &Listing{Path: r.URL.Path, Parent: true}, &Options{}))
			return
		}
		w.Header().Set("Content-Type", f.Type())
		if cut {
			w.Header().Set(CutHeader, "1")
		}
		_, _ = w.Write(body)
	}))
	defer srv.Close()
	l, err := httpindex.New(srv.URL+"/pub/", listing.Options{Skip: func(string, bool) bool { return false }})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]listing.Entry{}
	sum, err := l.List(t.Context(), "", func(e listing.Entry) error {
		// The links of the column Details look like files; no index has these.
		if about, ok := strings.CutSuffix(e.Path, ".mirrorlist"); !ok || got[about].Path == "" {
			got[e.Path] = e
		}
		return nil
	})
	if err != nil {
		t.Fatalf("%v: %v\n%s", f, err, body)
	}
	return got, sum
}

// checkListed: what was written is read back, as exactly as the form tells it.
func checkListed(t *testing.T, f Format, o *Options, entries []Entry) {
	t.Helper()
	l := Listing{Path: "/pub/", Parent: true, Entries: entries, Header: Insert{Text: "See <a href=\"x\">"}}
	body, err := Append(nil, f, &l, o)
	if err != nil {
		t.Fatal(err)
	}
	got, sum := listed(t, f, body, false)
	if !sum.Complete() || sum.Refused > 0 || len(got) != len(entries) {
		t.Errorf("%v: %d entries of %d, %+v\n%s", f, len(got), len(entries), sum, body)
	}
	for i := range entries {
		e := &entries[i]
		g, ok := got[e.Name]
		switch {
		case !ok:
			t.Errorf("%v: %q is missing", f, e.Name)
		case e.Dir != (g.Kind == listing.Dir):
			t.Errorf("%v: %q is of kind %v", f, e.Name, g.Kind)
		case f == Plain: // tells no more
		case !e.Dir && !g.SizeFits(e.Size):
			t.Errorf("%v: %q has a size of %d to %d, not %d", f, e.Name, g.SizeMin, g.SizeMax, e.Size)
		case e.ModTime.Truncate(max(g.Precision, 1)).UnixNano() != g.MTime:
			t.Errorf("%v: %q is of %v, not %v", f, e.Name, time.Unix(0, g.MTime).UTC(), e.ModTime)
		}
	}
}

// crawledOptions are settings with which crawlers have to get along.
var crawledOptions = []Options{
	{},
	{NameWidth: Widest, Columns: ApacheColumns | Mirrors | Details},
	{NameWidth: MinNameWidth, DateLayout: OldDateFormat, SuppressRules: true, SuppressColumnSorting: true},
	{StyleSheet: "/a.css", Columns: ApacheColumns | Mirrors | Details},
}

func TestOwnScannerReadsUs(t *testing.T) {
	t.Parallel()
	var entries []Entry
	for i, name := range mirrortest.OddNames {
		e := New(name, i%5 == 4)
		e.Size, e.ModTime = int64(i)*977*977, mirrortest.TreeTime.Add(time.Duration(i)*time.Hour)
		e.Indexed, e.Mirrors, e.Documents, e.Description = true, i, MirrorList, "17K 2024-01-01 00:00 <b>"
		entries = append(entries, e)
	}
	for _, f := range []Format{Plain, Fancy, Table, JSON} {
		for _, o := range crawledOptions {
			checkListed(t, f, &o, entries)
		}
	}
}

// What is not shown is not taken for absent.
func TestOwnScannerSeesTheCut(t *testing.T) {
	t.Parallel()
	for _, f := range []Format{Plain, Fancy, Table, JSON} {
		body, err := Append(nil, f, &Listing{Path: "/pub/", Entries: []Entry{New("a", false)}, Cut: true}, &Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got, sum := listed(t, f, body, true); len(got) != 1 || sum.Complete() {
			t.Errorf("%v: %d entries, %+v", f, len(got), sum)
		}
	}
}

// FuzzOwnScanner sends any name through each form and back.
func FuzzOwnScanner(f *testing.F) {
	f.Add("a&b <c>.iso", "x:\xff\n", int64(973), int64(1704164645), uint8(1))
	f.Add("</pre></body></html>", "2024-01-01 00:00  17K", int64(5<<30), int64(1), uint8(2))
	f.Fuzz(func(t *testing.T, one, two string, size, seconds int64, which uint8) {
		if one == two || one+".mirrorlist" == two || two+".mirrorlist" == one || one == "" || two == "" || size < 0 || size > 1<<60 || seconds < 0 || seconds > 8e9 {
			return
		}
		for _, name := range []string{one, two} {
			if mirror.ValidPath(name) != nil || strings.Contains(name, "/") {
				return
			}
		}
		o := crawledOptions[int(which)%len(crawledOptions)]
		var entries []Entry
		for i, name := range []string{one, two} {
			e := New(name, i == 1 && which&64 != 0)
			e.Size, e.ModTime = size>>i, time.Unix(seconds+int64(i), 0).UTC()
			e.Indexed, e.Mirrors, e.Documents, e.Description = true, i, MirrorList, one
			entries = append(entries, e)
		}
		for _, form := range []Format{Plain, Fancy, Table, JSON} {
			checkListed(t, form, &o, entries)
		}
	})
}
