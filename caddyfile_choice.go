package mirrorbrain

import (
	"strconv"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/redirector"
)

// choiceOptions are those about which mirror a client gets.
var choiceOptions = map[string]func(*caddyfile.Dispenser, *Handler) error{
	"policy":          func(d *caddyfile.Dispenser, h *Handler) error { return oneArg(d, &h.Policy) },
	"distance_factor": func(d *caddyfile.Dispenser, h *Handler) error { return float(d, "", &h.DistanceFactor) },
	"distance_slack": func(d *caddyfile.Dispenser, h *Handler) error {
		h.DistanceSlackKm = new(float64)
		return float(d, "km", h.DistanceSlackKm)
	},
	"spill":    func(d *caddyfile.Dispenser, h *Handler) error { return number(d, &h.Spill) },
	"affinity": parseAffinity,
	"sticky": func(d *caddyfile.Dispenser, h *Handler) error {
		err := choiceAge(d, &h.Sticky)
		h.Sticky = max(h.Sticky, 0) // off is what it is without the line
		return err
	},
	"share":         parseShare,
	"retry":         func(d *caddyfile.Dispenser, h *Handler) error { return choiceAge(d, &h.Retry) },
	"origin_mirror": parseOriginMirror,
	"duplicates": func(d *caddyfile.Dispenser, h *Handler) error {
		h.Duplicates = new(int)
		return number(d, h.Duplicates)
	},
	"network_headers": func(d *caddyfile.Dispenser, h *Handler) error { return onOff(d, &h.NetworkHeaders) },
}

// choiceAge is age for the type that Settings have.
func choiceAge(d *caddyfile.Dispenser, to *redirector.Duration) error {
	var t caddy.Duration
	err := age(d, &t)
	*to = redirector.Duration(t)
	return err
}

// parseAffinity reads `affinity [<copies>] { ... }`.
func parseAffinity(d *caddyfile.Dispenser, h *Handler) error {
	a := new(redirector.AffinitySettings)
	h.Affinity = a
	inLine := d.CountRemainingArgs() > 0
	if inLine {
		if err := number(d, &a.Copies); err != nil {
			return err
		}
		if a.Copies == 0 { // which would be the default
			return d.Errf("affinity: copies must be between 1 and %d, not 0", redirector.MaxCopies)
		}
	}
	return parseBlock(d, a, map[string]func(*caddyfile.Dispenser, *redirector.AffinitySettings) error{
		"copies": func(d *caddyfile.Dispenser, a *redirector.AffinitySettings) error {
			if inLine {
				return d.Err("copies is given twice")
			}
			if err := number(d, &a.Copies); err != nil {
				return err
			}
			if a.Copies == 0 {
				return d.Errf("affinity: copies must be between 1 and %d, not 0", redirector.MaxCopies)
			}
			return nil
		},
		"min_size":     func(d *caddyfile.Dispenser, a *redirector.AffinitySettings) error { return size(d, &a.MinSize) },
		"folder_below": func(d *caddyfile.Dispenser, a *redirector.AffinitySettings) error { return size(d, &a.FolderBelow) },
	}, nil)
}

// parseShare reads `share by requests|bytes`.
func parseShare(d *caddyfile.Dispenser, h *Handler) error {
	var by string
	if !d.AllArgs(&by, &h.ShareBy) || by != "by" {
		return d.Err("share: write 'share by requests' or 'share by bytes'")
	}
	return nil
}

// parseOriginMirror reads `origin_mirror <score> { ... }`.
func parseOriginMirror(d *caddyfile.Dispenser, h *Handler) error {
	o := new(redirector.OriginMirror)
	h.OriginMirror = o
	if err := number(d, &o.Score); err != nil {
		return err
	}
	return parseBlock(d, o, map[string]func(*caddyfile.Dispenser, *redirector.OriginMirror) error{
		"country":     func(d *caddyfile.Dispenser, o *redirector.OriginMirror) error { return oneArg(d, &o.Country) },
		"continent":   func(d *caddyfile.Dispenser, o *redirector.OriginMirror) error { return oneArg(d, &o.Continent) },
		"coordinates": parseCoordinates,
		"asn":         parseASNs,
	}, nil)
}

func parseCoordinates(d *caddyfile.Dispenser, o *redirector.OriginMirror) error {
	args := d.RemainingArgs()
	if len(args) != 2 {
		return d.Err("coordinates: latitude and longitude in degrees, such as 52.5 13.4")
	}
	for i, to := range [...]**float64{&o.Lat, &o.Lng} {
		f, err := strconv.ParseFloat(args[i], 64)
		if err != nil {
			return d.Errf("coordinates: '%s' is not a number of degrees such as 52.5", args[i])
		}
		*to = &f
	}
	return nil
}

func parseASNs(d *caddyfile.Dispenser, o *redirector.OriginMirror) error {
	args := d.RemainingArgs()
	if len(args) == 0 {
		return d.ArgErr()
	}
	for _, arg := range args {
		n, err := strconv.ParseUint(arg, 10, 32)
		if err != nil || n == 0 {
			return d.Errf("asn: '%s' is not the number of an autonomous system such as 64500", arg)
		}
		o.ASNs = append(o.ASNs, uint32(n))
	}
	return nil
}
