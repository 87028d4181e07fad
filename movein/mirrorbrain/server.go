package mirrorbrain

import (
	"context"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"go4.org/netipx"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/movein"
)

var serverColumns = []string{
	"id", "identifier", "baseurl", "baseurl_ftp", "baseurl_rsync", "enabled", "region", "country", "asn", "prefix",
	"ipv6_only", "score", "comment", "operator_name", "operator_url", "public_notes", "admin", "admin_email", "lat", "lng",
	"country_only", "region_only", "as_only", "prefix_only", "other_countries", "file_maxsize",
}

// Inventory reads the mirrors and markers.
func (d *Database) Inventory(ctx context.Context) (*movein.Inventory, error) {
	inv := &movein.Inventory{System: "mirrorbrain", Law: Law{}}
	var err error
	if inv.Title, err = d.title(ctx); err != nil {
		return nil, err
	}
	servers, err := d.table(ctx, "server", serverColumns...)
	if err != nil {
		return nil, err
	}
	networks, err := d.networks(ctx)
	if err != nil {
		return nil, err
	}
	var names movein.Names
	for _, s := range servers {
		inv.Records = append(inv.Records, record(s, networks[s.get("id")], &names))
	}
	if err := d.markers(ctx, inv); err != nil {
		return nil, err
	}
	for _, table := range []string{"server_files", "mirrors", "filearr"} {
		if len(d.columns[table]) > 0 {
			inv.Left = append(inv.Left, "who has which file: that is only ever found by scanning (mbctl scan --all)")
			break
		}
	}
	if len(d.columns["pfx2asn"]) > 0 {
		inv.Left = append(inv.Left, "the table of announced prefixes: see mbctl asn import")
	}
	return inv, nil
}

func (d *Database) title(ctx context.Context) (string, error) {
	list, err := d.table(ctx, "version", "component", "major", "minor", "patchlevel")
	if err != nil {
		return "", err
	}
	for _, r := range list {
		if r.get("component") == "mirrorbrain" {
			return movein.Text(fmt.Sprintf("MirrorBrain %s.%s.%s", r.get("major"), r.get("minor"), r.get("patchlevel"))), nil
		}
	}
	return "MirrorBrain", nil
}

// network is a row of openSUSE's serverpfx.
type network struct{ prefix, asn string }

func (d *Database) networks(ctx context.Context) (map[string][]network, error) {
	list, err := d.table(ctx, "serverpfx", "serverid", "prefix", "asn")
	if err != nil {
		return nil, err
	}
	of := map[string][]network{}
	for _, r := range list {
		id := r.get("serverid")
		of[id] = append(of[id], network{r.get("prefix"), r.get("asn")})
	}
	return of, nil
}

// maxMarkerName is the longest name of a marker in bytes.
const maxMarkerName = 64

func (d *Database) markers(ctx context.Context, inv *movein.Inventory) error {
	list, err := d.table(ctx, "marker", "id", "subtree_name", "markers")
	if err != nil {
		return err
	}
	for _, r := range list {
		m := movein.Marker{Name: movein.Text(r.get("subtree_name"))}
		for path := range strings.FieldsSeq(movein.Text(r.get("markers"))) {
			if strings.Trim(strings.TrimPrefix(path, "!"), "/") != "" {
				m.Paths = append(m.Paths, path)
			}
		}
		if m.Name == "" || len(m.Name) > maxMarkerName || len(m.Paths) == 0 {
			inv.Left = append(inv.Left, fmt.Sprintf("marker %q: has no name, one longer than %d bytes, or no paths", m.Name, maxMarkerName))
			continue
		}
		inv.Markers = append(inv.Markers, m)
	}
	return nil
}

// record turns a row of server into a mirror.
func record(s row, networks []network, names *movein.Names) movein.Record {
	r := movein.Record{Name: s.get("identifier"), Enabled: s.truth("enabled")}
	m := &r.Mirror
	m.Name = names.Name(r.Name)
	if m.Name != r.Name {
		r.Note("the name %q cannot be one here", r.Name)
	}
	urls(s, &r)
	place(s, &r)
	networks = append([]network{{s.get("prefix"), s.get("asn")}}, networks...)
	for _, n := range networks {
		n.add(&r)
	}
	if s.truth("ipv6_only") {
		m.Families = mirror.IPv6
	}
	m.RegionOnly, m.CountryOnly, m.ASOnly, m.PrefixOnly = s.truth("region_only"), s.truth("country_only"), s.truth("as_only"), s.truth("prefix_only")
	var odd []string
	if m.OtherCountries, odd = movein.Countries(s.get("other_countries")); len(odd) > 0 {
		r.Leave("other_countries: %q", strings.Join(odd, " "))
	}
	numbers(s, &r)
	m.OperatorName, m.Admin, m.AdminEmail = movein.Text(s.get("operator_name")), movein.Text(s.get("admin")), movein.Text(s.get("admin_email"))
	r.Operator(s.get("operator_url"))
	m.PublicNotes, m.Comment = movein.Text(s.get("public_notes")), movein.Lines(s.get("comment"))
	return r
}

