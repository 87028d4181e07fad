package httpindex

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/mirrortest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
)

var update = flag.Bool("update", false, "capture the pages of the installed servers, write the golden files anew")

// TestGoldenPages reads pages in testdata: captured from the servers (with
// -update: anew), Caddy 2.11 (captured once, shortened), and made up.
func TestGoldenPages(t *testing.T) {
	t.Parallel()
	if *update {
		capture(t)
	}
	pages, err := filepath.Glob("testdata/*.*ml")
	more, err2 := filepath.Glob("testdata/*.json")
	if err := errors.Join(err, err2); err != nil || len(pages) < 10 {
		t.Fatal(len(pages), err)
	}
	for _, name := range append(pages, more...) {
		t.Run(filepath.Base(name), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			got := dump(text, contentType(name))
			golden := name + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func contentType(name string) string {
	return map[string]string{".html": "text/html", ".xml": "text/xml", ".json": "application/json"}[filepath.Ext(name)]
}

// testFolder is where the pages of testdata are taken to come from.
var testFolder = newFolderURL(&url.URL{Scheme: "http", Host: "mirror.example", Path: "/pub/"})

// dump reads a page and writes down what was found.
func dump(text []byte, contentType string) string {
	var b strings.Builder
	p, err := readPage(bytes.NewReader(text), contentType, testFolder, usual, func(it item) error {
		zone := "utc"
		if it.zoneUnknown {
			zone = "local"
		}
		fmt.Fprintf(&b, "%s %d..%d %s+%s %s mode=%o/%v %q\n",
			[]string{"file", "dir", "link", "other"}[it.kind], it.sizeMin, it.sizeMax,
			time.Unix(0, it.mtime).UTC().Format("2006-01-02T15:04:05"), it.precision, zone, it.mode, it.hasMode, it.name)
		return nil
	})
	if p.astray != "" {
		fmt.Fprintf(&b, "astray: %s\n", p.astray)
	}
	fmt.Fprintf(&b, "refused %d, cut %q, not an index %v, error %v\n", p.refused, p.cut, errors.Is(err, listing.ErrNotIndex), err != nil)
	return b.String()
}

// capture saves the pages of the installed servers.
func capture(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	mirrortest.Tree(t, dir)
	for _, folder := range []string{"a", "empty", "odd folder %41&#;ü", strings.Repeat("f", 200)} {
		if err := os.Chtimes(filepath.Join(dir, folder), mirrortest.TreeTime, mirrortest.TreeTime); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range forms() {
		s := f.start(t, dir, f.opts)
		req, err := http.NewRequest(http.MethodGet, s.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		ext := ".html"
		if media := resp.Header.Get("Content-Type"); strings.Contains(media, "json") {
			ext = ".json"
		} else if strings.Contains(media, "xml") {
			ext = ".xml"
		}
		if err == nil {
			err = os.WriteFile(filepath.Join("testdata", f.name+ext), text, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// FuzzReadPage reads anything as any kind of page.
func FuzzReadPage(f *testing.F) {
	names, _ := filepath.Glob("testdata/*.[hxj]*") // the pattern is right
	for _, name := range names {
		if strings.HasSuffix(name, ".golden") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text[:min(len(text), 6000)], contentType(name))
	}
	f.Fuzz(func(t *testing.T, text []byte, contentType string) {
		_, _ = readPage(bytes.NewReader(text), contentType, testFolder, usual, func(it item) error {
			switch {
			case !isName(it.name):
				t.Errorf("name %q", it.name)
			case it.sizeMin > it.sizeMax || it.sizeMin < -1 || it.sizeMin == -1 && it.sizeMax != -1:
				t.Errorf("%q: size %d to %d", it.name, it.sizeMin, it.sizeMax)
			case it.kind != listing.File && it.sizeMin != -1:
				t.Errorf("%q: a folder of size %d", it.name, it.sizeMin)
			case it.precision == 0 && it.mtime != 0:
				t.Errorf("%q: time %d without precision", it.name, it.mtime)
			case it.mode > 0o777:
				t.Errorf("%q: mode %o", it.name, it.mode)
			}
			return nil
		})
	})
}

func FuzzSizeBounds(f *testing.F) {
	f.Add(int64(973))
	f.Add(int64(1048575))
	f.Add(int64(10188))
	f.Fuzz(func(t *testing.T, size int64) {
		size &= maxShown >> 8
		for name, d := range map[string]dialect{"apache": apache, "nginx": nginx, "lighttpd": lighttpd} {
			lo, hi, ok := d.bounds(d(size))
			if !ok || size < lo || size > hi || d(lo) != d(size) || d(hi) != d(size) {
				t.Errorf("%s: %d is within %d to %d: %v", name, size, lo, hi, ok)
			}
			if lo > 0 && d(lo-1) == d(size) || d(hi+1) == d(size) {
				t.Errorf("%s: %d to %d is not all", name, lo, hi)
			}
		}
	})
}

func FuzzResolve(f *testing.F) {
	for _, s := range []string{"a/", "./a:b", "/pub/x", "//mirror.example/pub/x", "http://mirror.example/pub/%41", "..", "%2e%2e", "?C=N"} {
		f.Add(s, "")
		f.Add("file", s)
	}
	f.Fuzz(func(t *testing.T, href, base string) {
		at := testFolder
		itself := base == "" || at.rebase(base)
		name, dir, kind := at.resolve(href)
		if kind == child && !isName(name) {
			t.Errorf("%q, base %q: child %q", href, base, name)
		}
		if n, d, k := testFolder.resolve(href); itself && (n != name || d != dir || k != kind) {
			t.Errorf("%q, base %q: %q, without it %q", href, base, name, n)
		}
	})
}
