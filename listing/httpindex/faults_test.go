package httpindex

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/mirrortest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
)

// ten is ten gigabytes.
const ten = 10 << 30

// pour sends head and then one thing again and again, ten gigabytes of it if
// the other side wants them.
func pour(w io.Writer, head, what string) {
	if _, err := io.WriteString(w, head); err != nil {
		return
	}
	b := []byte(strings.Repeat(what, 1+64<<10/len(what)))
	for n := 0; n < ten; n += len(b) {
		if _, err := w.Write(b); err != nil {
			return
		}
	}
}

// TestHugePages: ten gigabytes of page end soon, and take little memory.
func TestHugePages(t *testing.T) { //nolint:paralleltest // it measures the heap
	const row = "<a href=\"f\">f</a>  03-Feb-2024 04:05   5\n"
	mux := http.NewServeMux()
	pages := map[string]struct{ media, head, what string }{
		"zeros":        {"text/html", "", "\x00"},
		"blanks":       {"text/html", "", " "},
		"text":         {"text/html", "<html><title>Index of /</title><pre>", "some text "},
		"tag":          {"text/html", "<html><title>Index of /</title><pre><a href=\"", "x"},
		"the-same-row": {"text/html", "<html><title>Index of /</title><pre>", row},
		"rows-no-head": {"text/html", "<html>", row},
		"links":        {"text/html", "<html>", "<a href=x>"},
		"tables":       {"text/html", "<html><title>Index of /</title>", "<table><ul><pre>"},
		"json-array":   {"application/json", "", "["},
		"json-string":  {"application/json", `[{"name":"`, "x"},
		"json-blanks":  {"application/json", `[`, "\n"},
		"json-objects": {"application/json", `[{"name":`, `{"a":`},
		"xml":          {"text/xml", `<?xml version="1.0"?><list>`, "<file>f</file>"},
		"xml-name":     {"text/xml", `<?xml version="1.0"?><list><file>`, "f"},
	}
	for name, c := range pages {
		mux.HandleFunc("/"+name+"/{$}", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", c.media)
			pour(w, c.head, c.what)
		})
	}
	bomb := bombed(t, "<html><title>Index of /</title><pre>", row)
	mux.HandleFunc("/bomb/{$}", func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			t.Error("compressed pages are not asked for")
		}
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(bomb)
	})
	srv := httptest.NewServer(mux)
	defer srv.Close()
	for _, name := range append(slices.Sorted(maps.Keys(pages)), "bomb") {
		grown := mirrortest.WatchHeap(t)
		l, err := New(srv.URL+"/"+name+"/", listing.Options{})
		if err != nil {
			t.Fatal(err)
		}
		l.most.bytes = 2 << 20 // for the sake of time
		sum, err := l.List(t.Context(), "", func(listing.Entry) error { return nil })
		if err == nil && sum.Complete() {
			t.Errorf("%s: taken for a whole page: %+v", name, sum)
		}
		grown(name, 64)
	}
}

// bombed packs 20 MiB into little.
func bombed(t *testing.T, head, row string) []byte {
	t.Helper()
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	rows := strings.Repeat(row, 20_000)
	io.WriteString(z, head)
	for n := 0; n < 20<<20; n += len(rows) {
		io.WriteString(z, rows)
	}
	z.Close()
	return b.Bytes()
}

// TestMillionEntries lists a folder with a million files.
func TestMillionEntries(t *testing.T) { //nolint:paralleltest // it measures the heap
	const million = mirrortest.Million
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		b := []byte("<html><head><title>Index of /</title></head><body><pre><a href=\"../\">../</a>\n")
		for i := range million {
			b = strconv.AppendInt(append(b, `<a href="package_`...), int64(i), 10)
			b = strconv.AppendInt(append(b, `_amd64.deb">package_`...), int64(i), 10)
			b = append(b, "_amd64.deb</a>  03-Feb-2024 04:05   5\n"...)
			if i%1000 == 999 {
				_, _ = w.Write(b) // the other side stays
				b = b[:0]
			}
		}
		_, _ = io.WriteString(w, "</pre></body></html>")
	}))
	defer srv.Close()
	grown := mirrortest.WatchHeap(t)
	l, err := New(srv.URL, listing.Options{})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	sum, err := l.List(t.Context(), "", func(listing.Entry) error { n++; return nil })
	if err != nil || !sum.Complete() || n != million || sum.Entries != million {
		t.Errorf("%d entries, %+v, %v", n, sum, err)
	}
	grown("a million entries", 200)
}

