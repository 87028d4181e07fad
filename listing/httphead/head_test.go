package httphead

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/mirrortest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

func TestLiveServers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mirrortest.File(t, filepath.Join(dir, "odd %41?#\xfc"), 4<<30+1, mirrortest.TreeTime)
	mirrortest.File(t, filepath.Join(dir, "empty"), 0, mirrortest.TreeTime)
	mirrortest.File(t, filepath.Join(dir, "page.html"), 10, mirrortest.TreeTime)
	for name, start := range map[string]func(testing.TB, string, ...mirrortest.Options) *mirrortest.Server{
		"nginx": mirrortest.Nginx, "apache": mirrortest.Apache, "lighttpd": mirrortest.Lighttpd,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opts := mirrortest.Options{}
			if name == "lighttpd" { // it refuses such names unless told otherwise
				opts.Config = `server.http-parseopts = ("url-invalid-utf8-reject" => "disable")`
			}
			s := start(t, dir, opts)
			client := NewClient(Options{})
			for file, size := range map[string]int64{"odd %41?#\xfc": 4<<30 + 1, "empty": 0, "page.html": 10} {
				a, err := Head(context.Background(), client, s.URL+mirror.EscapePath(file))
				if err != nil {
					t.Fatal(err)
				}
				if !a.Found() || a.Size != size || !a.LastModified.Equal(mirrortest.TreeTime) {
					t.Errorf("%q: got %+v", file, a)
				}
			}
			a, err := Head(context.Background(), client, s.URL+"missing.iso")
			if err != nil || a.Status != 404 || a.Found() || a.Size != -1 {
				t.Errorf("missing file: %+v, %v", a, err)
			}
		})
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("/nohead", func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		http.ServeContent(w, r, "x.bin", time.Unix(1e9, 0), strings.NewReader("hello"))
	})
	mux.HandleFunc("/nolength", func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			w.(http.Flusher).Flush()
			return
		}
		http.ServeContent(w, r, "x.bin", time.Unix(1e9, 0), strings.NewReader("hello"))
	})
	mux.HandleFunc("/empty", func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		w.Header().Set("Content-Range", "bytes */0")
		w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
	})
	mux.HandleFunc("/login.iso", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, "<p>log in</p>")
	})
	mux.HandleFunc("/loop", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/loop", http.StatusFound) })
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/nohead", http.StatusMovedPermanently)
	})
	mux.HandleFunc("/away", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://user:secret@localhost/x", http.StatusFound)
	})
	mux.HandleFunc("/auth", func(w http.ResponseWriter, r *http.Request) {
		if u, p, ok := r.BasicAuth(); !ok || u != "me" || p != "p w" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Length", "3")
	})
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	withUser := strings.Replace(srv.URL, "http://", "http://me:p%20w@", 1)
	for _, tt := range []struct {
		url    string
		status int
		size   int64
		found  bool
		err    string
	}{
		{srv.URL + "/nohead", 206, 5, true, ""},
		{srv.URL + "/nolength", 206, 5, true, ""},
		{srv.URL + "/empty", 200, 0, true, ""},
		{srv.URL + "/login.iso", 200, 13, false, ""},
		{srv.URL + "/moved", 206, 5, true, ""},
		{srv.URL + "/loop", 0, -1, false, "more than 10 redirects"},
		{srv.URL + "/away", 0, -1, false, "another host: localhost"},
		{srv.URL + "/auth", 401, -1, false, ""},
		{withUser + "/auth", 200, 3, true, ""},
		{"http://127.0.0.1:1/x", 0, -1, false, "refused"},
	} {
		a, err := Head(context.Background(), NewClient(Options{}), tt.url)
		if a.Status != tt.status || a.Size != tt.size || a.Found() != tt.found {
			t.Errorf("%s: got %+v, want %+v", tt.url, a, tt)
		}
		if (err != nil) != (tt.err != "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: error %v, want %q", tt.url, err, tt.err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error shows a password: %v", tt.url, err)
		}
	}
}

func TestPolicy(t *testing.T) {
	t.Parallel()
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "7")
	}))
	t.Cleanup(target.Close)
	other := strings.Replace(target.URL, "127.0.0.1", "localhost", 1)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other+"/x.iso", http.StatusFound)
	}))
	t.Cleanup(srv.Close)
	var asked string
	client := NewClient(Options{Redirects: func(_, to *url.URL) error {
		asked = to.Hostname()
		return nil
	}})
	a, err := Head(context.Background(), client, srv.URL)
	if err != nil || a.Size != 7 || a.FinalURL != other+"/x.iso" || asked != "localhost" {
		t.Errorf("got %+v, %v, asked about %q", a, err, asked)
	}
}

func FuzzTotalSize(f *testing.F) {
	for _, s := range []string{"bytes 0-0/1234", "bytes */0", "bytes 0-0/*", "", "items 0-0/3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if n := totalSize(s); n < -1 {
			t.Errorf("%q: got %d", s, n)
		}
	})
}

func TestSameHost(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		from, to string
		ok       bool
	}{
		{"http://a.example/x", "http://A.example/y", true},
		{"http://a.example/x", "https://a.example/x", true},
		{"https://a.example/x", "http://a.example/x", false},
		{"http://a.example/x", "http://b.example/x", false},
		{"http://a.example/x", "http://a.example.b.example/x", false},
	} {
		from, err := url.Parse(tt.from)
		if err != nil {
			t.Fatal(err)
		}
		to, err := url.Parse(tt.to)
		if err != nil {
			t.Fatal(err)
		}
		if err := SameHost(from, to); (err == nil) != tt.ok {
			t.Errorf("%s to %s: %v", tt.from, tt.to, err)
		}
	}
}
