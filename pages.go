package mirrorbrain

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/page"
)

// openPages reads how pages look: as a handler says, else as its instance does.
func openPages(own *page.Theme, in *instance, repl *caddy.Replacer) (*page.Look, error) {
	if own.Zero() && in != nil {
		*own = in.Pages
		own.Languages = slices.Clone(own.Languages)
	}
	t := *own
	t.Templates = repl.ReplaceAll(t.Templates, "")
	look, err := page.Open(t)
	if err != nil {
		return nil, fmt.Errorf("pages: %w", err)
	}
	return look, nil
}

// pageOptions are the subdirectives of `pages`.
var pageOptions = map[string]func(*caddyfile.Dispenser, *page.Theme) error{
	"name":      func(d *caddyfile.Dispenser, t *page.Theme) error { return oneArg(d, &t.Name) },
	"home":      func(d *caddyfile.Dispenser, t *page.Theme) error { return oneArg(d, &t.Home) },
	"logo":      func(d *caddyfile.Dispenser, t *page.Theme) error { return oneArg(d, &t.Logo) },
	"style":     func(d *caddyfile.Dispenser, t *page.Theme) error { return oneArg(d, &t.Style) },
	"templates": func(d *caddyfile.Dispenser, t *page.Theme) error { return oneArg(d, &t.Templates) },
	"map":       func(d *caddyfile.Dispenser, t *page.Theme) error { return onOff(d, &t.Map) },
	"languages": func(d *caddyfile.Dispenser, t *page.Theme) error { return list(d, &t.Languages) },
}

// parsePages reads the block of `pages`.
func parsePages(d *caddyfile.Dispenser, t *page.Theme) error {
	if d.CountRemainingArgs() > 0 {
		return d.ArgErr()
	}
	return parseBlock(d, t, pageOptions, nil)
}

// serveAsset answers a request for what pages load from where they are.
func serveAsset(w http.ResponseWriter, r *http.Request) bool {
	if !strings.HasPrefix(r.URL.RawQuery, "asset=") || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	body, kind, current, ok := page.Asset(r.URL.RawQuery)
	if !ok {
		return false
	}
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "public, max-age=300")
	if current {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	if r.Method == http.MethodGet {
		_, _ = w.Write(body) //nolint:gosec // the program's own; a client that went away is no error
	}
	return true
}
