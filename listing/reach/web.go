package reach

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// maxRedirects bounds the redirects followed for one request.
const maxRedirects = 10

// Web is the transport of an HTTP client that asks one mirror, and the rule of
// how far its redirects lead: on the hosts of its own base URLs, which may be
// anywhere, to any port; beyond them as told; and never from https to http.
type Web struct {
	hosts         []string
	redirects     mirror.Redirects
	near, outside *http.Transport
}

// Web makes the transport of the mirror with the given base URLs. base has its
// further settings, and becomes a part of it. The zero redirects is
// mirror.RedirectsSameHost.
func (d *Dialer) Web(redirects mirror.Redirects, base *http.Transport, bases ...string) *Web {
	w := &Web{redirects: redirects, near: base}
	for _, b := range bases {
		if u, err := url.Parse(b); err == nil {
			w.hosts = append(w.hosts, u.Hostname())
		}
	}
	base.DialContext = d.near
	base.TLSHandshakeTimeout = d.contact
	base.Proxy = nil
	if d.proxy != nil {
		base.Proxy = http.ProxyURL(d.proxy)
	} else if d.environment {
		base.Proxy = http.ProxyFromEnvironment
	}
	if redirects == mirror.RedirectsPublic {
		w.outside = base.Clone()
		w.outside.DialContext = d.DialPublic
		w.outside.Proxy = nil // a proxy would look the name up for us, unguarded
	}
	return w
}

// Redirect decides whether a redirect is followed; it is an http.Client's
// CheckRedirect. What wraps ErrRedirect is refused by the mirror's settings.
func (w *Web) Redirect(req *http.Request, via []*http.Request) error {
	from := via[len(via)-1].URL
	switch {
	case len(via) >= maxRedirects:
		return fmt.Errorf("more than %d redirects", maxRedirects)
	case from.Scheme == "https" && req.URL.Scheme != "https":
		// Where clients on https would be sent as well.
		return fmt.Errorf("%w: from https to %s", ErrRedirect, req.URL.Scheme)
	case w.own(req.URL):
		return nil
	case !w.leaves():
		return fmt.Errorf("%w: to another host, %s (see --redirects)", ErrRedirect, req.URL.Host)
	}
	// The password is the mirror's, and a subdomain may be somebody else's.
	req.Header.Del("Authorization")
	return nil
}

// RoundTrip implements http.RoundTripper.
func (w *Web) RoundTrip(req *http.Request) (*http.Response, error) {
	switch {
	case w.own(req.URL), w.redirects == mirror.RedirectsAny:
		return w.near.RoundTrip(req)
	case w.outside != nil:
		return w.outside.RoundTrip(req)
	}
	return nil, fmt.Errorf("%w: to another host, %s (see --redirects)", ErrRedirect, req.URL.Host)
}

// CloseIdleConnections frees connections that wait for more requests.
func (w *Web) CloseIdleConnections() {
	w.near.CloseIdleConnections()
	if w.outside != nil {
		w.outside.CloseIdleConnections()
	}
}

func (w *Web) leaves() bool {
	return w.redirects == mirror.RedirectsPublic || w.redirects == mirror.RedirectsAny
}

// own reports whether u is on a host of the mirror itself, on any port.
func (w *Web) own(u *url.URL) bool {
	for _, h := range w.hosts {
		if strings.EqualFold(h, u.Hostname()) {
			return true
		}
	}
	return false
}
