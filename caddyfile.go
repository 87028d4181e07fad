package mirrorbrain

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func init() {
	httpcaddyfile.RegisterGlobalOption("mirrorbrain", parseApp)
	httpcaddyfile.RegisterHandlerDirective("mirrorbrain", parseHandler)
	httpcaddyfile.RegisterDirectiveOrder("mirrorbrain_hooks", httpcaddyfile.Before, "file_server") // before mirrorbrain, too
	httpcaddyfile.RegisterDirectiveOrder("mirrorbrain_status", httpcaddyfile.Before, "file_server")
	httpcaddyfile.RegisterDirectiveOrder("mirrorbrain", httpcaddyfile.Before, "file_server")
	httpcaddyfile.RegisterDirectiveOrder("mirrorbrain_autoindex", httpcaddyfile.Before, "file_server") // behind mirrorbrain
}

// parseApp adds one global block to the blocks before it.
func parseApp(d *caddyfile.Dispenser, existing any) (any, error) {
	app := new(App)
	if before, ok := existing.(httpcaddyfile.App); ok {
		if err := json.Unmarshal(before.Value, app); err != nil {
			return nil, err
		}
	}
	if err := app.UnmarshalCaddyfile(d); err != nil {
		return nil, err
	}
	return httpcaddyfile.App{Name: "mirrorbrain", Value: caddyconfig.JSON(app, nil)}, nil
}

func parseHandler(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	m := new(Handler)
	err := m.UnmarshalCaddyfile(h.Dispenser)
	return m, err
}

// UnmarshalCaddyfile sets up one instance of the app. Syntax:
//
//	mirrorbrain [<instance>] {
//	    database         <url>
//	    max_connections  <n>
//	    geoip            <file.mmdb>
//	    geoip_asn        <file.mmdb>
//	    geo_override     <cidr> <country>|unknown [<lat> <lng>] [as <n>]
//	    max_scan_age     <duration>
//	    node             <name>
//	}
func (a *App) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the option's name
	name := defaultInstance
	if d.NextArg() {
		name = d.Val()
	}
	if d.NextArg() {
		return d.ArgErr()
	}
	if a.Instances[name] != nil {
		return d.Errf("instance %s is configured twice", name)
	}
	in := new(Instance)
	if a.Instances == nil {
		a.Instances = map[string]*Instance{}
	}
	a.Instances[name] = in
	return parseBlock(d, in, appOptions, []string{"geo_override"})
}

var appOptions = map[string]func(*caddyfile.Dispenser, *Instance) error{
	"database":        func(d *caddyfile.Dispenser, in *Instance) error { return oneArg(d, &in.Database) },
	"geoip":           func(d *caddyfile.Dispenser, in *Instance) error { return oneArg(d, &in.GeoIP) },
	"pages":           func(d *caddyfile.Dispenser, in *Instance) error { return parsePages(d, &in.Pages) },
	"geoip_asn":       func(d *caddyfile.Dispenser, in *Instance) error { return oneArg(d, &in.GeoIPASN) },
	"geo_override":    parseGeoOverride,
	"max_scan_age":    func(d *caddyfile.Dispenser, in *Instance) error { return duration(d, &in.MaxScanAge) },
	"max_connections": func(d *caddyfile.Dispenser, in *Instance) error { return number(d, &in.MaxConnections) },
	"node":            func(d *caddyfile.Dispenser, in *Instance) error { return oneArg(d, &in.Node) },
}

