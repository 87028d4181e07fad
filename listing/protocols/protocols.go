// Package protocols opens the lister that a URL asks for by its scheme.
package protocols

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing/ftp"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing/httpindex"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing/rsync"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// Schemes are the URL schemes that Open knows.
var Schemes = []string{"rsync", "rsyncs", "ftp", "ftps", "http", "https"}

// Open makes the lister for a base URL. Nothing is connected to yet.
func Open(rawURL string, opts listing.Options) (listing.Lister, error) {
	scheme, _, _ := strings.Cut(strings.TrimSpace(rawURL), ":")
	switch strings.ToLower(scheme) {
	case "rsync", "rsyncs":
		return opened(rsync.New(rawURL, opts))
	case "ftp", "ftps":
		return opened(ftp.New(rawURL, opts))
	case "http", "https":
		return opened(httpindex.New(rawURL, opts))
	}
	return nil, fmt.Errorf("listing %s: must begin with %s://", mirror.Redact(rawURL), strings.Join(Schemes, "://, "))
}

// Known reports whether a URL has a scheme that Open knows.
func Known(rawURL string) bool {
	u, err := url.Parse(strings.TrimSpace(rawURL))
	if err != nil {
		return false
	}
	return slices.Contains(Schemes, u.Scheme)
}

// opened turns a nil pointer with an error into a nil interface.
func opened[L listing.Lister](l L, err error) (listing.Lister, error) {
	if err != nil {
		return nil, err
	}
	return l, nil
}
