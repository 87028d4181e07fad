package httpindex

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/mirrortest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
)

// The tests do not wait as long as the real thing.
func init() { retryPause = 10 * time.Millisecond }

// index is a page in nginx's form; names of folders end in a slash.
func index(names ...string) string {
	var b strings.Builder
	b.WriteString("<html><head><title>Index of /</title></head><body><pre><a href=\"../\">../</a>\n")
	for _, n := range names {
		fmt.Fprintf(&b, "<a href=\"%s\">%s</a>  03-Feb-2024 04:05   5\n", n, n)
	}
	b.WriteString("</pre></body></html>")
	return b.String()
}

func send(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "text/html")
	_, _ = w.Write([]byte(text))
}

// serveAt starts a server on one of the addresses of the loopback.
func serveAt(t *testing.T, host string, handle http.HandlerFunc) *httptest.Server {
	t.Helper()
	l, err := net.Listen("tcp", host+":0")
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(handle)
	s.Listener.Close()
	s.Listener = l
	s.Start()
	t.Cleanup(s.Close)
	return s
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	other := serveAt(t, "127.0.0.2", func(w http.ResponseWriter, _ *http.Request) { send(w, index("stolen")) })
	var flaky, busy atomic.Int32
	mux := http.NewServeMux()
	page := func(path, text string) {
		mux.HandleFunc("/"+path+"{$}", func(w http.ResponseWriter, _ *http.Request) { send(w, text) })
	}
	status := func(path string, code int) {
		mux.HandleFunc("/"+path, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) })
	}
	page("sub-errors/", index("ok", "gone/", "secret/", "welcome/", "away/", "broken/"))
	status("sub-errors/gone/", 404)
	status("sub-errors/secret/", 403)
	page("sub-errors/welcome/", "<html><h1>Welcome</h1><a href=x>x</a></html>")
	mux.HandleFunc("/sub-errors/away/", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL+"/", http.StatusFound) })
	status("sub-errors/broken/", 500)
	status("404/", 404)
	status("401/", 401)
	status("500/", 500)
	mux.HandleFunc("/busy/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	mux.HandleFunc("/busy-once/", func(w http.ResponseWriter, _ *http.Request) {
		if busy.Add(1) == 1 {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		send(w, index("a"))
	})
	page("busy-below/", index("d/"))
	status("busy-below/d/", 503)
	page("welcome/", "<html><h1>Welcome</h1><a href=x>x</a></html>")
	mux.HandleFunc("/away/", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL+"/", http.StatusFound) })
	mux.HandleFunc("/moved/", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/real/place", http.StatusMovedPermanently)
	})
	mux.HandleFunc("/real/place", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/real/place/", http.StatusMovedPermanently)
	})
	page("real/place/", index("a", "/real/place/b", "/moved/c"))
	mux.HandleFunc("/turn/", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/turn/", http.StatusFound) })
	mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.Header.Get("Accept"), "json") {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(`{"you":"asked for it"}`))
			return
		}
		send(w, index("a"))
	})
	mux.HandleFunc("/flaky/", func(w http.ResponseWriter, _ *http.Request) {
		text := index("a", "b", "c")
		w.Header().Set("Content-Length", fmt.Sprint(len(text)))
		if flaky.Add(1) == 1 {
			_, _ = w.Write([]byte(text[:len(text)-50])) // and the connection breaks
			return
		}
		send(w, text)
	})
	mux.HandleFunc("/http10/", func(w http.ResponseWriter, _ *http.Request) {
		c, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		text := index("a", "b")
		fmt.Fprintf(rw, "HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n%s", text[:len(text)-20])
		rw.Flush()
		c.Close()
	})
	mux.HandleFunc("/loop/", func(w http.ResponseWriter, _ *http.Request) { send(w, index("file", "loop/")) })
	mux.HandleFunc("/endless/", func(w http.ResponseWriter, r *http.Request) {
		send(w, index(fmt.Sprintf("%d/", len(r.URL.Path))))
	})
	var caddy strings.Builder
	for i := range 10000 {
		fmt.Fprintf(&caddy, `{"name":"f%d","size":1,"url":"./f%d","mod_time":"2024-02-03T04:05:06.7Z","mode":420,"is_dir":false},`, i, i)
	}
	mux.HandleFunc("/caddy/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte("[" + strings.TrimSuffix(caddy.String(), ",") + "]"))
	})
	mux.HandleFunc("/cut.json/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`[{"name":"a","type":"file","size":1},{"name":`))
	})
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)

	for _, tt := range []struct {
		path       string
		entries    int
		incomplete []string
		err        error
	}{
		{path: "sub-errors/", entries: 6, incomplete: []string{
			`folder "gone": HTTP status 404`, `folder "secret": HTTP status 403`, `folder "welcome": not a folder index`,
			`folder "away": redirect is not allowed: to another host`, `folder "broken": HTTP status 500`,
		}},
		{path: "404/", err: listing.ErrNoFolder},
		{path: "401/", err: listing.ErrAuth},
		{path: "500/", err: errAny},
		{path: "busy/", err: listing.ErrBusy},
		{path: "busy-once/", entries: 1},
		{path: "busy-below/", entries: 1, err: listing.ErrBusy},
		{path: "welcome/", err: listing.ErrNotIndex},
		{path: "away/", err: listing.ErrNotIndex},
		{path: "moved/", entries: 2},
		{path: "turn/", err: errAny},
		{path: "api/", entries: 1},
		{path: "flaky/", entries: 3},
		{path: "http10/", entries: 2, incomplete: []string{"ends without </html>"}},
		{path: "loop/", entries: 6},
		{path: "endless/", entries: 65, incomplete: []string{"more than 64 levels deep"}},
		{path: "caddy/", entries: 10000, incomplete: []string{"10000 entries, where Caddy stops"}},
		{path: "cut.json/", entries: 1, err: errAny},
	} {
		t.Run(tt.path, func(t *testing.T) {
			t.Parallel()
			got, sum, err := list(t, srv.URL+"/"+tt.path, "", listing.Options{})
			if !errors.Is(err, tt.err) && (err == nil || !errors.Is(tt.err, errAny)) {
				t.Errorf("error: got %v, want %v", err, tt.err)
			}
			if len(got) != tt.entries || sum.Entries != tt.entries {
				t.Errorf("got %d entries (%d counted), want %d", len(got), sum.Entries, tt.entries)
			}
			all := strings.Join(sum.Incomplete, "\n")
			for _, want := range tt.incomplete {
				if !strings.Contains(all, want) {
					t.Errorf("incomplete: got %q, want %q", all, want)
				}
			}
			if len(sum.Incomplete) != len(tt.incomplete) {
				t.Errorf("incomplete: got %q, want %d reasons", all, len(tt.incomplete))
			}
		})
	}
}

