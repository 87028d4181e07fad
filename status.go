package mirrorbrain

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirrorstatus"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/page"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/survey"
)

func init() {
	caddy.RegisterModule((*Status)(nil))
	httpcaddyfile.RegisterHandlerDirective("mirrorbrain_status", parseStatus)
	// Its order is registered with that of mirrorbrain, before which it stands.
}

// StatusSettings say where the pages about the mirrors are, and what is on them.
type StatusSettings struct {
	// The path of the page with all mirrors; that of each is below it. `/` is
	// right behind `handle_path`. Default: `/mirrors`.
	Path string `json:"path,omitempty"`

	// The markers that are shown, by name. Default: all.
	Markers []string `json:"markers,omitempty"`

	// Folders of the tree whose coverage is shown for each mirror. Default: those
	// at the top of the tree, on each mirror's own page.
	Folders []string `json:"folders,omitempty"`

	// Whether there is a map of the world. Default: true.
	Map *bool `json:"map,omitempty"`

	// How the pages look. Default: as the instance's `pages` say.
	Pages page.Theme `json:"pages,omitzero"`
}

// Status shows the mirrors: a page with all of them, a page for each with its
// past, the same as JSON with a description (`openapi.json`), mirmon's state
// (`mirmon.txt`), and badges (`badge.svg`). What is private is nowhere in it.
type Status struct {
	// The instance of the `mirrorbrain` app whose mirrors are shown. Default:
	// `default`.
	Instance string `json:"instance,omitempty"`

	StatusSettings

	site *statusSite
}

// CaddyModule returns the Caddy module information.
func (*Status) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.mirrorbrain_status",
		New: func() caddy.Module { return new(Status) },
	}
}

func parseStatus(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	s := new(Status)
	err := s.UnmarshalCaddyfile(h.Dispenser)
	return s, err
}

// UnmarshalCaddyfile sets up the handler. Syntax:
//
//	mirrorbrain_status [<matcher>] [<instance>] {
//	    path    <path>
//	    markers <names...>
//	    folders <paths...>
//	    map     on | off
//	    pages   { ... }
//	}
func (s *Status) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the directive's name
	if d.NextArg() {
		s.Instance = d.Val()
	}
	if d.NextArg() {
		return d.ArgErr()
	}
	return parseBlock(d, &s.StatusSettings, statusOptions, []string{"markers", "folders"})
}

var statusOptions = map[string]func(*caddyfile.Dispenser, *StatusSettings) error{
	"path":    func(d *caddyfile.Dispenser, s *StatusSettings) error { return oneArg(d, &s.Path) },
	"markers": func(d *caddyfile.Dispenser, s *StatusSettings) error { return list(d, &s.Markers) },
	"folders": func(d *caddyfile.Dispenser, s *StatusSettings) error { return list(d, &s.Folders) },
	"map":     func(d *caddyfile.Dispenser, s *StatusSettings) error { return onOff(d, &s.Map) },
	"pages":   func(d *caddyfile.Dispenser, s *StatusSettings) error { return parsePages(d, &s.Pages) },
}

// parseStatusPath reads `status <path> { ... }` of a site.
func parseStatusPath(d *caddyfile.Dispenser, h *Handler) error {
	h.Status = new(StatusSettings)
	if err := oneArg(d, &h.Status.Path); err != nil {
		return err
	}
	return parseBlock(d, h.Status, statusOptions, []string{"markers", "folders"})
}

// Provision sets up the handler. It opens no connection.
func (s *Status) Provision(ctx caddy.Context) error {
	if s.Instance == "" {
		s.Instance = defaultInstance
	}
	mod, err := ctx.App("mirrorbrain")
	if err != nil {
		return fmt.Errorf("getting the mirrorbrain app: %w", err)
	}
	app := mod.(*App)
	rt := app.instances[s.Instance]
	if rt == nil {
		return fmt.Errorf("no instance %q: the global option mirrorbrain configures %s", s.Instance, app.names())
	}
	s.site, err = s.provision(rt, caddy.NewReplacer())
	return err
}

