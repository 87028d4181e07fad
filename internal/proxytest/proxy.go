// Package proxytest plays proxies for tests: HTTP, HTTPS and SOCKS5, which want a
// login, remember who was asked for, and can lead addresses elsewhere.
package proxytest

import (
	"crypto/x509"
	"encoding/base64"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
)

// Proxy is a running proxy.
type Proxy struct {
	// URL has the login in it.
	URL string
	// Roots check the certificate of an https:// proxy.
	Roots *x509.CertPool

	user, password string
	mu             sync.Mutex
	asked          []string
	leads          map[string]string
}

// Start runs a proxy of the scheme http, https or socks5 until the test ends.
// Without a user it asks for none.
func Start(t testing.TB, scheme, user, password string) *Proxy {
	t.Helper()
	p := &Proxy{user: user, password: password, leads: map[string]string{}}
	u := &url.URL{Scheme: scheme}
	if user != "" {
		u.User = url.UserPassword(user, password)
	}
	switch scheme {
	case "socks5":
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		go p.serveSocks(l)
		u.Host = l.Addr().String()
	case "https":
		s := httptest.NewTLSServer(p)
		t.Cleanup(s.Close)
		t.Cleanup(s.CloseClientConnections)
		p.Roots = x509.NewCertPool()
		p.Roots.AddCert(s.Certificate())
		u.Host = s.Listener.Addr().String()
	default:
		s := httptest.NewServer(p)
		t.Cleanup(s.Close)
		t.Cleanup(s.CloseClientConnections)
		u.Host = s.Listener.Addr().String()
	}
	p.URL = u.String()
	return p
}

// Lead makes the proxy connect to another address where it is asked for from.
func (p *Proxy) Lead(from, to string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.leads[from] = to
}

// Asked is which addresses the proxy was asked for, by clients that had logged in.
func (p *Proxy) Asked() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.asked...)
}

func (p *Proxy) dial(address string) (net.Conn, error) {
	p.mu.Lock()
	p.asked = append(p.asked, address)
	if to, ok := p.leads[address]; ok {
		address = to
	}
	p.mu.Unlock()
	return net.Dial("tcp", address)
}

// ServeHTTP implements http.Handler: CONNECT, and requests for whole URLs.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	login := "Basic " + base64.StdEncoding.EncodeToString([]byte(p.user+":"+p.password))
	if p.user != "" && r.Header.Get("Proxy-Authorization") != login {
		w.Header().Set("Proxy-Authenticate", "Basic")
		w.WriteHeader(http.StatusProxyAuthRequired)
		return
	}
	if r.Method != http.MethodConnect {
		p.forward(w, r)
		return
	}
	there, err := p.dial(r.Host)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	here, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		there.Close()
		return
	}
	_, _ = io.WriteString(here, "HTTP/1.1 200 Connection established\r\n\r\n") // else the copying ends at once
	join(here, there)
}

func (p *Proxy) forward(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.asked = append(p.asked, r.URL.Host)
	if to, ok := p.leads[r.URL.Host]; ok {
		r.URL.Host = to
	}
	p.mu.Unlock()
	r.RequestURI = ""
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer resp.Body.Close()
	maps.Copy(w.Header(), resp.Header)
	w.WriteHeader(resp.StatusCode)
	_, _ = io.Copy(w, resp.Body) // a client that has gone is not our fault
}

// join copies both ways until one side ends.
func join(a, b net.Conn) {
	var both sync.WaitGroup
	pass := func(to, from net.Conn) {
		_, _ = io.Copy(to, from) // either end may close
		to.Close()
		from.Close()
	}
	both.Go(func() { pass(a, b) })
	both.Go(func() { pass(b, a) })
	both.Wait()
}
