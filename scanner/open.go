package scanner

import (
	"strings"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing/httpindex"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing/rsync"
)

func defaultOpen(url string, o listing.Options) (listing.Lister, error) {
	if strings.HasPrefix(url, "rsync") {
		return rsync.New(url, o)
	}
	return httpindex.New(url, o)
}
