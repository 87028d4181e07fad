package mirrorbrain

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/note"
)

func init() {
	caddy.RegisterModule((*Hooks)(nil))
	httpcaddyfile.RegisterDirective("mirrorbrain_hooks", parseHooks)
	// Its order is registered with that of mirrorbrain, before which it stands.
}

// Hooks takes signed notes: from mirrors that they have synced, and from build
// systems that paths have changed. A note only brings a scan or an index run
// forward, which `mbctl daemon` does; it is never believed.
type Hooks struct {
	// The instance of the `mirrorbrain` app that the notes are about. Default:
	// `default`.
	Instance string `json:"instance,omitempty"`

	// Where notes are sent to. Their states are asked for below it. Required.
	Path string `json:"path,omitempty"`

	// The secrets, of which any is good. Each mirror has a key of its own that is
	// derived from one of them (`mbctl notify --key-for NAME`). Placeholders are
	// replaced when the configuration is loaded. Required.
	Tokens []string `json:"tokens,omitempty"`

	// What has changed when a webhook (`X-Hub-Signature-256`, `X-Gitlab-Token`)
	// comes whose body names no `paths`. Default: the whole tree.
	WebhookPaths []string `json:"webhook_paths,omitempty"`

	// How long after a note of a change all mirrors are scanned for it. Default:
	// `15m`. Negative: not at all.
	ScanAfter caddy.Duration `json:"scan_after,omitempty"`

	logger   *slog.Logger
	rt       *instance
	receiver *note.Receiver
}

// CaddyModule returns the Caddy module information.
func (*Hooks) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.mirrorbrain_hooks",
		New: func() caddy.Module { return new(Hooks) },
	}
}

// parseHooks reads the directive. What begins with a slash is no matcher here,
// but where notes go to.
func parseHooks(h httpcaddyfile.Helper) ([]httpcaddyfile.ConfigValue, error) {
	hooks := new(Hooks)
	if err := hooks.UnmarshalCaddyfile(h.Dispenser); err != nil {
		return nil, err
	}
	return h.NewRoute(nil, hooks), nil
}

// UnmarshalCaddyfile sets up the handler. Syntax:
//
//	mirrorbrain_hooks <path> [<instance>] {
//	    token         <secrets...>
//	    webhook_paths <folders...>
//	    scan_after    <duration> | off
//	}
//
// token and webhook_paths may be repeated.
func (h *Hooks) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the directive's name
	args := d.RemainingArgs()
	if len(args) == 0 || len(args) > 2 {
		return d.ArgErr()
	}
	h.Path = args[0]
	if len(args) > 1 {
		h.Instance = args[1]
	}
	if err := checkHooksPath(h.Path); err != nil {
		return d.WrapErr(err)
	}
	if err := parseBlock(d, h, hooksOptions, []string{"token", "webhook_paths"}); err != nil {
		return err
	}
	if len(h.Tokens) == 0 {
		return d.Err("a token is needed")
	}
	return nil
}

var hooksOptions = map[string]func(*caddyfile.Dispenser, *Hooks) error{
	"token":         func(d *caddyfile.Dispenser, h *Hooks) error { return list(d, &h.Tokens) },
	"webhook_paths": func(d *caddyfile.Dispenser, h *Hooks) error { return list(d, &h.WebhookPaths) },
	"scan_after":    func(d *caddyfile.Dispenser, h *Hooks) error { return age(d, &h.ScanAfter) },
}

func checkHooksPath(p string) error {
	if !strings.HasPrefix(p, "/") || strings.Trim(p, "/") == "" || strings.ContainsAny(p, "*?#{}") {
		return fmt.Errorf("path %q: must be one like /hooks", p)
	}
	return nil
}

// shortToken: from a mirror's key all tokens of fewer characters could be tried
// out.
const shortToken = 16

// Provision sets up the handler. It opens no connection.
func (h *Hooks) Provision(ctx caddy.Context) error {
	h.logger = ctx.Slogger()
	if h.Instance == "" {
		h.Instance = defaultInstance
	}
	mod, err := ctx.App("mirrorbrain")
	if err != nil {
		return fmt.Errorf("getting the mirrorbrain app: %w", err)
	}
	app := mod.(*App)
	if h.rt = app.instances[h.Instance]; h.rt == nil {
		return fmt.Errorf("no instance %q: the global option mirrorbrain configures %s", h.Instance, app.names())
	}
	if err := checkHooksPath(h.Path); err != nil {
		return err
	}
	def(&h.ScanAfter, caddy.Duration(15*time.Minute))
	h.receiver = &note.Receiver{
		Path: strings.TrimSuffix(h.Path, "/"), Foreign: h.WebhookPaths, ScanAfter: max(0, time.Duration(h.ScanAfter)),
		Store: h.rt.db.store, Memory: &h.rt.db.notes, Log: h.logger,
	}
	for _, p := range h.WebhookPaths {
		if _, err := mirror.CleanSubtree(p); err != nil {
			return fmt.Errorf("webhook_paths: %w", err)
		}
	}
	return h.provisionTokens(caddy.NewReplacer())
}

// provisionTokens: what is configured and comes out empty must not become a
// token that everybody knows.
func (h *Hooks) provisionTokens(repl *caddy.Replacer) error {
	if len(h.Tokens) == 0 {
		return fmt.Errorf("a token is needed")
	}
	for i, t := range h.Tokens {
		v, err := repl.ReplaceOrErr(t, true, true)
		if err != nil {
			return fmt.Errorf("token %d: %w", i+1, err)
		}
		v = strings.TrimSpace(v) // of a file's last line
		if v == "" {
			return fmt.Errorf("token %d is empty", i+1)
		}
		if len(v) < shortToken {
			h.logger.Warn("a token of so few characters can be guessed by who knows a mirror's key; make one with: openssl rand -hex 32",
				"token", i+1, "characters", len(v))
		}
		h.receiver.Tokens = append(h.receiver.Tokens, v)
	}
	return nil
}

// ServeHTTP takes what is sent to the path, and passes on the rest.
func (h *Hooks) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if !h.receiver.Mine(r) {
		return next.ServeHTTP(w, r)
	}
	slot, ok := h.rt.db.enter()
	if !ok { // a reload closed this request's database
		w.Header().Set("Retry-After", "1")
		return caddyhttp.Error(http.StatusServiceUnavailable, fmt.Errorf("the database was closed"))
	}
	defer h.rt.db.leave(slot)
	ctx := r.Context()
	vars, _ := ctx.Value(caddyhttp.VarsCtxKey).(map[string]any)
	peer := note.Peer{Addr: clientAddr(vars), Secure: secure(r, vars), Path: r.URL.EscapedPath()}
	if sent, ok := ctx.Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok && sent.URL != nil {
		peer.Path = sent.URL.EscapedPath() // before handle_path and rewrites
	}
	h.receiver.Serve(w, r, peer)
	return nil
}

var (
	_ caddy.Module                = (*Hooks)(nil)
	_ caddy.Provisioner           = (*Hooks)(nil)
	_ caddyhttp.MiddlewareHandler = (*Hooks)(nil)
	_ caddyfile.Unmarshaler       = (*Hooks)(nil)
)
