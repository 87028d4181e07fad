package copies

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/mirrortest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/rsynctest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing/httphead"
)

var when = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// tree makes a folder with a few files.
func tree(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for path, text := range map[string]string{"a/one.iso": "the first", "a/b/deep": "x", "two [x]": "22"} {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, when, when); err != nil {
			t.Fatal(err)
		}
	}
	mirrortest.Readable(t, dir)
	return dir
}

// Every protocol tells the same of what is there and of what is not.
func TestProtocols(t *testing.T) {
	t.Parallel()
	dir := tree(t)
	web := httptest.NewServer(http.FileServer(http.Dir(dir)))
	t.Cleanup(web.Close)
	daemon := rsynctest.Start(t, rsynctest.Module{Name: "pub", Path: dir})
	bases := []string{web.URL + "/", fmt.Sprintf("rsync://%s:%d/pub/", daemon.Address, daemon.Port), mirrortest.GoFTP(t, dir).URL}
	for _, test := range []struct {
		path string
		size int64 // -1: not there
	}{{"a/one.iso", 9}, {"two [x]", 2}, {"a/b/deep", 1}, {"none", -1}, {"no/folder/x", -1}} {
		var places []Place
		for _, base := range bases {
			places = append(places, Place{Mirror: "m", Base: base, Path: test.path, Client: httphead.NewClient(httphead.Options{})})
		}
		for _, c := range Ask(t.Context(), places, Options{}) {
			if c.Err != nil || c.Found != (test.size >= 0) || c.Entry.SizeMin != test.size {
				t.Errorf("%s: found %v, %d bytes, %v", c.URL(), c.Found, c.Entry.SizeMin, c.Err)
			}
			if at := time.Unix(0, c.Entry.MTime); c.Found && (!at.Equal(when) || c.Entry.Precision != time.Second) {
				t.Errorf("%s: of %v, to %v", c.URL(), at, c.Entry.Precision)
			}
		}
	}
	// A folder is no file.
	for _, base := range bases[1:] {
		if c := Ask(t.Context(), []Place{{Base: base, Path: "a/b"}}, Options{})[0]; c.Found || c.Err == nil {
			t.Errorf("%s: found %v, %v", c.URL(), c.Found, c.Err)
		}
	}
}

func TestDigest(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		serve   http.HandlerFunc
		max     int64
		want    string // part of the error; "": the digest is right
		timeout time.Duration
	}{
		{name: "right", serve: func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "content") }},
		{name: "empty", serve: func(http.ResponseWriter, *http.Request) {}},
		{name: "too long by its own word", max: 3, want: "longer than what is read", serve: func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "content") }},
		{name: "too long", max: 3, want: "longer than what is read", serve: func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodHead {
				w.Header().Set("Content-Length", "3")
				return
			}
			w.(http.Flusher).Flush()
			io.WriteString(w, "content")
		}},
		{name: "cut off", want: "unexpected EOF", serve: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, "content")
		}},
		{name: "compressed", want: "encoding", serve: func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet {
				w.Header().Set("Content-Encoding", "gzip")
			}
			io.WriteString(w, "content")
		}},
		{name: "refused", want: "HTTP status 403", serve: func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet {
				w.WriteHeader(http.StatusForbidden)
			}
			w.Header().Set("Content-Length", "7")
		}},
		{name: "silent", timeout: 200 * time.Millisecond, want: "fell silent", serve: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "100")
			if r.Method == http.MethodGet {
				io.WriteString(w, "content")
				w.(http.Flusher).Flush()
				<-r.Context().Done()
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var sent bytes.Buffer
			web := httptest.NewServer(test.serve)
			t.Cleanup(web.Close)
			c := Ask(t.Context(), []Place{{Base: web.URL + "/", Path: "x", Client: web.Client()}}, Options{Digest: true, MaxBytes: test.max, Keep: 3, Timeout: test.timeout})[0]
			if test.want != "" {
				if c.Err == nil || !strings.Contains(c.Err.Error(), test.want) || c.Digested {
					t.Errorf("error %v, want %q", c.Err, test.want)
				}
				return
			}
			if test.name == "right" {
				sent.WriteString("content")
			}
			if c.Err != nil || !c.Digested || c.SHA256 != sha256.Sum256(sent.Bytes()) || c.Read != int64(sent.Len()) || string(c.Content) != sent.String()[:min(3, sent.Len())] {
				t.Errorf("%+v", c)
			}
		})
	}
}

// What is asked about ends with the context, the rest is not begun.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{}, 10)
	web := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-r.Context().Done()
	}))
	t.Cleanup(web.Close)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-asked
		cancel()
	}()
	p := Place{Base: web.URL + "/", Path: "x", Client: web.Client()}
	for i, c := range Ask(ctx, []Place{p, p, p}, Options{Parallel: 1}) {
		if !errors.Is(c.Err, context.Canceled) || c.Found {
			t.Errorf("copy %d: %v", i, c.Err)
		}
	}
}

// endless lists one entry for ever.
type endless struct{ path string }

func (endless) Protocol() string { return "ftp" }

func (l endless) List(_ context.Context, _ string, yield func(listing.Entry) error) (s listing.Summary, err error) {
	for {
		if err := yield(listing.Entry{Path: l.path}); err != nil {
			return s, err
		}
	}
}

func TestEndlessListing(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"dir/other", "dir/deep/er"} {
		o := Options{Open: func(string, listing.Options) (listing.Lister, error) { return endless{path}, nil }}
		c := Ask(t.Context(), []Place{{Base: "ftp://mirror.example/", Path: "dir/x"}}, o)[0]
		if deeper := path == "dir/deep/er"; c.Found || (c.Err == nil) != deeper {
			t.Errorf("%s: found %v, %v", path, c.Found, c.Err)
		}
	}
}
