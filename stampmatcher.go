package mirrorbrain

import (
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/redirector"
)

// StampMatcher matches requests whose URL was signed by a redirector of the
// same key, not too long ago. It is for mirrors that run Caddy and that clients
// shall come to by way of the redirector only:
//
//	@unsigned not mirrorbrain_stamp {
//		key {env.STAMP_KEY}
//	}
//	respond @unsigned 403
//
// The path is that which the client asked for, before any rewriting.
type StampMatcher struct {
	// The keys, one of which the redirector signs with; several while they are
	// being changed. Placeholders are replaced when the configuration is loaded,
	// so that keys can stay out of it: `{env.STAMP_KEY}`,
	// `{file./etc/caddy/stamp.key}`.
	Keys []string `json:"keys,omitempty"`

	// `hmac-sha256`, where a stamp is good for one path, or MirrorBrain's
	// `md5`, where it is good for every file. Default: `hmac-sha256`.
	Algorithm string `json:"algorithm,omitempty"`

	// How old a stamp may be. It should cover the time in which clients come
	// back for further parts of a large file. Default: 6h.
	MaxAge caddy.Duration `json:"max_age,omitempty"`

	logger *slog.Logger
	stamp  *redirector.Stamp
	now    func() time.Time
}

// defaultStampAge is long enough for a slow client to get a DVD image in
// parts, and short enough for a URL on a web page to be of no use.
const defaultStampAge = caddy.Duration(6 * time.Hour)

// CaddyModule returns the Caddy module information.
func (*StampMatcher) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.matchers.mirrorbrain_stamp",
		New: func() caddy.Module { return new(StampMatcher) },
	}
}

// Provision sets up the matcher.
func (m *StampMatcher) Provision(ctx caddy.Context) error {
	m.logger = ctx.Slogger()
	def(&m.Algorithm, redirector.StampHMAC)
	def(&m.MaxAge, defaultStampAge)
	m.now = time.Now
	repl := caddy.NewReplacer()
	keys := make([]string, len(m.Keys))
	for i, key := range m.Keys {
		keys[i] = repl.ReplaceAll(key, "")
	}
	var err error
	m.stamp, err = redirector.NewStamp(m.Algorithm, keys...)
	return err
}

// Validate checks what can be checked without the world outside.
func (m *StampMatcher) Validate() error {
	if m.MaxAge < caddy.Duration(time.Second) {
		return fmt.Errorf("max_age: must be at least 1s, not %v", time.Duration(m.MaxAge))
	}
	return nil
}

// Match reports whether the request's URL is signed. The debug log says why it
// is not.
func (m *StampMatcher) Match(r *http.Request) bool {
	asked := r.URL
	if orig, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok && orig.URL != nil {
		asked = orig.URL
	}
	err := m.stamp.Verify(asked.Path, asked.RawQuery, m.now().Unix(), time.Duration(m.MaxAge))
	if err != nil && m.logger.Enabled(r.Context(), slog.LevelDebug) {
		m.logger.Debug("the request has no good stamp", "path", asked.Path, "err", err)
	}
	return err == nil
}

// MatchWithError is Match; a URL that is not signed is no error.
func (m *StampMatcher) MatchWithError(r *http.Request) (bool, error) {
	return m.Match(r), nil
}

// UnmarshalCaddyfile sets up the matcher. Syntax:
//
//	mirrorbrain_stamp {
//	    key        <keys...>
//	    algorithm  hmac-sha256 | md5
//	    max_age    <duration>
//	}
//
// key may be repeated.
func (m *StampMatcher) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	// Caddy hands over matchers of one kind in a set together.
	for d.Next() {
		if d.NextArg() {
			return d.ArgErr()
		}
		if err := parseBlock(d, m, stampOptions, []string{"key"}); err != nil {
			return err
		}
	}
	return nil
}

var stampOptions = map[string]func(*caddyfile.Dispenser, *StampMatcher) error{
	"key":       func(d *caddyfile.Dispenser, m *StampMatcher) error { return list(d, &m.Keys) },
	"algorithm": func(d *caddyfile.Dispenser, m *StampMatcher) error { return oneArg(d, &m.Algorithm) },
	"max_age":   func(d *caddyfile.Dispenser, m *StampMatcher) error { return duration(d, &m.MaxAge) },
}

var (
	_ caddy.Module                      = (*StampMatcher)(nil)
	_ caddy.Provisioner                 = (*StampMatcher)(nil)
	_ caddy.Validator                   = (*StampMatcher)(nil)
	_ caddyhttp.RequestMatcherWithError = (*StampMatcher)(nil)
	_ caddyfile.Unmarshaler             = (*StampMatcher)(nil)
)
