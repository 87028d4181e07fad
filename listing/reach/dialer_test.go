package reach

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/proxytest"
)

func dialer(t *testing.T, o Options) *Dialer {
	t.Helper()
	d, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// greeter says where a connection comes from, as a server that speaks first.
func greeter(t *testing.T, host string) string {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			from, _, _ := net.SplitHostPort(c.RemoteAddr().String())
			io.WriteString(c, from)
			c.Close()
		}
	}()
	return l.Addr().String()
}

func hear(t *testing.T, d *Dialer, address string) string {
	t.Helper()
	c, err := d.Dial(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	b, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestSource(t *testing.T) {
	t.Parallel()
	v4 := greeter(t, "127.0.0.1")
	d := dialer(t, Options{Source: "127.0.0.5"})
	if got := hear(t, d, v4); got != "127.0.0.5" {
		t.Errorf("came from %s", got)
	}
	// A name is resolved in the source's family only.
	_, port, _ := net.SplitHostPort(v4)
	if got := hear(t, d, "localhost:"+port); got != "127.0.0.5" {
		t.Errorf("localhost: came from %s", got)
	}
	if _, err := d.Dial(t.Context(), "tcp", "[::1]:"+port); err == nil || !strings.Contains(err.Error(), "is no IPv4 address, and source address 127.0.0.5 is one") {
		t.Errorf("IPv6 from an IPv4 address: %v", err)
	}
	// An address that is not this host's.
	if _, err := dialer(t, Options{Source: "203.0.113.77"}).Dial(t.Context(), "tcp", v4); err == nil {
		t.Error("connected from a foreign address")
	}
	// What is connected from the address with a proxy is the proxy.
	p := proxytest.Start(t, "http", "", "")
	if got := hear(t, dialer(t, Options{Source: "127.0.0.5", Proxy: p.URL}), v4); got != "127.0.0.1" {
		t.Errorf("through the proxy: came from %s", got)
	}
}

func TestNew(t *testing.T) {
	t.Parallel()
	for proxy, want := range map[string]string{
		"http://proxy": "http://proxy:80", "https://u:p@proxy/": "https://u:p@proxy:443",
		"socks5://[::1]": "socks5://[::1]:1080", "socks5h://proxy:99": "socks5://proxy:99", "none": "", "": "",
	} {
		d, err := New(Options{Proxy: proxy})
		switch {
		case err != nil:
			t.Errorf("%q: %v", proxy, err)
		case want == "" && d.Proxied(), want != "" && d.Proxy().String() != want:
			t.Errorf("%q: %v, want %q", proxy, d.Proxy(), want)
		}
	}
	for _, proxy := range []string{
		"proxy:3128", "http://", "ftp://proxy", "http://proxy/path", "http://proxy?q", "://secret@x", "http://u:secret@proxy/p",
		"http://u:secret@proxy:x", "socks4://u:secret@proxy", "None",
	} {
		if _, err := New(Options{Proxy: proxy}); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", proxy, err)
		}
	}
	for _, source := range []string{"eth0", "127.0.0.1:5", "localhost", "127.0.0.1/8"} {
		if _, err := New(Options{Source: source}); err == nil {
			t.Errorf("source %q: no error", source)
		}
	}
}

func TestProxies(t *testing.T) {
	t.Parallel()
	v4 := greeter(t, "127.0.0.1")
	_, port, _ := net.SplitHostPort(v4)
	for _, scheme := range []string{"http", "https", "socks5"} {
		for _, login := range []string{"", "me"} {
			p := proxytest.Start(t, scheme, login, "geheim@")
			d := dialer(t, Options{Proxy: p.URL})
			d.roots = p.Roots
			for _, address := range []string{v4, "localhost:" + port} { // which the proxy resolves
				if got := hear(t, d, address); got != "127.0.0.1" {
					t.Errorf("%s, %s: %q", scheme, address, got)
				}
			}
			if got := strings.Join(p.Asked(), " "); got != v4+" localhost:"+port {
				t.Errorf("%s was asked for %s", scheme, got)
			}
			if _, err := d.Dial(t.Context(), "tcp", "127.0.0.1:1"); err == nil || strings.Contains(err.Error(), "geheim") || !strings.Contains(err.Error(), "proxy") {
				t.Errorf("%s, closed port: %v", scheme, err)
			}
			if login == "" {
				continue
			}
			wrong := dialer(t, Options{Proxy: strings.Replace(p.URL, "geheim", "falsch", 1)})
			wrong.roots = p.Roots
			if _, err := wrong.Dial(t.Context(), "tcp", v4); err == nil || strings.Contains(err.Error(), "falsch") {
				t.Errorf("%s, wrong password: %v", scheme, err)
			}
		}
	}
	// The certificate of an https:// proxy counts.
	p := proxytest.Start(t, "https", "", "")
	if _, err := dialer(t, Options{Proxy: p.URL}).Dial(t.Context(), "tcp", v4); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("unknown certificate: %v", err)
	}
}

// TestOddProxies: what a proxy says that means no good ends, in time and in words.
func TestOddProxies(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ answer, words string }{
		"cut off":    {"HTTP/1.1 200", "waiting for the proxy's answer"},
		"not HTTP":   {"@RSYNCD: 31.0\n\n", "not HTTP"},
		"endless":    {"HTTP/1.1 200 " + strings.Repeat("x", maxConnectAnswer), "more than 64 KiB"},
		"forbidden":  {"HTTP/1.0 403 \x1b[2Jno\r\n\r\n", "refuses to connect to m.example:873: 403 Forbidden"},
		"login":      {"HTTP/1.1 407 x\r\n\r\n", "user or password"},
		"with LF":    {"HTTP/1.1 502 x\n\n", "502"},
		"a redirect": {"HTTP/1.1 302 x\r\nLocation: http://10.0.0.1/\r\n\r\n", "302"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proxy := "http://" + answering(t, c.answer, false)
			_, err := dialer(t, Options{Proxy: proxy}).Dial(t.Context(), "tcp", "m.example:873")
			if err == nil || !strings.Contains(err.Error(), c.words) {
				t.Errorf("%v, want %q", err, c.words)
			}
		})
	}
}

// TestSilentProxies: a proxy that says nothing is left after the time for
// connecting, or when it is cancelled.
func TestSilentProxies(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"http", "https", "socks5"} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			d := dialer(t, Options{Proxy: scheme + "://" + answering(t, "", true), Contact: 200 * time.Millisecond})
			start := time.Now()
			_, err := d.Dial(t.Context(), "tcp", "m.example:873")
			if err == nil || !strings.Contains(err.Error(), "no connection to m.example:873 within 200ms") || time.Since(start) > 20*time.Second {
				t.Errorf("%v after %v", err, time.Since(start))
			}
			d = dialer(t, Options{Proxy: scheme + "://" + answering(t, "", true)})
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			if _, err := d.Dial(ctx, "tcp", "m.example:873"); err == nil || time.Since(start) > 20*time.Second {
				t.Errorf("cancelled: %v after %v", err, time.Since(start))
			}
		})
	}
}

// answering reads a request and answers, and then stays or goes.
func answering(t *testing.T, answer string, stay bool) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				c.Read(make([]byte, 4096))
				io.WriteString(c, answer)
				if stay {
					io.Copy(io.Discard, c)
				}
			}()
		}
	}()
	return l.Addr().String()
}

// TestSilence ends a connection on which nothing comes any more.
func TestSilence(t *testing.T) {
	t.Parallel()
	c, err := dialer(t, Options{Silence: 50 * time.Millisecond}).Dial(t.Context(), "tcp", answering(t, "", true))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}