// UnmarshalCaddyfile sets up the handler. Syntax:
//
//	mirrorbrain [<matcher>] [<instance>] {
//	    root             <path> | off
//	    origin_url       <url>
//	    min_size         <size>
//	    exclude_mime     <globs...>
//	    exclude_agent    <globs...>
//	    exclude_network  <cidrs...>
//	    exclude_path     <globs...>
//	    exclude_defaults on | off
//	    head             redirect | local
//	    no_mirror        local | fallback | 404 | 503
//	    local_max_size   <size>
//	    not_ready        local | fallback | 503
//	    closed           hide | pass
//	    check_file       <age> | off
//	    https_upgrade    allow | never
//	    fallback         <url> {
//	        continent    <code>
//	        country      <code>
//	    }
//	    debug_from       <cidrs...>
//	    health           <path>
//	    status           <path> { as mirrorbrain_status, without path }
//	    policy           tiers | distance
//	    distance_factor  <factor>
//	    distance_slack   <kilometres>
//	    spill            <n>
//	    affinity         [<copies>] {
//	        copies       <n>
//	        min_size     <size>
//	        folder_below <size>
//	    }
//	    sticky           <duration> | off
//	    share            by requests | bytes
//	    retry            <duration> | off
//	    origin_mirror    <score> {
//	        country      <code>
//	        continent    <code>
//	        coordinates  <latitude> <longitude>
//	        asn          <numbers...>
//	    }
//	    duplicates       <n>
//	    network_headers  on | off
//	    cache_control    <value>
//	    allow_outdated   <path> <duration>
//	    keep_removed     <path> <duration>
//	    repository       <path> [marker <name>]...
//	    stamp_key        <key> [md5 | hmac-sha256]
//	    bring_scans_forward on | off
//
//	    documents            <kinds...> | off
//	    document_exemptions  on | off
//	    document_max_age     <age> | off
//	    hash_only            on | off
//	    metalink_mirrors     <n>
//	    metalink_publisher   <name> <url>
//	    metalink_torrent     on | <folders and globs...>
//	    metalink_magnet      on | off
//	    metalink_alternates  <age> | off
//	    broken_mirrors       <urls...>
//	    torrent_tracker      <urls of a tier...>
//	    dht_node             <host:port...>
//	    folder_coverage      <percentage>
//	    yum_list             <name=regular expression...> <folder> <file>
//	    pages {
//	        name <text>
//	        home <url>
//	        logo <url>
//	        style <url>
//	        templates <folder>
//	        languages <tags...>
//	    }
//	    mirrorlist_style     <url>
//	    mirrorlist_templates <file>
//	}
//
// The subdirectives that take several values, fallback, and those for a path
// may be repeated.
func (h *Handler) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the directive's name
	if d.NextArg() {
		h.Instance = d.Val()
	}
	if d.NextArg() {
		return d.ArgErr()
	}
	return parseBlock(d, h, handlerOptions, []string{
		"exclude_mime", "exclude_agent", "exclude_network", "exclude_path", "fallback", "torrent_tracker", "dht_node", "debug_from",
		"allow_outdated", "keep_removed", "repository", "yum_list", "broken_mirrors", "metalink_torrent",
	})
}

var handlerOptions = func() map[string]func(*caddyfile.Dispenser, *Handler) error {
	all := maps.Clone(siteOptions)
	maps.Copy(all, choiceOptions)
	maps.Copy(all, documentOptions)
	return all
}()

// siteOptions are those about the site as a whole.
var siteOptions = map[string]func(*caddyfile.Dispenser, *Handler) error{
	"root":             func(d *caddyfile.Dispenser, h *Handler) error { return rootArg(d, &h.Root) },
	"origin_url":       func(d *caddyfile.Dispenser, h *Handler) error { return oneArg(d, &h.OriginURL) },
	"min_size":         func(d *caddyfile.Dispenser, h *Handler) error { h.MinSize = new(int64); return size(d, h.MinSize) },
	"exclude_mime":     func(d *caddyfile.Dispenser, h *Handler) error { return list(d, &h.ExcludeMIME) },
	"exclude_agent":    func(d *caddyfile.Dispenser, h *Handler) error { return list(d, &h.ExcludeAgent) },
	"exclude_network":  func(d *caddyfile.Dispenser, h *Handler) error { return list(d, &h.ExcludeNetwork) },
	"exclude_path":     func(d *caddyfile.Dispenser, h *Handler) error { return list(d, &h.ExcludePath) },
	"exclude_defaults": func(d *caddyfile.Dispenser, h *Handler) error { return onOff(d, &h.ExcludeDefaults) },
	"head":             func(d *caddyfile.Dispenser, h *Handler) error { return oneArg(d, &h.Head) },
	"no_mirror":        func(d *caddyfile.Dispenser, h *Handler) error { return oneArg(d, &h.NoMirror) },
	"local_max_size":   func(d *caddyfile.Dispenser, h *Handler) error { return size(d, &h.LocalMaxSize) },
	"not_ready":        func(d *caddyfile.Dispenser, h *Handler) error { return oneArg(d, &h.NotReady) },
	"closed":           func(d *caddyfile.Dispenser, h *Handler) error { return oneArg(d, &h.Closed) },
	"check_file":       func(d *caddyfile.Dispenser, h *Handler) error { return age(d, &h.CheckFile) },
	"https_upgrade":    func(d *caddyfile.Dispenser, h *Handler) error { return oneArg(d, &h.HTTPSUpgrade) },
	"fallback":         parseFallback,
	"debug_from":       func(d *caddyfile.Dispenser, h *Handler) error { return list(d, &h.DebugFrom) },
	"status":           parseStatusPath,
	"health":           func(d *caddyfile.Dispenser, h *Handler) error { return oneArg(d, &h.Health) },
	"bring_scans_forward": func(d *caddyfile.Dispenser, h *Handler) error {
		return onOff(d, &h.BringScansForward)
	},
	"cache_control":  func(d *caddyfile.Dispenser, h *Handler) error { return oneArg(d, &h.CacheControl) },
	"allow_outdated": func(d *caddyfile.Dispenser, h *Handler) error { return parseAllowance(d, &h.AllowOutdated) },
	"keep_removed":   func(d *caddyfile.Dispenser, h *Handler) error { return parseAllowance(d, &h.KeepRemoved) },
	"repository":     parseRepository,
	"stamp_key":      parseStampKey,
}

