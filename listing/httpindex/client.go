package httpindex

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
)

// newClient makes the client of one lister. Its connections are kept between
// folders and given up after a silence of the options' Timeout. Pages may come
// compressed; what is read of them is bounded unpacked.
func newClient(base string, o listing.Options) (*http.Client, error) {
	d, err := o.Dialer(o.Timeout)
	if err != nil {
		return nil, err
	}
	web := d.Web(o.Redirects, &http.Transport{
		ForceAttemptHTTP2:      true,
		MaxIdleConnsPerHost:    o.Parallel,
		MaxConnsPerHost:        o.Parallel,
		IdleConnTimeout:        90 * time.Second,
		ResponseHeaderTimeout:  o.Timeout,
		MaxResponseHeaderBytes: 1 << 20,
	}, base)
	return &http.Client{Transport: web, CheckRedirect: web.Redirect}, nil
}

// withoutURL drops the URL that net/http puts into its errors; the caller says
// which folder it was, without the password.
func withoutURL(err error) error {
	if ue, ok := errors.AsType[*url.Error](err); ok {
		return ue.Err
	}
	return err
}
