package reach

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/proxytest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

func TestPublic(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]bool{
		"8.8.8.8": true, "2a01:4f8::1": true, "::ffff:8.8.8.8": true, "192.0.3.1": true,
		"127.0.0.1": false, "::1": false, "10.1.2.3": false, "172.16.0.1": false, "192.168.1.1": false, "fd00::1": false,
		"169.254.169.254": false, "fe80::1": false, "fe80::1%eth0": false, "100.64.1.1": false, "0.0.0.0": false, "::": false,
		"224.0.0.1": false, "255.255.255.255": false, "::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false, "::127.0.0.1": false,
		"64:ff9b::7f00:1": false, "2002:7f00:1::": false, "2001:0:1::": false, "2001:db8::1": false, "ff02::1": false,
	} {
		if got := Public(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s: %v", addr, got)
		}
	}
}

// TestDialPublic: no name hides a private address, with a proxy or without.
func TestDialPublic(t *testing.T) {
	t.Parallel()
	v4 := greeter(t, "127.0.0.1")
	_, port, _ := net.SplitHostPort(v4)
	resolver := names{
		"private.example": {addrs: []string{"127.0.0.1", "10.0.0.1", "::1"}},
		"both.example":    {addrs: []string{"127.0.0.1", "203.0.113.5"}},
	}.resolver(t)
	p := proxytest.Start(t, "http", "", "")
	p.Lead("203.0.113.5:"+port, v4)
	for _, proxy := range []string{"none", p.URL} {
		d := dialer(t, Options{Proxy: proxy})
		d.resolver = resolver
		for _, host := range []string{"private.example", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]"} {
			if _, err := d.DialPublic(t.Context(), "tcp", host+":"+port); !errors.Is(err, ErrRedirect) {
				t.Errorf("%s, proxy %s: %v", host, proxy, err)
			}
		}
	}
	d := dialer(t, Options{Proxy: p.URL})
	d.resolver = resolver
	for _, host := range []string{"both.example", "203.0.113.5"} {
		c, err := d.DialPublic(t.Context(), "tcp", host+":"+port)
		if err != nil {
			t.Errorf("%s: %v", host, err)
			continue
		}
		c.Close()
	}
	if got, want := strings.Join(p.Asked(), " "), strings.Repeat(" 203.0.113.5:"+port, 2)[1:]; got != want {
		t.Errorf("the proxy was asked for %s, want %s", got, want)
	}
}

// TestWebRedirects follows redirects as far as the settings allow.
func TestWebRedirects(t *testing.T) {
	t.Parallel()
	leak := make(chan string, 10)
	outside := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a := r.Header.Get("Authorization"); a != "" {
			leak <- a
		}
		io.WriteString(w, "outside")
	}))
	t.Cleanup(outside.Close)
	there, err := url.Parse(outside.URL)
	if err != nil {
		t.Fatal(err)
	}
	own := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "own") }))
	t.Cleanup(own.Close)
	tlsOwn := httptest.NewUnstartedServer(nil)
	tlsOwn.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, own.URL, http.StatusFound) })
	tlsOwn.StartTLS()
	t.Cleanup(tlsOwn.Close)
	base := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		to := map[string]string{
			"/own": own.URL, "/private": "http://localhost:" + there.Port(), "/public": "http://203.0.113.5:" + there.Port(),
			"/tls": tlsOwn.URL, "/loop": "/loop",
		}[r.URL.Path]
		http.Redirect(w, r, to, http.StatusFound)
	}))
	t.Cleanup(base.Close)
	p := proxytest.Start(t, "socks5", "", "")
	p.Lead("203.0.113.5:"+there.Port(), there.Host)
	for _, c := range []struct {
		how        mirror.Redirects
		path, want string // "": refused
	}{
		{"", "/own", "own"},
		{mirror.RedirectsSameHost, "/private", ""},
		{mirror.RedirectsSameHost, "/public", ""},
		{mirror.RedirectsSameHost, "/tls", ""}, // back to http
		{mirror.RedirectsPublic, "/own", "own"},
		{mirror.RedirectsPublic, "/private", ""},
		{mirror.RedirectsPublic, "/public", "outside"},
		{mirror.RedirectsAny, "/private", "outside"},
		{mirror.RedirectsAny, "/public", "outside"},
		{mirror.RedirectsAny, "/tls", ""},
		{mirror.RedirectsAny, "/loop", ""},
	} {
		d := dialer(t, Options{Proxy: p.URL})
		transport := &http.Transport{TLSClientConfig: tlsOwn.Client().Transport.(*http.Transport).TLSClientConfig}
		w := d.Web(c.how, transport, base.URL)
		client := &http.Client{Transport: w, CheckRedirect: w.Redirect}
		got, err := get(t.Context(), client, base.URL+c.path)
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%q, %s: %q, %v; want %q", c.how, c.path, got, err, c.want)
		}
		if err != nil && c.path != "/loop" && !errors.Is(err, ErrRedirect) {
			t.Errorf("%q, %s: %v is no ErrRedirect", c.how, c.path, err)
		}
		w.CloseIdleConnections()
	}
	select {
	case a := <-leak:
		t.Errorf("another host was told %q", a)
	default:
	}
}

func get(ctx context.Context, client *http.Client, address string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", err
	}
	req.SetBasicAuth("me", "secret")
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return string(b), err
}

// TestPasswordStays: it goes along on the mirror's own hosts only, of which a
// subdomain is none.
func TestPasswordStays(t *testing.T) {
	t.Parallel()
	w := dialer(t, Options{}).Web(mirror.RedirectsAny, new(http.Transport), "http://m.example/pub/", "https://M2.example/")
	for to, stays := range map[string]bool{
		"http://m.example:8080/": true, "https://M.example/": true, "https://m2.example/": true,
		"http://cdn.m.example/": false, "http://m.example.org/": false, "http://other.example/": false,
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, to, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth("me", "secret")
		if err := w.Redirect(req, []*http.Request{{URL: &url.URL{Scheme: "http", Host: "m.example"}}}); err != nil {
			t.Errorf("%s: %v", to, err)
		}
		if _, _, ok := req.BasicAuth(); ok != stays {
			t.Errorf("%s: the password goes along: %v", to, ok)
		}
	}
}