func parseFallback(d *caddyfile.Dispenser, h *Handler) error {
	var f Fallback
	if err := oneArg(d, &f.URL); err != nil {
		return err
	}
	err := parseBlock(d, &f, map[string]func(*caddyfile.Dispenser, *Fallback) error{
		"continent": func(d *caddyfile.Dispenser, f *Fallback) error { return oneArg(d, &f.Continent) },
		"country":   func(d *caddyfile.Dispenser, f *Fallback) error { return oneArg(d, &f.Country) },
	}, nil)
	h.Fallbacks = append(h.Fallbacks, f)
	return err
}

// parseBlock reads the block at d into t. Options not in repeatable may be
// given once.
func parseBlock[T any](d *caddyfile.Dispenser, t *T, options map[string]func(*caddyfile.Dispenser, *T) error, repeatable []string) error {
	seen := map[string]bool{}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		name := d.Val()
		parse := options[name]
		switch {
		case parse == nil:
			return d.Errf("unrecognized subdirective '%s'", name)
		case seen[name] && !slices.Contains(repeatable, name):
			return d.Errf("%s is given twice", name)
		}
		seen[name] = true
		if err := parse(d, t); err != nil {
			return err
		}
	}
	return nil
}

// oneArg reads exactly one argument.
func oneArg(d *caddyfile.Dispenser, to *string) error {
	if !d.AllArgs(to) {
		return d.ArgErr()
	}
	return nil
}

// rootArg reads a root; an empty one is no root.
func rootArg(d *caddyfile.Dispenser, to *string) error {
	if err := oneArg(d, to); err != nil {
		return err
	}
	if *to == "" {
		*to = "off"
	}
	return nil
}

// list appends one or more arguments.
func list(d *caddyfile.Dispenser, to *[]string) error {
	args := d.RemainingArgs()
	if len(args) == 0 {
		return d.ArgErr()
	}
	*to = append(*to, args...)
	return nil
}

func onOff(d *caddyfile.Dispenser, to **bool) error {
	var s string
	if err := oneArg(d, &s); err != nil {
		return err
	}
	if s != "on" && s != "off" {
		return d.Errf("'%s' is neither on nor off", s)
	}
	on := s == "on"
	*to = &on
	return nil
}

// size reads a number of bytes, with or without a unit.
func size(d *caddyfile.Dispenser, to *int64) error {
	var s string
	if err := oneArg(d, &s); err != nil {
		return err
	}
	n, err := humanize.ParseBytes(s)
	if err != nil || n > math.MaxInt64 {
		return d.Errf("'%s' is not a size such as 4096, 4KiB or 20MB", s)
	}
	*to = int64(n)
	return nil
}

func duration(d *caddyfile.Dispenser, to *caddy.Duration) error {
	var s string
	if err := oneArg(d, &s); err != nil {
		return err
	}
	t, err := caddy.ParseDuration(s)
	if err != nil || t <= 0 {
		return d.Errf("'%s' is not a positive duration such as 90s or 14d", s)
	}
	*to = caddy.Duration(t)
	return nil
}

// age reads a duration or off, which is -1.
func age(d *caddyfile.Dispenser, to *caddy.Duration) error {
	if d.CountRemainingArgs() == 1 {
		if d.NextArg(); d.Val() == "off" {
			*to = -1
			return nil
		}
		d.Prev()
	}
	return duration(d, to)
}

func number(d *caddyfile.Dispenser, to *int) error {
	var s string
	if err := oneArg(d, &s); err != nil {
		return err
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return d.Errf("'%s' is not a whole number", s)
	}
	*to = n
	return nil
}

// float reads a number that may carry a unit.
func float(d *caddyfile.Dispenser, unit string, to *float64) error {
	var s string
	if err := oneArg(d, &s); err != nil {
		return err
	}
	f, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(s, unit)), 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		return d.Errf("'%s' is not a number", s)
	}
	*to = f
	return nil
}
