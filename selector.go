package mirrorbrain

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/catalog"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/geoip"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/redirector"
)

// selector keeps a handler's mirrors compiled for choosing, and compiles them
// anew when they change.
type selector struct {
	mu  sync.Mutex
	now atomic.Pointer[selection]
}

// selection is a list of mirrors compiled under a policy.
type selection struct {
	*redirector.Set
	basis

	origin    int // index of this server; noOrigin: it is none of the mirrors
	redirects []prometheus.Counter
	load      redirector.Load // what the mirrors carry; nil: nothing that matters
}

// basis is what a selection was compiled from, beside the handler's settings.
type basis struct {
	version uint64   // of the World
	scanAge string   // max_scan_age as the database has it
	key     [16]byte // the database's, which it changes when it is restored
	rules   *geoip.Rules
}

func (h *Handler) basis(v *catalog.View) basis {
	return basis{version: v.Holdings().Version, scanAge: v.Setting(settingScanAge), key: v.Key(), rules: h.rt.geoRules(v)}
}

// selection gives the mirrors of a view.
func (h *Handler) selection(v *catalog.View) *selection {
	from := h.basis(v)
	s := h.selector.now.Load()
	if s != nil && s.basis == from {
		return s
	}
	h.selector.mu.Lock()
	defer h.selector.mu.Unlock()
	s = h.selector.now.Load()
	if s != nil && s.basis == from {
		return s
	}
	n := h.compile(v, from)
	// A request that still holds an older view must not replace the newer one.
	if s == nil || s.version <= from.version {
		h.selector.now.Store(n)
	}
	return n
}

func (h *Handler) compile(v *catalog.View, from basis) *selection {
	mirrors := v.Holdings().Mirrors
	n := &selection{basis: from, origin: noOrigin, redirects: mirrorCounters(h.Instance, mirrors)}
	if h.OriginMirror != nil {
		n.origin = len(mirrors)
		mirrors = append(slices.Clip(mirrors), h.OriginMirror.Mirror())
	}
	n.Set, n.load = redirector.Compile(mirrors, h.policyFor(v, from.rules)), h.load(mirrors)
	return n
}

// policyFor is the handler's policy.
func (h *Handler) policyFor(v *catalog.View, rules *geoip.Rules) redirector.Policy {
	p := h.Compile(v.Key())
	p.Edges = rules.Edges()
	p.MaxScanAge = h.rt.scanAge(v)
	return p
}

// scanAge is how old the last good scan of a mirror may be: as the configuration
// says, else the database, else 14 days.
func (in *instance) scanAge(v *catalog.View) time.Duration {
	if in.MaxScanAge > 0 {
		return time.Duration(in.MaxScanAge)
	}
	if d, err := caddy.ParseDuration(v.Setting(settingScanAge)); err == nil && d > 0 {
		return d
	}
	return mirror.DefaultMaxScanAge
}