func urls(s row, r *movein.Record) {
	base := s.get("baseurl")
	r.Mirror.Rsync = r.Scannable("rsync", s.get("baseurl_rsync"), "rsync")
	ftp := s.get("baseurl_ftp")
	if strings.HasPrefix(base, "ftp://") && ftp == "" {
		ftp = base
	}
	r.Mirror.FTP = r.Scannable("FTP", ftp, "ftp", "ftps")
	r.Public(base)
}

// wildcard is the country of mirrors that are counted as of every country.
const wildcard = "**"

func place(s row, r *movein.Record) {
	m := &r.Mirror
	region, country := strings.TrimSpace(s.get("region")), strings.TrimSpace(s.get("country"))
	if country == wildcard {
		r.Wildcard = true
		base := "<url>"
		if len(m.HTTP) > 0 {
			base = m.HTTP[0]
		}
		r.Leave("its country \"**\": it was counted as of every country there, beside the mirrors of the client's own. "+
			"Here it has no country and serves clients for whom nothing nearer is left; for a CDN that has everything, "+
			"'fallback %s' in the Caddyfile may be what is meant", base)
		return
	}
	if c, ok := movein.Country(country); ok {
		m.Country = c
	} else if country != "" && country != "--" {
		r.Leave("country %q: is none", country)
	}
	if c, ok := movein.Continent(region); ok {
		m.Continent = c
	} else if region != "" && region != "--" {
		r.Leave("region %q: is no continent", region)
	}
	if s["lat"] == nil || s["lng"] == nil {
		return
	}
	lat, err1 := strconv.ParseFloat(s.get("lat"), 64)
	lng, err2 := strconv.ParseFloat(s.get("lng"), 64)
	if err1 != nil || err2 != nil {
		r.Leave("coordinates %q, %q: are no numbers", s.get("lat"), s.get("lng"))
		return
	}
	r.Coordinates(lat, lng)
}

// add takes a network over: a prefix, or a range of addresses as iprange has it.
func (n network) add(r *movein.Record) {
	m := &r.Mirror
	if n.asn != "" && n.asn != "0" {
		as, err := strconv.ParseUint(n.asn, 10, 32)
		if err != nil {
			r.Leave("asn %q: is none", n.asn)
		} else if !slices.Contains(m.ASNs, uint32(as)) {
			m.ASNs = append(m.ASNs, uint32(as))
		}
	}
	raw := strings.TrimSpace(n.prefix)
	if raw == "" {
		return
	}
	var list []netip.Prefix
	if p, err := netip.ParsePrefix(raw); err == nil {
		list = append(list, p.Masked())
	} else if from, err := netipx.ParseIPRange(raw); err == nil {
		list = from.Prefixes()
	} else {
		r.Leave("prefix %q: is no network; it was not looked at there either", raw)
		return
	}
	for _, p := range list {
		if !slices.Contains(m.Prefixes, p) {
			m.Prefixes = append(m.Prefixes, p)
		}
	}
}

func numbers(s row, r *movein.Record) {
	m := &r.Mirror
	score, err := strconv.Atoi(s.get("score"))
	switch {
	case s["score"] == nil:
		r.Note("it has no score there and was never chosen; here the score is 0")
	case err != nil || score < 0 || score > math.MaxInt16:
		r.Leave("score %q: here it is 0", s.get("score"))
		score = 0
	}
	m.Score, r.Score = score, score
	if raw := s.get("file_maxsize"); raw != "" && raw != "0" {
		size, err := strconv.ParseInt(raw, 10, 64)
		if err != nil || size < 0 {
			r.Leave("file_maxsize %q", raw)
			return
		}
		m.MaxSize = size
		r.Note("larger files than %d bytes came from it as a last resort there, and never do here", size)
	}
}
