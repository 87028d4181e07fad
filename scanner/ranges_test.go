package scanner

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/mirrortest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/origin"
)

// oneWorld is eachWorld for what does not depend on the database.
func oneWorld(t *testing.T) *world {
	t.Helper()
	return newWorld(t, sqlite(t))
}

// odd is a web server in front of a folder that does as it is told with
// requests for ranges, and keeps their number for each file.
type odd struct {
	*httptest.Server

	mu     sync.Mutex
	how    map[string]string // by path
	ranges map[string]int
}

func oddServer(t *testing.T, dir string) *odd {
	t.Helper()
	o := &odd{how: map[string]string{}, ranges: map[string]int{}}
	files := http.FileServer(http.Dir(dir))
	o.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.mu.Lock()
		how := o.how[r.URL.Path]
		if r.Header.Get("Range") != "" {
			o.ranges[r.URL.Path]++
		} else if r.Method == http.MethodHead {
			how = "" // only ranges go wrong
		}
		o.mu.Unlock()
		switch how {
		case "": // as it should be
		case "ignores ranges":
			r.Header.Del("Range")
		case "416":
			http.Error(w, "no such range", http.StatusRequestedRangeNotSatisfiable)
			return
		case "wraps":
			w.Header().Set("Content-Range", fmt.Sprintf("bytes 0-9/%d", 1<<31+100))
			w.WriteHeader(http.StatusPartialContent)
			fmt.Fprint(w, "0123456789")
			return
		case "beyond 4 GiB":
			if strings.HasPrefix(r.Header.Get("Range"), "bytes=4294967295") {
				http.Error(w, "no such range", http.StatusRequestedRangeNotSatisfiable)
				return
			}
		case "404":
			http.NotFound(w, r)
			return
		case "503":
			http.Error(w, "later", http.StatusServiceUnavailable)
			return
		}
		files.ServeHTTP(w, r)
	}))
	t.Cleanup(o.Close)
	return o
}

func (o *odd) set(path, how string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.how[path] = how
	clear(o.ranges)
}

func (o *odd) asked() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := 0
	for _, k := range o.ranges {
		n += k
	}
	return n
}

// Files beyond 2 and 4 GiB are asked for once for each mirror, and not credited
// where the web server cannot serve them from there on.
func TestLargeFiles(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(w *world) {
		put(t, w.root, "small", 100, base)
		mirrortest.File(t, filepath.Join(w.root, "at2"), 1<<31, base) // not beyond
		for _, name := range []string{"good", "whole", "refused", "wraps", "away", "gone"} {
			mirrortest.File(t, filepath.Join(w.root, name), 1<<31+100, base)
		}
		mirrortest.File(t, filepath.Join(w.root, "good4"), 1<<32+1, base)
		mirrortest.File(t, filepath.Join(w.root, "bad4"), 1<<32+100, base)
		w.index(origin.Options{})
		srv := oddServer(t, w.root)
		for path, how := range map[string]string{
			"/whole": "ignores ranges", "/refused": "416", "/wraps": "wraps", "/away": "503", "/gone": "404", "/bad4": "beyond 4 GiB",
		} {
			srv.set(path, how)
		}
		h := w.mirror("m", func(h *host) { h.HTTP = []string{srv.URL + "/"} })
		o := Options{Open: hooked{dir: w.root}.open}
		scan := func(what string, o Options, held, unsound, asked int) Report {
			t.Helper()
			r := w.accepted(h, o)
			if int(r.Held) != held || r.Unsound != unsound || srv.asked() != asked {
				t.Errorf("%s: %d range requests, want %d; %d unsound, want %d: %s", what, srv.asked(), asked, r.Unsound, unsound, r)
			}
			srv.set("", "")
			return r
		}
		// Two boundaries for good4; bad4 fails at the first that it is asked for.
		scan("dry run", Options{Open: o.Open, DryRun: true}, 5, 3, 9)
		r := scan("first", o, 5, 3, 9)
		if notes := strings.Join(r.Notes, "\n"); !strings.Contains(notes, `"bad4"`) || !strings.Contains(notes, `"gone": HTTP status 404`) || !strings.Contains(notes, "1 files beyond 2 GiB could not be asked") {
			t.Errorf("notes: %s", notes)
		}
		scan("again: only what had no answer", o, 5, 3, 2)
		srv.set("/away", "")
		scan("an answer at last", o, 6, 3, 2)
		srv.set("/away", "503")
		scan("it is not asked for again", o, 6, 3, 1)
		for _, path := range []string{"/refused", "/wraps", "/bad4", "/gone"} {
			srv.set(path, "")
		}
		scan("mended, remembered as unsound", o, 7, 3, 1)
		scan("not checked by option", Options{Open: o.Open, NoRangeCheck: true}, 10, 0, 0)
		scan("back", o, 7, 3, 0)
		scan("forced", Options{Open: o.Open, Force: true}, 10, 0, 4)
		scan("nothing is left to ask", o, 10, 0, 0)

		// At another URL all are asked for again; what has no answer stays.
		for _, path := range []string{"/good", "/whole", "/refused", "/wraps", "/away", "/gone", "/good4", "/bad4"} {
			srv.set(path, "503")
		}
		w.edit(h, func(m *mirror.Mirror) { m.HTTP = []string{strings.Replace(srv.URL, "127.0.0.1", "localhost", 1) + "/"} })
		scan("no answers", o, 10, 0, 8)
		srv.set("/good4", "416")
		scan("an answer", o, 9, 1, 8)
		w.edit(h, func(m *mirror.Mirror) { m.Rules.NoRangeCheck = true })
		scan("not checked by rule", o, 10, 0, 0)
	})
}

// A server that does not answer is not asked eight thousand times.
func TestLargeFilesSilent(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	for i := range 100 {
		mirrortest.File(t, filepath.Join(w.root, fmt.Sprint(i)), 1<<31+100, base.Add(time.Duration(i)*time.Minute))
	}
	w.index(origin.Options{})
	srv := oddServer(t, w.root)
	for i := range 100 {
		srv.set(fmt.Sprintf("/%d", i), "503")
	}
	h := w.mirror("m", func(h *host) { h.HTTP = []string{srv.URL + "/"} })
	r := w.accepted(h, Options{Open: hooked{dir: w.root}.open})
	if n := srv.asked(); r.Held != 0 || n < maxSilent || n > maxSilent+2*askers {
		t.Errorf("%d asked: %s", n, r)
	}
}