// provision checks the settings and prepares the pages.
func (s *StatusSettings) provision(rt *instance, repl *caddy.Replacer) (*statusSite, error) {
	def(&s.Path, "/mirrors")
	defPtr(&s.Map, true)
	if !strings.HasPrefix(s.Path, "/") || strings.ContainsAny(s.Path, "*?#{}") {
		return nil, fmt.Errorf("path %q: must be one like /mirrors", s.Path)
	}
	for _, f := range s.Folders {
		if _, err := mirror.CleanSubtree(f); err != nil {
			return nil, fmt.Errorf("folders: %w", err)
		}
	}
	look, err := openPages(&s.Pages, rt, repl)
	if err != nil {
		return nil, err
	}
	site := &statusSite{path: strings.TrimRight(s.Path, "/"), look: look, rt: rt}
	site.cache = newStatusCache(rt, survey.Options{Markers: s.Markers, Folders: s.Folders})
	site.pages, err = mirrorstatus.New(look, mirrorstatus.Options{Map: *s.Map})
	return site, err
}

// ServeHTTP answers what is asked for below the path, and passes on the rest.
func (s *Status) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if !s.site.mine(r.URL.Path) {
		return next.ServeHTTP(w, r)
	}
	return s.site.serve(w, r, next)
}

// statusSite are the pages about mirrors at one path.
type statusSite struct {
	path  string // without a slash at its end
	look  *page.Look
	pages *mirrorstatus.Pages
	rt    *instance
	cache *statusCache
}

// mine reports whether a path is that of the pages, or right below it. Where that
// is everything, what there is no page for is the next handler's.
func (s *statusSite) mine(path string) bool {
	rest, ok := strings.CutPrefix(path, s.path)
	return ok && (rest == "" || rest[0] == '/' && !strings.Contains(rest[1:], "/"))
}

func (s *statusSite) serve(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		return caddyhttp.Error(http.StatusMethodNotAllowed, fmt.Errorf("method %s: must be GET", r.Method))
	}
	if serveAsset(w, r) {
		return nil
	}
	name := strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, s.path), "/")
	if name == "" {
		if to := withSlash(r); to != "" {
			w.Header().Set("Location", to)
			w.WriteHeader(http.StatusPermanentRedirect)
			return nil
		}
	}
	slot, ok := s.rt.db.enter()
	if !ok { // a reload closed this request's database
		w.Header().Set("Retry-After", "1")
		return caddyhttp.Error(http.StatusServiceUnavailable, errors.New("the database was closed"))
	}
	defer s.rt.db.leave(slot)
	site := s.cache.site(r.Context())
	if site == nil {
		w.Header().Set("Retry-After", retryAfter)
		return caddyhttp.Error(http.StatusServiceUnavailable, errors.New("nothing is known of the mirrors yet"))
	}
	d, err := s.pages.Document(site, mirrorstatus.Request{
		Name: name, Query: r.URL.RawQuery, Words: s.look.Words(r.Header.Get("Accept-Language")), History: s.cache.history,
	})
	switch {
	case errors.Is(err, mirrorstatus.ErrNotFound):
		if s.path == "" {
			return next.ServeHTTP(w, r)
		}
		return caddyhttp.Error(http.StatusNotFound, err)
	case err != nil:
		return caddyhttp.Error(http.StatusInternalServerError, err)
	}
	s.write(w, r, d)
	return nil
}

// write sends a document, or 304 where the client has it.
func (s *statusSite) write(w http.ResponseWriter, r *http.Request, d *mirrorstatus.Document) {
	h := w.Header()
	h.Set("Content-Type", d.Kind)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", d.Policy)
	h.Set("Cache-Control", fmt.Sprintf("max-age=%d", int(statusAge/time.Second)))
	h.Set("Etag", entityTag(d.Body, ""))
	if d.Worded && s.look.Several() {
		h.Add("Vary", "Accept-Language")
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(d.Body))
}

// withSlash is where a request for the list without a slash at its end goes, as
// links in the list begin there; relative to what the client asked for, which
// may have a prefix that was taken off. "" where there is a slash.
func withSlash(r *http.Request) string {
	asked := r.URL.EscapedPath()
	if sent, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok && sent.URL != nil {
		asked = sent.URL.EscapedPath()
	}
	if asked == "" || strings.HasSuffix(asked, "/") {
		return ""
	}
	to := "./" + asked[strings.LastIndexByte(asked, '/')+1:] + "/"
	if r.URL.RawQuery != "" {
		to += "?" + r.URL.RawQuery
	}
	return to
}

var (
	_ caddy.Module                = (*Status)(nil)
	_ caddy.Provisioner           = (*Status)(nil)
	_ caddyhttp.MiddlewareHandler = (*Status)(nil)
	_ caddyfile.Unmarshaler       = (*Status)(nil)
)
