package scanner

import (
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing/protocols"
)

func defaultOpen(url string, o listing.Options) (listing.Lister, error) {
	return protocols.Open(url, o)
}
