package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/geoip"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/redirector"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// nodeSite is how a site of a node chooses mirrors, as the node told the
// database; or the defaults, where none did.
type nodeSite struct {
	Node string    // "" no node has reported itself
	Seen time.Time // when it last did

	GeoIP      string              // file on that host
	GeoIPASN   string              // likewise
	MaxScanAge redirector.Duration // 0: as the database says

	GeoOverrides []geoip.Override // of its configuration
	siteSettings
}

// siteSettings are those of a site's settings that decide about redirects. The
// keys are those of the handler's JSON.
type siteSettings struct {
	redirector.Settings

	MinSize         *int64   `json:"min_size"`
	ExcludeMIME     []string `json:"exclude_mime"`
	ExcludeAgent    []string `json:"exclude_agent"`
	ExcludeNetwork  []string `json:"exclude_network"`
	ExcludePath     []string `json:"exclude_path"`
	ExcludeDefaults *bool    `json:"exclude_defaults"`
	Head            string   `json:"head"`
	NoMirror        string   `json:"no_mirror"`
	LocalMaxSize    int64    `json:"local_max_size"`
	Root            string   `json:"root"` // off: there is none; may have placeholders
	OriginURL       string   `json:"origin_url"`
	HTTPSUpgrade    string   `json:"https_upgrade"`
	Fallbacks       []struct {
		URL       string `json:"url"`
		Continent string `json:"continent"`
		Country   string `json:"country"`
	} `json:"fallbacks"`
	AllowOutdated []pathSetting `json:"allow_outdated"`
	Repositories  []pathSetting `json:"repositories"`
}

// pathSetting is a setting for some paths, as far as it is looked at here.
type pathSetting struct {
	Path string `json:"path"`
}

// nodeSite gives the site-th site (from 1) of a node of that name; of the one
// that was seen last where name is "". Without any node it gives the defaults.
func (a *app) nodeSite(ctx context.Context, name string, site int) (*nodeSite, error) {
	db, err := a.store(ctx)
	if err != nil {
		return nil, err
	}
	nodes, err := db.Nodes(ctx)
	if err != nil {
		return nil, err
	}
	return pickNodeSite(nodes, name, site)
}

func pickNodeSite(nodes []store.Node, name string, site int) (*nodeSite, error) {
	var best *store.Node
	var names []string
	for i := range nodes {
		n := &nodes[i]
		names = append(names, n.Name)
		if (name == "" || n.Name == name) && (best == nil || n.Seen.After(best.Seen)) {
			best = n
		}
	}
	out := new(nodeSite)
	switch {
	case best == nil && name != "":
		return nil, fmt.Errorf("no node %q has reported itself; there are: %s", name, strings.Join(names, ", "))
	case best != nil:
		out.Node, out.Seen = best.Name, best.Seen
		var said struct {
			GeoIP      string              `json:"geoip"`
			GeoIPASN   string              `json:"geoip_asn"`
			Overrides  []geoip.Override    `json:"geo_overrides"`
			MaxScanAge redirector.Duration `json:"max_scan_age"`
			Sites      []siteSettings      `json:"sites"`
		}
		if err := json.Unmarshal([]byte(best.Settings), &said); err != nil {
			return nil, fmt.Errorf("the settings of node %s: %w", best.Name, err)
		}
		out.GeoOverrides = said.Overrides
		out.GeoIP, out.GeoIPASN, out.MaxScanAge = said.GeoIP, said.GeoIPASN, said.MaxScanAge
		switch {
		case len(said.Sites) > 0 && (site < 1 || site > len(said.Sites)):
			return nil, usagef("node %s has %s: there is no %d", best.Name, plural(len(said.Sites), "site"), site)
		case len(said.Sites) > 0:
			out.siteSettings = said.Sites[site-1]
		}
	}
	out.SetDefaults()
	return out, nil
}

// defaultMinSize is the handler's.
const defaultMinSize = 4096

// rules are the site's exemptions. unknown are networks of which only the node
// knows what they stand for: they have placeholders.
func (s *nodeSite) rules() (o redirector.RuleOptions, unknown []string) {
	o = redirector.RuleOptions{
		MinSize: defaultMinSize, MIME: s.ExcludeMIME, Agents: s.ExcludeAgent, Paths: s.ExcludePath,
		NoDefaults: s.ExcludeDefaults != nil && !*s.ExcludeDefaults,
	}
	if s.MinSize != nil {
		o.MinSize = *s.MinSize
	}
	for _, text := range s.ExcludeNetwork {
		p, err := netip.ParsePrefix(text)
		if addr, notAddr := netip.ParseAddr(text); notAddr == nil {
			p, err = netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen()), nil
		}
		if err != nil {
			unknown = append(unknown, text)
			continue
		}
		o.Networks = append(o.Networks, p)
	}
	return o, unknown
}

func (s *nodeSite) fallbacks() (list []redirector.Fallback) {
	for _, f := range s.Fallbacks {
		list = append(list, redirector.Fallback{URL: f.URL, Continent: f.Continent, Country: f.Country})
	}
	return list
}

// nodeScanAge is the age of the last good scan that takes a mirror out on a node:
// its configuration wins over the database's setting, and that over the default.
func (a *app) nodeScanAge(ctx context.Context, site *nodeSite) (time.Duration, error) {
	if site.MaxScanAge > 0 {
		return time.Duration(site.MaxScanAge), nil
	}
	d, err := a.settingDuration(ctx, "max_scan_age")
	if err == nil && d == 0 {
		d = a.maxScanAge()
	}
	return d, err
}
