package mirrorbrain

import (
	"cmp"
	"fmt"
	"net/http"
	"net/netip"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/redirector"
)

// clientAddr is the client's address as Caddy knows it, which is to say with
// its trusted_proxies; the zero Addr if it is not on a network.
func clientAddr(vars map[string]any) netip.Addr {
	s, _ := vars[caddyhttp.ClientIPVarKey].(string)
	addr, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Addr{}
	}
	return addr.Unmap().WithZone("")
}

// secure reports whether the client asked over https, itself or, as a trusted
// proxy says, the proxy.
func secure(r *http.Request, vars map[string]any) bool {
	if r.TLS != nil {
		return true
	}
	if trusted, _ := vars[caddyhttp.TrustedProxyVarKey].(bool); !trusted {
		return false
	}
	proto := r.Header["X-Forwarded-Proto"]
	return len(proto) > 0 && strings.EqualFold(proto[len(proto)-1], "https")
}

// identify fills q with who asks and what they wish, and reports whether the
// client is a simulated one.
func (h *Handler) identify(q *redirector.Query, addr netip.Addr, w *redirector.Wishes) (simulated bool) {
	q.Avoid, q.AvoidCountries = w.Avoid, w.AvoidCountries
	if w.HTTPS != "" {
		q.TLS = w.HTTPS == "1"
	}
	if !w.Simulated() {
		q.Client = h.rt.locate(addr)
		return false
	}
	q.NoReserved = !h.mayDebug(addr)
	if w.IP.IsValid() {
		addr = w.IP
	}
	c := h.rt.locate(addr)
	if w.Country != "" {
		// Elsewhere means also: not in one's own network.
		c.Place = mirror.Place{Country: w.Country, Continent: h.rt.geoRules(h.rt.db.catalog.View()).Continent(w.Country)}
		c.ASN, c.Prefix = 0, netip.Prefix{}
		c.Addr = neutral(addr)
	}
	if w.ASN != 0 {
		c.ASN, c.Prefix = w.ASN, netip.Prefix{}
		c.Addr = neutral(addr)
	}
	q.Client = c
	return true
}

// neutral gives an address of the same family that is in nobody's network, so
// that the client is in no mirror's prefix but is not sent to a mirror it
// cannot reach. Those of different clients mostly differ: where a client stays
// with its mirror, not all that say they are elsewhere stay with the same.
func neutral(addr netip.Addr) netip.Addr {
	switch {
	case addr.Is4():
		a := addr.As4()
		a[0] = 0 // "this network" (RFC 791 section 3.2)
		return netip.AddrFrom4(a)
	case addr.Is6():
		a := addr.As16()
		a[0], a[1] = 0, 1 // 0000::/8 is reserved by the IETF (RFC 4291 section 2.4)
		return netip.AddrFrom16(a)
	}
	return addr
}

// isNeutral reports whether neutral made an address.
func isNeutral(addr netip.Addr) bool {
	a := addr.As16()
	return addr.Is4() && a[12] == 0 || addr.Is6() && a[0] == 0 && a[1] == 1
}

func (h *Handler) mayDebug(addr netip.Addr) bool {
	for _, p := range h.debugFrom {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// parseNetworks reads CIDRs and single addresses.
func parseNetworks(what string, list []string, repl *caddy.Replacer) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, s := range list {
		s = repl.ReplaceAll(s, "")
		if a, err := netip.ParseAddr(s); err == nil {
			a = a.Unmap().WithZone("")
			out = append(out, netip.PrefixFrom(a, a.BitLen()))
			continue
		}
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return nil, fmt.Errorf("%s: %q is not a network such as 192.0.2.0/24 or 2001:db8::/32", what, s)
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

// provisionRules compiles the exemptions.
func (h *Handler) provisionRules(repl *caddy.Replacer) error {
	networks, err := parseNetworks("exclude_network", h.ExcludeNetwork, repl)
	if err != nil {
		return err
	}
	if h.debugFrom, err = parseNetworks("debug_from", h.DebugFrom, repl); err != nil {
		return err
	}
	h.rules, err = redirector.CompileRules(redirector.RuleOptions{
		MinSize:    *h.MinSize,
		MIME:       h.ExcludeMIME,
		Agents:     h.ExcludeAgent,
		Networks:   networks,
		Paths:      h.ExcludePath,
		NoDefaults: !*h.ExcludeDefaults,
	})
	return err
}

// provisionTargets checks the servers that clients are sent to when no mirror
// will do.
func (h *Handler) provisionTargets(repl *caddy.Replacer) error {
	var err error
	if u := repl.ReplaceAll(h.OriginURL, ""); u != "" {
		if h.originURL, err = mirror.PublicURL(u); err != nil {
			return fmt.Errorf("origin_url: %w", err)
		}
	}
	var list []redirector.Fallback
	for _, f := range h.Fallbacks {
		list = append(list, redirector.Fallback{URL: repl.ReplaceAll(f.URL, ""), Continent: f.Continent, Country: f.Country})
	}
	h.fallbacks, err = redirector.NewFallbacks(list)
	return err
}

// provisionDocuments prepares what documents are made with, and what redirects
// share with them.
func (h *Handler) provisionDocuments(repl *caddy.Replacer) error {
	if err := h.provideDocuments(repl); err != nil {
		return err
	}
	h.torrents = (len(h.TorrentTrackers) > 0 || len(h.DHTNodes) > 0) && h.documents.Has(redirector.AsTorrent)
	var err error
	if h.outdated, err = compileAllowances("allow_outdated", h.AllowOutdated); err != nil {
		return err
	}
	if h.kept, err = compileAllowances("keep_removed", h.KeepRemoved); err != nil {
		return err
	}
	if err = h.provisionRepositories(); err != nil {
		return err
	}
	if h.StampKey == "" {
		return nil
	}
	key, err := repl.ReplaceOrErr(h.StampKey, true, true)
	if err == nil {
		h.stamp, err = compileStamp(key, h.StampAlgorithm)
	}
	if err != nil {
		return fmt.Errorf("stamp_key: %w", err)
	}
	return nil
}

func compileStamp(key, algorithm string) (*redirector.Stamp, error) {
	return redirector.NewStamp(cmp.Or(algorithm, redirector.StampMD5), key)
}
