package mirrorlist

import "github.com/caddy-mirrorbrain/caddy-mirrorbrain/page"

// words say in a language what there is to say about sources and clients.
type words struct{ *page.Words }
