package httpindex

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/mirrortest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
)

// list lists everything and returns it by path.
func list(t *testing.T, url, sub string, opts listing.Options) (map[string]listing.Entry, listing.Summary, error) {
	t.Helper()
	l, err := New(url, opts)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]listing.Entry{}
	var busy atomic.Bool
	sum, err := l.List(context.Background(), sub, func(e listing.Entry) error {
		if !busy.CompareAndSwap(false, true) {
			t.Error("yield is called twice at once")
		}
		defer busy.Store(false)
		if _, twice := got[e.Path]; twice {
			t.Errorf("%q is listed twice", e.Path)
		}
		got[e.Path] = e
		return nil
	})
	return got, sum, err
}

// form is a server and how it shows folders.
type form struct {
	name  string
	start func(testing.TB, string, ...mirrortest.Options) *mirrortest.Server
	opts  mirrortest.Options
	exact bool          // sizes are exact
	bare  bool          // no size, no time
	dots  bool          // files with a leading dot are shown
	prec  time.Duration // of times
	zone  bool          // the zone is known
	ahead time.Duration // the server's zone, ahead of UTC in winter
}

func forms() []form {
	berlin := []string{"TZ=Europe/Berlin"}
	const icon = "\nDefaultIcon /icons/unknown.gif\nIndexIgnoreReset On"
	return []form{
		{name: "nginx", start: mirrortest.Nginx, exact: true, prec: time.Minute},
		{
			name: "nginx-rounded", start: mirrortest.Nginx, prec: time.Minute, ahead: time.Hour,
			opts: mirrortest.Options{Env: berlin, Config: "autoindex_exact_size off; autoindex_localtime on;"},
		},
		{
			name: "nginx-json", start: mirrortest.Nginx, exact: true, prec: time.Second, zone: true,
			opts: mirrortest.Options{Env: berlin, Config: "autoindex_format json; autoindex_localtime on;"},
		},
		{
			name: "nginx-xml", start: mirrortest.Nginx, exact: true, prec: time.Second, zone: true,
			opts: mirrortest.Options{Config: "autoindex_format xml;"},
		},
		{
			name: "lighttpd", start: mirrortest.Lighttpd, dots: true, prec: time.Second, ahead: time.Hour,
			opts: mirrortest.Options{Env: berlin},
		},
		{name: "apache", start: mirrortest.Apache, dots: true, bare: true},
		{
			name: "apache-fancy", start: mirrortest.Apache, dots: true, prec: time.Minute, ahead: time.Hour,
			opts: mirrortest.Options{Env: berlin, Config: "IndexOptions FancyIndexing VersionSort" + icon},
		},
		{
			name: "apache-fancy-wide-old-dates", start: mirrortest.Apache, dots: true, prec: time.Minute,
			opts: mirrortest.Options{Config: "IndexOptions FancyIndexing NameWidth=* UseOldDateFormat FoldersFirst" + icon},
		},
		{
			name: "apache-table", start: mirrortest.Apache, dots: true, prec: time.Minute,
			opts: mirrortest.Options{Config: "IndexOptions FancyIndexing HTMLTable IconsAreLinks XHTML\nAddDescription \"5.0M 2020-01-01 00:00\" *.iso" + icon},
		},
		{
			name: "apache-gzip-no-sorting", start: mirrortest.Apache, dots: true, prec: time.Minute,
			opts: mirrortest.Options{Config: "IndexOptions FancyIndexing HTMLTable SuppressColumnSorting UseOldDateFormat\nSetOutputFilter DEFLATE" + icon},
		},
	}
}

func TestLiveServers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files := mirrortest.Tree(t, dir)
	for _, f := range forms() {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			s := f.start(t, dir, f.opts)
			got, sum, err := list(t, s.URL, "", listing.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if !sum.Complete() || sum.Refused != 0 || sum.Entries != len(got) {
				t.Errorf("summary: %+v, %d entries", sum, len(got))
			}
			for path, info := range files {
				e, ok := got[path]
				if dotted := strings.HasPrefix(filepath.Base(path), "."); !ok {
					if f.dots || !dotted {
						t.Errorf("%q is not listed", path)
					}
					continue
				}
				delete(got, path)
				f.check(t, e, info)
			}
			folders := map[string]bool{}
			for path, e := range got {
				if e.Kind != listing.Dir {
					t.Errorf("listed, but not there: %+v", e)
				}
				folders[path] = true
			}
			want := map[string]bool{
				"a": true, "a/b": true, "a/b/c": true, "empty": true,
				"odd folder %41&#;ü": true, strings.Repeat("f", 200): true,
			}
			if diff := cmp.Diff(want, folders); diff != "" {
				t.Errorf("folders (-want +got):\n%s", diff)
			}
		})
	}
}

