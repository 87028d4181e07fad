package mirrorbrain

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/catalog"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/geoip"
)

// geoRules keeps the rules about places compiled: those of the database, under
// the overrides of the configuration. Requests look at a pointer and a revision.
type geoRules struct {
	mu  sync.Mutex
	now atomic.Pointer[compiledRules]
}

// compiledRules are the last rules that could be read.
type compiledRules struct {
	head  catalog.Head // of the database when it was looked at
	text  string       // as the database had it then, readable or not
	rules *geoip.Rules
}

// geoRules gives the rules as of a view. While they are being read, which takes
// part of a second where there are very many, other requests get those before.
func (in *instance) geoRules(v *catalog.View) *geoip.Rules {
	head := v.Head()
	c := in.rules.now.Load()
	if c != nil && c.head == head {
		return c.rules
	}
	if !in.rules.mu.TryLock() {
		if c != nil {
			return c.rules
		}
		in.rules.mu.Lock()
	}
	defer in.rules.mu.Unlock()
	c = in.rules.now.Load()
	// A request that still holds an older view must not bring its rules back.
	if c != nil && (c.head == head || v != in.db.catalog.View()) {
		return c.rules
	}
	n := in.compileRules(c, v.Setting(geoip.RulesSetting))
	n.head = head
	in.rules.now.Store(n)
	return n.rules
}

// compileRules reads the rules if they are others than before. Those that cannot
// be read change nothing, and are told about once: text is kept all the same.
func (in *instance) compileRules(before *compiledRules, text string) *compiledRules {
	n := &compiledRules{text: text}
	if before != nil && before.text == text {
		n.rules = before.rules
		return n
	}
	rules, err := in.readRules(text)
	if err == nil {
		n.rules = rules
		return n
	}
	logs.logger().Error("the rules about places in the database cannot be read; the last good ones stay",
		"instance", in.name, "err", err)
	if before != nil {
		n.rules = before.rules
	} else {
		n.rules, _ = (*geoip.Rules)(nil).With(in.GeoOverrides) // checked when it was loaded
	}
	return n
}

func (in *instance) readRules(text string) (rules *geoip.Rules, err error) {
	if strings.TrimSpace(text) != "" {
		if rules, err = geoip.ParseRules(text); err != nil {
			return nil, err
		}
	}
	return rules.With(in.GeoOverrides)
}

// provisionOverrides checks the configuration's overrides.
func (in *instance) provisionOverrides(repl *caddy.Replacer) error {
	list := make([]geoip.Override, len(in.GeoOverrides))
	for i, o := range in.GeoOverrides {
		o.Network = repl.ReplaceAll(o.Network, "")
		list[i] = o
	}
	in.GeoOverrides = list
	if _, err := in.readRules(""); err != nil {
		return fmt.Errorf("geo_override: %w", err)
	}
	return nil
}

// parseGeoOverride reads
//
//	geo_override <cidr> <country>|unknown [<lat> <lng>] [as <n>]
func parseGeoOverride(d *caddyfile.Dispenser, in *Instance) error {
	args := d.RemainingArgs()
	if len(args) < 2 {
		return d.ArgErr()
	}
	o := geoip.Override{Network: args[0]}
	if args[1] == "unknown" {
		o.Unknown = true
	} else {
		o.Country = args[1]
	}
	args = args[2:]
	if len(args) >= 2 && args[0] != "as" {
		lat, err := strconv.ParseFloat(args[0], 64)
		if err != nil {
			return d.Errf("'%s' is not a latitude in degrees", args[0])
		}
		lng, err := strconv.ParseFloat(args[1], 64)
		if err != nil {
			return d.Errf("'%s' is not a longitude in degrees", args[1])
		}
		o.Lat, o.Lng, args = &lat, &lng, args[2:]
	}
	if len(args) == 2 && args[0] == "as" {
		n, err := strconv.ParseUint(args[1], 10, 32)
		if err != nil {
			return d.Errf("'%s' is not an AS number", args[1])
		}
		as := uint32(n)
		o.ASN, args = &as, nil
	}
	if len(args) > 0 {
		return d.ArgErr()
	}
	in.GeoOverrides = append(in.GeoOverrides, o)
	return nil
}
