package mirrorbrain

import (
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

	version   uint64 // of the World
	setting   string // max_scan_age as the database has it
	rules     *geoip.Rules
	redirects []prometheus.Counter
}

// selection gives the mirrors of a view.
func (h *Handler) selection(v *catalog.View) *selection {
	world, setting, rules := v.Holdings(), v.Setting(settingScanAge), h.rt.geoRules(v)
	s := h.selector.now.Load()
	if s.of(world.Version, setting, rules) {
		return s
	}
	h.selector.mu.Lock()
	defer h.selector.mu.Unlock()
	s = h.selector.now.Load()
	if s.of(world.Version, setting, rules) {
		return s
	}
	n := &selection{
		Set:       redirector.Compile(world.Mirrors, h.policyFor(v, rules)),
		version:   world.Version,
		setting:   setting,
		rules:     rules,
		redirects: mirrorCounters(h.Instance, world.Mirrors),
	}
	// A request that still holds an older view must not replace the newer one.
	if s == nil || s.version <= n.version {
		h.selector.now.Store(n)
	}
	return n
}

// of reports whether s is what these make; nil is not.
func (s *selection) of(version uint64, setting string, rules *geoip.Rules) bool {
	return s != nil && s.version == version && s.setting == setting && s.rules == rules
}

// policyFor is the handler's policy: what the configuration says wins over the
// database's setting, and that over the default.
func (h *Handler) policyFor(v *catalog.View, rules *geoip.Rules) redirector.Policy {
	p := h.Compile(v.Key())
	p.Edges = rules.Edges()
	p.MaxScanAge = mirror.DefaultMaxScanAge
	if h.rt.MaxScanAge > 0 {
		p.MaxScanAge = time.Duration(h.rt.MaxScanAge)
	} else if d, err := caddy.ParseDuration(v.Setting(settingScanAge)); err == nil && d > 0 {
		p.MaxScanAge = d
	}
	return p
}
