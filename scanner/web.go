package scanner

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing/httphead"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing/reach"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// errRedirect says that a mirror redirects to where its settings do not allow.
var errRedirect = reach.ErrRedirect

// web asks a mirror's web server about files, as a client would. Its own hosts
// may be anywhere, and where they redirect to is guarded.
type web struct{ client *http.Client }

// openWeb makes a web for m, reached as its rules say. Close frees its
// connections.
func openWeb(m *mirror.Mirror, timeout time.Duration) (*web, error) {
	d, err := reach.New(reach.Options{Contact: timeout, Source: m.Rules.Source, Proxy: m.Rules.Proxy})
	if err != nil {
		return nil, fmt.Errorf("mirror %s: %w (mend it with mbctl edit)", m.Name, err)
	}
	return newWebBy(d, m, timeout), nil
}

// newWeb makes a web for m. Close frees its connections.
func newWeb(m *mirror.Mirror, timeout time.Duration) *web {
	d, _ := reach.New(reach.Options{Contact: timeout}) // fails for sources and proxies only
	return newWebBy(d, m, timeout)
}

// newWebBy is newWeb for a mirror that is reached in a way of its own.
func newWebBy(d *reach.Dialer, m *mirror.Mirror, timeout time.Duration) *web {
	t := d.Web(m.Redirects, &http.Transport{
		ForceAttemptHTTP2: true, DisableCompression: true,
		MaxIdleConnsPerHost: askers, IdleConnTimeout: 30 * time.Second,
		ResponseHeaderTimeout: timeout, MaxResponseHeaderBytes: 64 << 10,
	}, m.HTTP...)
	return &web{&http.Client{Timeout: timeout, Transport: t, CheckRedirect: t.Redirect}}
}

func (w *web) head(ctx context.Context, address string) (httphead.Answer, error) {
	return httphead.Head(ctx, w.client, address)
}

func (w *web) close() { w.client.CloseIdleConnections() }
