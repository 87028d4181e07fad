package httpindex

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/proxytest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing/reach"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// TestRedirects lists a server that sends to others, as far as it may.
func TestRedirects(t *testing.T) {
	t.Parallel()
	other := serveAt(t, "127.0.0.2", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Error("the password went to another host")
		}
		send(w, index("there"))
	})
	port := other.Listener.Addr().String()
	port = port[strings.LastIndexByte(port, ':'):]
	own := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, password, _ := r.BasicAuth(); password != "secret" {
			t.Error("the password did not go along")
		}
		send(w, index("own"))
	}))
	t.Cleanup(own.Close)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/own/":
			http.Redirect(w, r, own.URL+"/x/", http.StatusFound)
		case "/private/":
			http.Redirect(w, r, other.URL+"/x/", http.StatusFound)
		case "/public/":
			http.Redirect(w, r, "http://203.0.113.5"+port+"/x/", http.StatusFound)
		}
	}))
	t.Cleanup(srv.Close)
	p := proxytest.Start(t, "http", "me", "geheim")
	p.Lead("203.0.113.5"+port, other.Listener.Addr().String())
	for how, want := range map[mirror.Redirects]string{
		"": "own", mirror.RedirectsSameHost: "own", mirror.RedirectsPublic: "own public", mirror.RedirectsAny: "own private public",
	} {
		for _, path := range []string{"own", "private", "public"} {
			base := strings.Replace(srv.URL, "://", "://u:secret@", 1)
			got, sum, err := list(t, base+"/"+path+"/", "", listing.Options{Redirects: how, Proxy: p.URL})
			ok := strings.Contains(want, path)
			if ok && (err != nil || !sum.Complete() || len(got) != 1) {
				t.Errorf("%q, %s: %v, %+v, %v", how, path, got, sum, err)
			}
			if !ok && (!errors.Is(err, reach.ErrRedirect) || !errors.Is(err, listing.ErrNotIndex) || strings.Contains(err.Error(), "secret")) {
				t.Errorf("%q, %s: %v", how, path, err)
			}
		}
	}
}

// TestHTTPSRedirect: from https to another host, where that is allowed, and never
// to http.
func TestHTTPSRedirect(t *testing.T) {
	t.Parallel()
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { send(w, index("plain")) }))
	t.Cleanup(plain.Close)
	var there string
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/away/":
			http.Redirect(w, r, there, http.StatusFound)
		case "/plain/":
			http.Redirect(w, r, plain.URL, http.StatusFound)
		default:
			send(w, index("secure"))
		}
	}))
	t.Cleanup(srv.Close)
	there = strings.Replace(srv.URL, "127.0.0.1", "example.com", 1) + "/there/" // which the certificate is for, too
	p := proxytest.Start(t, "http", "", "")
	p.Lead(strings.TrimSuffix(strings.TrimPrefix(there, "https://"), "/there/"), srv.Listener.Addr().String())
	for _, c := range []struct {
		how  mirror.Redirects
		path string
		ok   bool
	}{
		{mirror.RedirectsSameHost, "/away/", false},
		{mirror.RedirectsAny, "/away/", true},
		{mirror.RedirectsSameHost, "/plain/", false},
		{mirror.RedirectsAny, "/plain/", false},
	} {
		l, err := New(srv.URL+c.path, listing.Options{Redirects: c.how, Proxy: p.URL})
		if err != nil {
			t.Fatal(err)
		}
		d, err := reach.New(reach.Options{Proxy: p.URL})
		if err != nil {
			t.Fatal(err)
		}
		trust := srv.Client().Transport.(*http.Transport).TLSClientConfig
		web := d.Web(c.how, &http.Transport{TLSClientConfig: trust}, srv.URL)
		l.client = &http.Client{Transport: web, CheckRedirect: web.Redirect}
		n := 0
		sum, err := l.List(t.Context(), "", func(listing.Entry) error { n++; return nil })
		if c.ok != (err == nil) || c.ok && (n != 1 || !sum.Complete()) || !c.ok && !errors.Is(err, reach.ErrRedirect) {
			t.Errorf("%s, %s: %d entries, %+v, %v", c.how, c.path, n, sum, err)
		}
	}
}

