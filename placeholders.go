package mirrorbrain

import (
	"context"
	"net/netip"
	"strconv"
	"strings"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/redirector"
)

// The values of {http.mirrorbrain.result}.
const (
	resultRedirect = "redirect"
	resultLocal    = "local"
	resultDocument = "document"
	resultExempt   = "exempt"
	resultError    = "error"
)

// realmFallback is the realm of servers that are no mirrors.
const realmFallback = "fallback"

// outcome is what is known about a request when it has been decided. It lives
// as long as the request, because placeholders and the access log look at it
// at the end.
type outcome struct {
	rt             *instance
	result, reason string
	mirror, realm  string
	as             redirector.Representation // what was asked for
	simulated      bool
	err            error // what was wrong with the request

	// What is true of the file that the next handler serves.
	found   bool // the index knows one of its path
	indexed bool // and it is that one
	hashed  bool // and its SHA-256 is known
	sha256  [32]byte
	links   []string

	addr    netip.Addr
	client  mirror.Client
	located bool // client is filled in
}

// outcomeVar is the request variable that holds the outcome.
const outcomeVar = "mirrorbrain"

// publish makes the outcome of a request visible. A request that comes to a
// second handler gets the second one's outcome.
func publish(ctx context.Context, repl *caddy.Replacer, vars map[string]any, rt *instance) *outcome {
	if o, ok := vars[outcomeVar].(*outcome); ok {
		*o = outcome{rt: rt}
		return o
	}
	o := &outcome{rt: rt}
	if vars != nil {
		vars[outcomeVar] = o
	}
	repl.Map(o.placeholder)
	if s, _ := ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server); s != nil && s.Logs != nil {
		if extra, ok := ctx.Value(caddyhttp.ExtraLogFieldsCtxKey).(*caddyhttp.ExtraLogFields); ok {
			extra.Add(zap.Object("mirrorbrain", o))
		}
	}
	return o
}

// say notes how the request ended, and passes act on.
func (o *outcome) say(result, reason string, act action) action {
	o.result, o.reason = result, reason
	return act
}

// locate finds out about the client, if the decision did not need it.
func (o *outcome) locate() *mirror.Client {
	if !o.located {
		o.client, o.located = o.rt.locate(o.addr), true
	}
	return &o.client
}

func (o *outcome) representation() string {
	switch o.result {
	case resultRedirect, resultDocument:
		return o.as.String()
	}
	return ""
}

// placeholder is the replacer's provider.
func (o *outcome) placeholder(key string) (any, bool) {
	name, ok := strings.CutPrefix(key, "http.mirrorbrain.")
	if !ok {
		return nil, false
	}
	switch name {
	case "result":
		return o.result, true
	case "reason":
		return o.reason, true
	case "mirror":
		return o.mirror, true
	case "realm":
		return o.realm, true
	case "country":
		return o.locate().Country, true
	case "continent":
		return o.locate().Continent, true
	case "asn":
		if n := o.locate().ASN; n != 0 {
			return strconv.FormatUint(uint64(n), 10), true
		}
		return "", true
	case "prefix":
		if p := o.locate().Prefix; p.IsValid() {
			return p.String(), true
		}
		return "", true
	case "representation":
		return o.representation(), true
	}
	return nil, false
}

// MarshalLogObject writes the fields of the access log; empty ones are left out.
func (o *outcome) MarshalLogObject(enc zapcore.ObjectEncoder) error {
	c := o.locate()
	for _, f := range [...]struct{ name, value string }{
		{"result", o.result},
		{"reason", o.reason},
		{"mirror", o.mirror},
		{"realm", o.realm},
		{"country", c.Country},
		{"continent", c.Continent},
		{"representation", o.representation()},
	} {
		if f.value != "" {
			enc.AddString(f.name, f.value)
		}
	}
	if c.ASN != 0 {
		enc.AddUint32("asn", c.ASN)
	}
	if c.Prefix.IsValid() {
		enc.AddString("prefix", c.Prefix.String())
	}
	if o.simulated {
		enc.AddBool("simulated", true)
	}
	return nil
}
