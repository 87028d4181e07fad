package mirrorbrain

import (
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// documentOptions are the subdirectives about documents.
var documentOptions = map[string]func(*caddyfile.Dispenser, *Handler) error{
	"documents":           func(d *caddyfile.Dispenser, h *Handler) error { return list(d, &h.Documents) },
	"document_exemptions": func(d *caddyfile.Dispenser, h *Handler) error { return onOff(d, &h.DocumentExemptions) },
	"document_max_age":    func(d *caddyfile.Dispenser, h *Handler) error { return age(d, &h.DocumentMaxAge) },
	"hash_only":           func(d *caddyfile.Dispenser, h *Handler) error { return yes(d, &h.HashOnly) },
	"metalink_mirrors": func(d *caddyfile.Dispenser, h *Handler) error {
		h.MetalinkMirrors = new(int)
		return number(d, h.MetalinkMirrors)
	},
	"metalink_publisher": func(d *caddyfile.Dispenser, h *Handler) error {
		h.MetalinkPublisher = new(Publisher)
		if !d.AllArgs(&h.MetalinkPublisher.Name, &h.MetalinkPublisher.URL) {
			return d.ArgErr()
		}
		return nil
	},
	"metalink_torrent":    func(d *caddyfile.Dispenser, h *Handler) error { return list(d, &h.MetalinkTorrent) },
	"metalink_magnet":     func(d *caddyfile.Dispenser, h *Handler) error { return yes(d, &h.MetalinkMagnet) },
	"metalink_alternates": func(d *caddyfile.Dispenser, h *Handler) error { return age(d, &h.MetalinkAlternates) },
	"broken_mirrors":      func(d *caddyfile.Dispenser, h *Handler) error { return list(d, &h.BrokenMirrors) },
	"torrent_tracker":     func(d *caddyfile.Dispenser, h *Handler) error { return group(d, &h.TorrentTrackers) },
	"dht_node":            func(d *caddyfile.Dispenser, h *Handler) error { return list(d, &h.DHTNodes) },
	"folder_coverage":     func(d *caddyfile.Dispenser, h *Handler) error { return share(d, &h.FolderCoverage) },
	"yum_list":            func(d *caddyfile.Dispenser, h *Handler) error { return group(d, &h.YumLists) },
	"pages":               func(d *caddyfile.Dispenser, h *Handler) error { return parsePages(d, &h.Pages) },
	"mirrorlist_style":    func(d *caddyfile.Dispenser, h *Handler) error { return oneArg(d, &h.Pages.Style) },
	"mirrorlist_templates": func(d *caddyfile.Dispenser, h *Handler) error {
		return oneArg(d, &h.Pages.Templates)
	},
}

// parseAllowance reads a path and a duration.
func parseAllowance(d *caddyfile.Dispenser, to *[]Allowance) error {
	var a Allowance
	if d.CountRemainingArgs() != 2 {
		return d.ArgErr()
	}
	d.NextArg()
	a.Path = d.Val()
	err := duration(d, &a.For)
	*to = append(*to, a)
	return err
}

// parseRepository reads `repository PATH [marker NAME]...`.
func parseRepository(d *caddyfile.Dispenser, h *Handler) error {
	args := d.RemainingArgs()
	if len(args)%2 != 1 {
		return d.ArgErr()
	}
	r := Repository{Path: args[0]}
	for i := 1; i < len(args); i += 2 {
		if args[i] != "marker" {
			return d.Errf("'%s' is not marker", args[i])
		}
		r.Markers = append(r.Markers, args[i+1])
	}
	h.Repositories = append(h.Repositories, r)
	return nil
}

// parseStampKey reads `stamp_key KEY [md5|hmac-sha256]`.
func parseStampKey(d *caddyfile.Dispenser, h *Handler) error {
	args := d.RemainingArgs()
	if len(args) < 1 || len(args) > 2 {
		return d.ArgErr()
	}
	h.StampKey = args[0]
	if len(args) == 2 {
		h.StampAlgorithm = args[1]
	}
	return nil
}

// group reads the arguments of one line as one element.
func group(d *caddyfile.Dispenser, to *[][]string) error {
	var args []string
	err := list(d, &args)
	*to = append(*to, args)
	return err
}

// yes reads on or off where off is the default.
func yes(d *caddyfile.Dispenser, to *bool) error {
	var on *bool
	err := onOff(d, &on)
	*to = on != nil && *on
	return err
}

// share reads a percentage.
func share(d *caddyfile.Dispenser, to **float64) error {
	var per float64
	if d.CountRemainingArgs() == 1 {
		if d.NextArg(); !strings.HasSuffix(d.Val(), "%") {
			return d.Errf("'%s' is not a percentage such as 90%%", d.Val())
		}
		d.Prev()
	}
	err := float(d, "%", &per)
	per /= 100
	*to = &per
	return err
}