// TestSource: the server sees the address that was asked for, and an ordinary
// proxy's requests.
func TestSource(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		send(w, index(r.RemoteAddr[:strings.LastIndexByte(r.RemoteAddr, ':')]))
	}))
	t.Cleanup(srv.Close)
	got, _, err := list(t, srv.URL, "", listing.Options{Source: "127.0.0.5", Proxy: "none"})
	if _, ok := got["127.0.0.5"]; err != nil || !ok {
		t.Errorf("%v, %v", got, err)
	}
	p := proxytest.Start(t, "http", "me", "geheim")
	if got, _, err = list(t, srv.URL, "", listing.Options{Proxy: p.URL}); err != nil || len(got) != 1 || len(p.Asked()) != 1 {
		t.Errorf("%v, %v, the proxy was asked for %q", got, err, p.Asked())
	}
	wrong := strings.Replace(p.URL, "geheim", "falsch", 1)
	if _, _, err = list(t, srv.URL, "", listing.Options{Proxy: wrong}); !errors.Is(err, listing.ErrAuth) || strings.Contains(err.Error(), "falsch") {
		t.Errorf("wrong password for the proxy: %v", err)
	}
	for _, o := range []listing.Options{{Source: "eth0"}, {Proxy: "http://u:geheim@"}} {
		if _, err := New(srv.URL, o); err == nil || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

// TestPasswordFile sends the password of a file for a user of the URL.
func TestPasswordFile(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if u, p, ok := r.BasicAuth(); !ok || u != "me" || p != "p@ss w" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		send(w, index("a"))
	}))
	t.Cleanup(srv.Close)
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("p@ss w\r\nmore"), 0o600); err != nil {
		t.Fatal(err)
	}
	for user, want := range map[string]error{"me@": nil, "me:x@": listing.ErrAuth, "": listing.ErrAuth} {
		_, _, err := list(t, strings.Replace(srv.URL, "://", "://"+user, 1), "", listing.Options{PasswordFile: file})
		if !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", user, err, want)
		}
	}
	if _, _, err := list(t, strings.Replace(srv.URL, "://", "://me@", 1), "", listing.Options{PasswordFile: file + "x"}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without the file: %v", err)
	}
}

// TestSkip: what is skipped is neither yielded nor asked for, nor missed.
func TestSkip(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			send(w, index("f", "skip", "no/", "yes/", ".~tmp~/", "x.~tmp~/"))
		case "/yes/", "/x.~tmp~/":
			send(w, index("skip", ".~tmp~"))
		default:
			t.Errorf("asked for %s", r.URL.Path)
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	t.Cleanup(srv.Close)
	got, sum, err := list(t, srv.URL, "", listing.Options{Skip: func(path string, dir bool) bool { return path == "skip" && !dir || path == "no" && dir }})
	if err != nil || !sum.Complete() || len(got) != 7 || sum.Entries != 7 {
		t.Errorf("%v, %+v, %v", got, sum, err)
	}
}

// TestDNSGone: the host that DNS does not know is named.
func TestDNSGone(t *testing.T) {
	t.Parallel()
	_, _, err := list(t, "http://gone.invalid/pub/", "", listing.Options{Proxy: "none"})
	if err == nil || !strings.Contains(err.Error(), "DNS") || !strings.Contains(err.Error(), `host "gone.invalid"`) {
		t.Errorf("got %v", err)
	}
}

// TestAbsoluteLinks reads links that name the host, as programs behind another
// server write them.
func TestAbsoluteLinks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ page, href, want string }{
		{"http://m.example/pub/", "https://m.example/pub/f", "f"},
		{"https://m.example/pub/", "http://M.example:80/pub/f", "f"},
		{"https://m.example:443/pub/", "//m.example/pub/f", "f"},
		{"https://m.example:8443/pub/", "https://m.example/pub/f", ""},
		{"http://m.example:8080/pub/", "/pub/f/", "f"},
		{"http://m.example/pub/", "ftp://m.example/pub/f", ""},
		{"http://m.example/pub/", "/pub/a/f", ""},
		{"http://m.example/pub/", "/pub", ""},
		{"http://m.example/pub/", "/", ""},
		{"http://m.example/pub/", "?C=N;O=D", ""},
		{"http://m.example/pub/", "/pub/?C=S&O=A", ""},
		{"http://m.example/pub/", "mailto:me@m.example", ""},
		{"http://m.example/pub/", "javascript:void(0)", ""},
		{"http://m.example/a%20b/", "/a%20b/%41%25", "A%"},
	} {
		u, err := url.Parse(c.page)
		if err != nil {
			t.Fatal(err)
		}
		name, _, kind := newFolderURL(u).resolve(c.href)
		if got := fmt.Sprint(name, kind == child); got != fmt.Sprint(c.want, c.want != "") {
			t.Errorf("%s on %s: %s, want %q", c.href, c.page, got, c.want)
		}
	}
}
