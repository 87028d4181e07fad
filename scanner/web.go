package scanner

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing/httphead"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// errRedirect says that a mirror redirects to where its settings do not allow.
var errRedirect = errors.New("redirect is not allowed (see --redirects)")

const maxRedirects = 10

// web asks a mirror's web server about files, as a client would.
type web struct {
	client        *http.Client
	hosts         []string // of the mirror's base URLs, lower case
	near, outside *http.Transport
}

// newWeb makes a web for m. Close frees its connections.
func newWeb(m *mirror.Mirror, timeout time.Duration) *web {
	w := &web{near: transport(timeout, nil)}
	w.outside = w.near
	if m.Redirects == mirror.RedirectsPublic {
		w.outside = transport(timeout, publicOnly)
	}
	for _, base := range m.HTTP {
		if u, err := url.Parse(base); err == nil {
			w.hosts = append(w.hosts, strings.ToLower(u.Hostname()))
		}
	}
	w.client = &http.Client{
		Timeout: timeout, Transport: w,
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			insecure := httphead.KeepsTLS(via[len(via)-1].URL, req.URL)
			switch {
			case len(via) >= maxRedirects:
				return fmt.Errorf("more than %d redirects", maxRedirects)
			case insecure != nil: // where clients on https would be sent as well
				return insecure
			case m.Redirects == mirror.RedirectsPublic, m.Redirects == mirror.RedirectsAny, w.own(req.URL):
				return nil
			}
			return fmt.Errorf("%w: to %s", errRedirect, req.URL.Host)
		},
	}
	return w
}

// own reports whether u is on a host of the mirror itself, on any port.
func (w *web) own(u *url.URL) bool {
	for _, h := range w.hosts {
		if strings.EqualFold(h, u.Hostname()) {
			return true
		}
	}
	return false
}

// RoundTrip implements http.RoundTripper: the mirror's own hosts may be
// anywhere, and where they redirect to is guarded.
func (w *web) RoundTrip(req *http.Request) (*http.Response, error) {
	if w.own(req.URL) {
		return w.near.RoundTrip(req)
	}
	return w.outside.RoundTrip(req)
}

func (w *web) head(ctx context.Context, address string) (httphead.Answer, error) {
	return httphead.Head(ctx, w.client, address)
}

func (w *web) close() {
	w.near.CloseIdleConnections()
	w.outside.CloseIdleConnections()
}

func transport(timeout time.Duration, control func(network, address string, c syscall.RawConn) error) *http.Transport {
	d := &net.Dialer{Timeout: timeout, Control: control}
	t := &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: d.DialContext,
		ForceAttemptHTTP2: true, DisableCompression: true,
		MaxIdleConnsPerHost: askers, IdleConnTimeout: 30 * time.Second,
		TLSHandshakeTimeout: timeout, ResponseHeaderTimeout: timeout,
		MaxResponseHeaderBytes: 64 << 10,
	}
	if control != nil {
		t.Proxy = nil // a proxy would dial for us, unguarded
	}
	return t
}

var notPublic = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"),  // carrier-grade NAT, RFC 6598
	netip.MustParsePrefix("192.0.0.0/24"),   // RFC 6890
	netip.MustParsePrefix("198.18.0.0/15"),  // benchmarks, RFC 2544
	netip.MustParsePrefix("240.0.0.0/4"),    // reserved
	netip.MustParsePrefix("64:ff9b::/96"),   // NAT64, RFC 6052: leads to any IPv4 address
	netip.MustParsePrefix("64:ff9b:1::/48"), // NAT64, RFC 8215
	netip.MustParsePrefix("2002::/16"),      // 6to4: likewise
	netip.MustParsePrefix("2001::/32"),      // Teredo: likewise
	netip.MustParsePrefix("2001:db8::/32"),  // documentation
	netip.MustParsePrefix("fec0::/10"),      // site-local of old
}

// public reports whether addr is one that anybody could reach.
func public(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	if !addr.IsGlobalUnicast() || addr.IsPrivate() {
		return false
	}
	for _, p := range notPublic {
		if p.Contains(addr) {
			return false
		}
	}
	return true
}

// publicOnly looks at the address a connection is about to be made to, after
// the name was resolved, so that no name can hide a private one.
func publicOnly(_, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil || !public(ap.Addr()) {
		return fmt.Errorf("%w: %s is not a public address", errRedirect, address)
	}
	return nil
}
