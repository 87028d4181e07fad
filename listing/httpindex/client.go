package httpindex

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing/quiet"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// maxRedirects bounds the redirects followed for one folder.
const maxRedirects = 5

// offSiteError is a redirect of a folder to another host.
type offSiteError struct{ to string }

func (e *offSiteError) Error() string { return "redirected to another site: " + e.to }

// newClient makes the client of one lister. Its connections are kept between
// folders and given up after a silence of timeout.
func newClient(timeout time.Duration, parallel int) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            quiet.Dialer(timeout),
			ForceAttemptHTTP2:      true,
			MaxIdleConnsPerHost:    parallel,
			MaxConnsPerHost:        parallel,
			IdleConnTimeout:        90 * time.Second,
			TLSHandshakeTimeout:    timeout,
			ResponseHeaderTimeout:  timeout,
			MaxResponseHeaderBytes: 1 << 20,
		},
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			switch {
			case len(via) >= maxRedirects:
				return fmt.Errorf("more than %d redirects", maxRedirects)
			case !sameSite(via[0].URL, req.URL):
				return &offSiteError{mirror.Redact(req.URL.String())}
			}
			return nil
		},
	}
}

// sameSite reports whether a redirect stays on the host: the same address, or
// from http to https on the usual ports.
func sameSite(from, to *url.URL) bool {
	if !strings.EqualFold(from.Hostname(), to.Hostname()) {
		return false
	}
	return from.Scheme == to.Scheme && portOf(from) == portOf(to) ||
		from.Scheme == "http" && to.Scheme == "https" && portOf(from) == "80" && portOf(to) == "443"
}

func portOf(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	}
	return "80"
}

// withoutURL drops the URL that net/http puts into its errors; the caller says
// which folder it was, without the password.
func withoutURL(err error) error {
	if ue, ok := errors.AsType[*url.Error](err); ok {
		return ue.Err
	}
	return err
}