// errAny stands for any error.
var errAny = errors.New("any error")

func TestSilentServer(t *testing.T) {
	t.Parallel()
	done := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		send(w, index("a")[:100])
		w.(http.Flusher).Flush()
		<-done
	}))
	t.Cleanup(srv.Close)
	t.Cleanup(func() { close(done) })
	if _, _, err := list(t, srv.URL, "", listing.Options{Timeout: 50 * time.Millisecond}); err == nil {
		t.Error("no error from a server that stays silent")
	}
}

func TestCancelAndStop(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		send(w, index("a/", "b/", "c/", "d/"))
	}))
	t.Cleanup(srv.Close)
	l, err := New(srv.URL, listing.Options{})
	if err != nil {
		t.Fatal(err)
	}
	stop := errors.New("enough")
	n := 0
	_, err = l.List(context.Background(), "", func(listing.Entry) error {
		n++
		if n == 10 {
			return stop
		}
		return nil
	})
	if !errors.Is(err, stop) || n != 10 {
		t.Errorf("got %v after %d entries, want the error of yield after 10", err, n)
	}
	ctx, cancel := context.WithCancel(context.Background())
	_, err = l.List(ctx, "", func(listing.Entry) error {
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the cancellation", err)
	}
}

func TestPassword(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if u, p, ok := r.BasicAuth(); !ok || u != "me" || p != "p@ss w" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		send(w, index("a"))
	}))
	t.Cleanup(srv.Close)
	if _, _, err := list(t, strings.Replace(srv.URL, "://", "://me:secret@", 1), "", listing.Options{}); !errors.Is(err, listing.ErrAuth) || strings.Contains(err.Error(), "secret") {
		t.Errorf("wrong password: got %v", err)
	}
	if got, _, err := list(t, strings.Replace(srv.URL, "://", "://me:p%40ss%20w@", 1), "", listing.Options{}); err != nil || len(got) != 1 {
		t.Errorf("right password: got %v, %v", got, err)
	}
}

func TestForbiddenFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mirrortest.Tree(t, dir)
	s := mirrortest.Nginx(t, dir, mirrortest.Options{Config: "location /a/b/ { autoindex off; }"})
	_, sum, err := list(t, s.URL, "", listing.Options{})
	if err != nil || len(sum.Incomplete) != 1 || !strings.Contains(sum.Incomplete[0], `"a/b": HTTP status 403`) {
		t.Errorf("got %+v, %v", sum, err)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"ftp://h/", "http://", "http://h/?C=N", "http://h/#x", "h/x", ":"} {
		if _, err := New(url, listing.Options{}); err == nil {
			t.Errorf("%q: no error", url)
		}
	}
}
