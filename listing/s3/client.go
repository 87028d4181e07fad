package s3

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// newClient makes the client of one lister. It gives up after a silence, and
// follows no redirect: where a bucket has moved to, this package decides.
func newClient(opts listing.Options) (*http.Client, error) {
	d, err := opts.Dialer(opts.Timeout)
	if err != nil {
		return nil, err
	}
	web := d.Web(mirror.RedirectsAny, &http.Transport{
		ForceAttemptHTTP2:      true,
		MaxIdleConnsPerHost:    1,
		IdleConnTimeout:        90 * time.Second,
		ResponseHeaderTimeout:  opts.Timeout,
		MaxResponseHeaderBytes: 1 << 20,
	})
	return &http.Client{
		Transport:     web,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

// withoutURL drops the URL that net/http puts into its errors; the caller says
// which bucket it was.
func withoutURL(err error) error {
	if ue, ok := errors.AsType[*url.Error](err); ok {
		return ue.Err
	}
	return err
}