// check compares an entry with the file.
func (f form) check(t *testing.T, e listing.Entry, info os.FileInfo) {
	t.Helper()
	if f.bare {
		if e.SizeMin != -1 || e.Precision != 0 {
			t.Errorf("%q: got %+v, want no size and time", e.Path, e)
		}
		return
	}
	if !e.SizeFits(info.Size()) || f.exact && !e.SizeExact() {
		t.Errorf("%q: size %d to %d, want %d", e.Path, e.SizeMin, e.SizeMax, info.Size())
	}
	if e.SizeMax-e.SizeMin > max(200, info.Size()*6/10) {
		t.Errorf("%q: size %d to %d is too vague for %d", e.Path, e.SizeMin, e.SizeMax, info.Size())
	}
	late := info.ModTime().Add(f.ahead).UnixNano() - e.MTime
	if e.Precision != f.prec || late < 0 || late >= int64(f.prec) {
		t.Errorf("%q: time %s within %s, want %s", e.Path, time.Unix(0, e.MTime).UTC(), e.Precision, info.ModTime().UTC())
	}
	if e.ZoneUnknown == f.zone {
		t.Errorf("%q: zone unknown is %v", e.Path, e.ZoneUnknown)
	}
}

// TestRoundedSizes asks each server for the sizes around every place where its
// way of printing changes: the bounds must hold the true size, and meet those
// of the next shown size without gap or overlap.
func TestRoundedSizes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	sizes := map[int64]bool{}
	for _, unit := range []int64{1, 1 << 10, 1 << 20, 1 << 30, 1 << 40} {
		for _, n := range []float64{0, 0.05, 0.1, 0.9, 0.95, 0.98, 1, 1.05, 1.95, 5.5, 8.95, 9.5, 9.77, 9.9, 9.95, 10, 10.5, 99.5, 100, 972.5, 973, 998.95, 1000, 1023.5} {
			for d := int64(-2); d <= 2; d++ {
				if s := int64(n*float64(unit)) + d; s >= 0 && s < 1<<43 {
					sizes[s] = true
				}
			}
		}
	}
	for s := range sizes {
		mirrortest.File(t, filepath.Join(dir, fmt.Sprintf("%015d", s)), s, mirrortest.TreeTime)
	}
	for _, f := range forms() {
		if f.exact || f.bare {
			continue
		}
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			got, _, err := list(t, f.start(t, dir, f.opts).URL, "", listing.Options{})
			if err != nil || len(got) != len(sizes) {
				t.Fatalf("%d entries, %v; want %d", len(got), err, len(sizes))
			}
			var all []listing.Entry
			for s := range sizes {
				e := got[fmt.Sprintf("%015d", s)]
				if !e.SizeFits(s) {
					t.Errorf("%d bytes: listed as %d to %d", s, e.SizeMin, e.SizeMax)
				}
				all = append(all, e)
			}
			sort.Slice(all, func(i, j int) bool { return all[i].SizeMin < all[j].SizeMin })
			for i := 1; i < len(all); i++ {
				if a, b := all[i-1], all[i]; a.SizeMin != b.SizeMin && a.SizeMax >= b.SizeMin {
					t.Errorf("%d to %d overlaps %d to %d", a.SizeMin, a.SizeMax, b.SizeMin, b.SizeMax)
				}
			}
		})
	}
}

func TestSubFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mirrortest.Tree(t, dir)
	s := mirrortest.Nginx(t, dir)
	got, sum, err := list(t, s.URL, "odd folder %41&#;ü", listing.Options{Parallel: 1})
	if err != nil || !sum.Complete() {
		t.Fatal(err, sum)
	}
	if _, ok := got["odd folder %41&#;ü/hash#mark"]; !ok || len(got) != len(mirrortest.OddNames)-2 {
		t.Errorf("got %d entries: %v", len(got), got)
	}
}

// TestManyFolders asks for many large folders at once; lighttpd refuses some of
// the requests as too many.
func TestManyFolders(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const folders, files = 40, 200
	first := filepath.Join(dir, "f")
	mirrortest.File(t, first, 0, mirrortest.TreeTime)
	for i := range folders * files {
		folder := filepath.Join(dir, fmt.Sprint(i/files))
		err := os.MkdirAll(folder, 0o755)
		if err == nil { // a link is made faster than a file
			err = os.Link(first, filepath.Join(folder, fmt.Sprintf("some-package_%d_amd64.deb", i)))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, start := range []func(testing.TB, string, ...mirrortest.Options) *mirrortest.Server{
		mirrortest.Lighttpd, mirrortest.Nginx, mirrortest.Apache,
	} {
		s := start(t, dir)
		got, sum, err := list(t, s.URL, "", listing.Options{Parallel: 8})
		if err != nil || !sum.Complete() || len(got) != folders*(files+1)+1 {
			t.Errorf("%d entries, %+v, %v", len(got), sum, err)
		}
	}
}
