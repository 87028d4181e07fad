package redirector

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/gaissmai/bart"
)

// The reasons for which a request is not redirected, as [Rules.Exempt] gives
// them. They are stable: logs and scripts may rely on them.
const (
	ExemptMinSize    = "min_size"         // smaller than the minimum size
	ExemptNetwork    = "exclude_network"  // the client's network
	ExemptAgent      = "exclude_agent"    // the client's User-Agent
	ExemptPath       = "exclude_path"     // the path
	ExemptMIME       = "exclude_mime"     // the MIME type
	ExemptSignature  = "signature"        // a default: signature or key
	ExemptChecksums  = "checksums"        // a default: list of checksums
	ExemptRepository = "repository_index" // a default: index of a package repository
)

// agentLimit is how many bytes of a User-Agent are looked at: it comes from
// the client, and what tells agents apart stands within it.
const agentLimit = 1024

// RuleOptions say which requests are not redirected. The zero value exempts
// the defaults (trust anchors) only.
type RuleOptions struct {
	MinSize    int64 // smaller files are exempt; bytes, 0: none
	MIME       []string
	Agents     []string
	Networks   []netip.Prefix
	Paths      []string
	NoDefaults bool // redirect trust anchors too
}

// Rules are compiled RuleOptions. They do not change and may be used by any
// number of goroutines.
type Rules struct {
	minSize  int64
	mime     []glob
	agents   []glob
	networks *bart.Lite // nil: none
	paths    []pathGlob
	defaults bool
}

// CompileRules checks and compiles o. MIME and agent patterns match the whole
// value without regard to case, and their '*' any bytes; for path patterns see
// docs/choice.md.
func CompileRules(o RuleOptions) (*Rules, error) {
	r := &Rules{minSize: o.MinSize, defaults: !o.NoDefaults}
	for _, list := range []struct {
		what string
		from []string
		to   *[]glob
	}{{"MIME type", o.MIME, &r.mime}, {"user agent", o.Agents, &r.agents}} {
		for _, p := range list.from {
			g, err := compileGlob(p, true)
			if err != nil {
				return nil, fmt.Errorf("%s to exclude: %w", list.what, err)
			}
			*list.to = append(*list.to, g)
		}
	}
	for _, p := range o.Paths {
		g, err := compilePathGlob(p)
		if err != nil {
			return nil, fmt.Errorf("path to exclude: %w", err)
		}
		r.paths = append(r.paths, g)
	}
	for _, p := range o.Networks {
		if p = plainPrefix(p); !p.IsValid() {
			return nil, fmt.Errorf("network to exclude: %q is not a network", p)
		}
		if r.networks == nil {
			r.networks = new(bart.Lite)
		}
		r.networks.Insert(p)
	}
	return r, nil
}

// Exempt says why a request is not to be redirected, in one of the words
// above, or "" if it is. path is the file's path in the tree; mime finds its
// MIME type and is called only when a rule needs it (nil: unknown, matches no
// rule). A nil Rules exempts nothing.
func (r *Rules) Exempt(path string, size int64, mime func() string, agent string, addr netip.Addr) string {
	if r == nil {
		return ""
	}
	base := path[strings.LastIndexByte(path, '/')+1:]
	switch {
	case size < r.minSize:
		return ExemptMinSize
	case r.networks != nil && r.networks.Contains(addr.Unmap()):
		return ExemptNetwork
	}
	if r.defaults {
		if why := trustAnchor(path, base); why != "" {
			return why
		}
	}
	for i := range r.paths {
		if r.paths[i].match(path, base) {
			return ExemptPath
		}
	}
	if len(r.agents) > 0 && matchAny(r.agents, agent[:min(len(agent), agentLimit)]) {
		return ExemptAgent
	}
	if len(r.mime) > 0 && mime != nil {
		kind, _, _ := strings.Cut(mime(), ";")
		if kind = strings.TrimSpace(kind); kind != "" && matchAny(r.mime, kind) {
			return ExemptMIME
		}
	}
	return ""
}

func matchAny(globs []glob, s string) bool {
	for _, g := range globs {
		if g.match(s, true) {
			return true
		}
	}
	return false
}