// TestSlowServers: a byte now and then, rows that never end, a server that
// hangs after the connection was made.
func TestSlowServers(t *testing.T) {
	t.Parallel()
	done := make(chan struct{})
	drip := func(w http.ResponseWriter, text string) {
		for i := 0; ; i = (i + 1) % len(text) {
			if _, err := io.WriteString(w, text[i:i+1]); err != nil {
				return
			}
			w.(http.Flusher).Flush()
			select {
			case <-done:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/bytes/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		drip(w, index("a")+strings.Repeat(" ", 1<<20))
	})
	mux.HandleFunc("/blanks/", func(w http.ResponseWriter, _ *http.Request) { drip(w, " ") })
	mux.HandleFunc("/hangs/", func(http.ResponseWriter, *http.Request) { <-done })
	mux.HandleFunc("/folders/", func(w http.ResponseWriter, r *http.Request) { // each with two more in it
		send(w, index(fmt.Sprintf("%d/", time.Now().UnixNano()), "x/"))
	})
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	t.Cleanup(func() { close(done) })
	for name, limits := range map[string]listing.Limits{
		"bytes": {Idle: 300 * time.Millisecond}, "blanks": {Idle: 300 * time.Millisecond}, "hangs": {Time: 300 * time.Millisecond},
		"folders": {Time: 500 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, err := New(srv.URL+"/"+name+"/", listing.Options{})
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			_, err = listing.Bounded(l, limits).List(t.Context(), "", func(listing.Entry) error { return nil })
			if _, ok := errors.AsType[*listing.LimitError](err); !ok || time.Since(start) > 20*time.Second {
				t.Errorf("%v after %v", err, time.Since(start))
			}
		})
	}
}

// TestDiesLate: pages that break off shortly before their end are no pages, in
// the first folder or another.
func TestDiesLate(t *testing.T) {
	t.Parallel()
	var names []string
	for i := range 1000 {
		names = append(names, fmt.Sprintf("name-%d", i))
	}
	whole := index(names...)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/above/" {
			send(w, index("sub/", "f"))
			return
		}
		w.Header().Set("Content-Type", "text/html")
		if r.URL.Path != "/chunked/" {
			w.Header().Set("Content-Length", fmt.Sprint(len(whole)))
		}
		_, _ = io.WriteString(w, whole[:len(whole)*99/100])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}))
	t.Cleanup(srv.Close)
	for _, path := range []string{"/sized/", "/chunked/"} {
		if _, sum, err := list(t, srv.URL+path, "", listing.Options{}); err == nil {
			t.Errorf("%s: %+v", path, sum)
		}
	}
	if _, sum, err := list(t, srv.URL+"/above/", "", listing.Options{}); err != nil || sum.Complete() {
		t.Errorf("in a folder below: %+v, %v", sum, err)
	}
}

// TestHostileNames yields nothing that no file can be called.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	bad := []string{
		"%2e%2e", "%2e%2e/", "a%2f..%2f..%2fetc", "..%2fx", "nul%00", strings.Repeat("n", 4000), strings.Repeat("n", 4000) + "/", "%2fetc%2fpasswd",
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/json/" {
			w.Header().Set("Content-Type", "application/json")
			io.WriteString(w, `[{"name":"..","type":"file"},{"name":"nul\u0000","type":"file"},{"name":"a/../../b","type":"file"},{"name":"/x","type":"directory"},{"name":"good","type":"file","size":5}]`)
			return
		}
		if r.URL.Path != "/html/" {
			t.Errorf("asked for %q", r.URL.Path)
		}
		send(w, index(append(bad, "new%0aline", "good")...))
	}))
	t.Cleanup(srv.Close)
	got, sum, err := list(t, srv.URL+"/html/", "", listing.Options{})
	if _, ok := got["new\nline"]; err != nil || !sum.Complete() || len(got) != 2 || !ok || sum.Refused < 5 {
		t.Errorf("%v, %+v, %v", got, sum, err)
	}
	got, sum, err = list(t, srv.URL+"/json/", "", listing.Options{})
	if err != nil || len(got) != 1 || sum.Refused != 4 {
		t.Errorf("%v, %+v, %v", got, sum, err)
	}
}

// TestLinkedFolders lists trees in which links lead to folders above them.
func TestLinkedFolders(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"f", "a/f", "a/b/f", "a/b/g"} {
		mirrortest.File(t, dir+"/"+name, 5, mirrortest.TreeTime)
	}
	for link, to := range map[string]string{"a/b/up": "..", "a/top": "../", "a/self": ".", "loop": "loop"} {
		if err := os.Symlink(to, dir+"/"+link); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range forms() {
		if f.name != "nginx" && f.name != "nginx-json" && f.name != "apache-fancy" && f.name != "lighttpd" && f.name != "apache" {
			continue
		}
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Second)
			defer cancel()
			l, err := New(f.start(t, dir, f.opts).URL, listing.Options{})
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]bool{}
			sum, err := l.List(ctx, "", func(e listing.Entry) error { got[e.Path] = true; return nil })
			if err != nil || !got["a/b/g"] || len(got) > 2000 {
				t.Errorf("%d entries, %+v, %v", len(got), sum, err)
			}
		})
	}
}
