package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// lookupFlags are what `iplookup` takes.
type lookupFlags struct{ allPrefixes, asn, prefix bool }

// lookupDoc is what is known of an address, in JSON output.
type lookupDoc struct {
	Name      string      `json:"name"` // as it was asked for
	Address   string      `json:"address"`
	Continent string      `json:"continent"`
	Country   string      `json:"country"`
	Latitude  *float64    `json:"lat"`
	Longitude *float64    `json:"lng"`
	ASN       uint32      `json:"asn"`
	ASName    string      `json:"as_name"`
	Prefix    string      `json:"prefix"`
	Announced bool        `json:"announced"` // the prefix is of the imported table
	Prefixes  []prefixDoc `json:"prefixes,omitempty"`
	Override  string      `json:"override,omitempty"` // the network that rules say something about
	Local     localDoc    `json:"local_mirrors"`
}

type prefixDoc struct {
	Prefix string `json:"prefix"`
	ASN    uint32 `json:"asn"`
}

// localDoc names the enabled mirrors that are near.
type localDoc struct {
	Prefix  []string `json:"prefix"`
	AS      []string `json:"as"`
	Country []string `json:"country"`
	Region  []string `json:"region"`
}

func newIPLookupCommand(a *app) *cobra.Command {
	var f lookupFlags
	cmd := &cobra.Command{
		Use:   "iplookup ADDRESS|HOST...",
		Short: "Show place, network and local mirrors of addresses",
		Long: `Shows where addresses are (country, coordinates), in which network (AS, narrowest
announced prefix) as nodes see them, rules of 'mbctl geo' included, and how many of the enabled mirrors are local to them: by
prefix, AS, country and continent. Of host names all addresses are shown.

Piped, the columns are separated by tabs: name, address, continent, country,
coordinates, AS, prefix, mirrors by prefix, AS, country and continent, and with
--all-prefixes all prefixes.`,
		Example: `  mbctl iplookup 192.0.2.7 2001:db8::1
  mbctl iplookup mirror.example.org --all-prefixes
  mbctl iplookup 192.0.2.7 --asn`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runIPLookup(cmd.Context(), args, f)
		},
	}
	fs := cmd.Flags()
	fs.BoolVar(&f.allPrefixes, "all-prefixes", false, "show wider prefixes that contain it, too")
	fs.BoolVarP(&f.asn, "asn", "a", false, "print the AS number alone")
	fs.BoolVarP(&f.prefix, "prefix", "p", false, "print the prefix alone")
	return cmd
}

func (a *app) runIPLookup(ctx context.Context, names []string, f lookupFlags) error {
	db, err := a.store(ctx)
	if err != nil {
		return err
	}
	mirrors, err := db.Mirrors(ctx)
	if err != nil {
		return err
	}
	mirrors = slices.DeleteFunc(mirrors, func(m mirror.Mirror) bool { return !m.Enabled })
	g, err := a.openGeo(ctx)
	if err != nil {
		return err
	}
	defer g.close()
	if !a.quiet && g.places == nil && g.file == nil && g.table.Len() == 0 {
		fmt.Fprintln(a.err, "Nothing can be looked up: no GeoIP or AS database is configured (geoip, geoip_asn in "+a.configFile()+"), and no prefixes were imported ('mbctl asn import').")
	}
	docs := []lookupDoc{}
	var failed []error
	for _, name := range names {
		addrs, err := lookupHost(ctx, strings.Trim(name, "[]"))
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", name, err))
			continue
		}
		for _, addr := range addrs {
			docs = append(docs, g.lookup(name, addr, mirrors, f.allPrefixes))
		}
	}
	if err := nameSystems(ctx, db, docs); err != nil {
		return err
	}
	if err := a.printLookups(docs, f); err != nil {
		return err
	}
	return errors.Join(failed...)
}

// lookup puts together what is known of an address.
func (g *geo) lookup(name string, addr netip.Addr, mirrors []mirror.Mirror, all bool) lookupDoc {
	d := lookupDoc{Name: name, Address: addr.String()}
	client := g.client(addr)
	place := client.Place
	if network, ok := g.rules.Override(addr); ok {
		d.Override = network.String()
	}
	d.Continent, d.Country = place.Continent, place.Country
	if place.HasCoords {
		d.Latitude, d.Longitude = &place.Lat, &place.Lng
	}
	if prefix, as, announced, ok := g.network(addr); ok {
		d.ASN, d.Prefix, d.Announced = as, prefix.String(), announced
	}
	if all {
		d.Prefixes = []prefixDoc{}
		for _, p := range g.prefixes(addr) {
			d.Prefixes = append(d.Prefixes, prefixDoc{p.Prefix.String(), p.ASN})
		}
	}
	d.Local = localTo(mirrors, mirror.Client{Addr: addr, Place: place, ASN: d.ASN})
	return d
}

// nameSystems adds the names of autonomous systems.
func nameSystems(ctx context.Context, db *store.Store, docs []lookupDoc) error {
	var numbers []uint32
	for i := range docs {
		numbers = append(numbers, docs[i].ASN)
	}
	names, err := db.ASNames(ctx, numbers...)
	for i := range docs {
		docs[i].ASName = names[docs[i].ASN].Name
	}
	return err
}

// localTo gives the names of the mirrors near a client.
func localTo(mirrors []mirror.Mirror, c mirror.Client) localDoc {
	d := localDoc{[]string{}, []string{}, []string{}, []string{}}
	for i := range mirrors {
		m := &mirrors[i]
		if slices.ContainsFunc(m.Prefixes, func(p netip.Prefix) bool { return p.Contains(c.Addr) }) {
			d.Prefix = append(d.Prefix, m.Name)
		}
		if c.ASN != 0 && slices.Contains(m.ASNs, c.ASN) {
			d.AS = append(d.AS, m.Name)
		}
		if c.Country != "" && m.Country == c.Country {
			d.Country = append(d.Country, m.Name)
		}
		if c.Continent != "" && m.Continent == c.Continent {
			d.Region = append(d.Region, m.Name)
		}
	}
	return d
}

func (a *app) printLookups(docs []lookupDoc, f lookupFlags) error {
	if a.json {
		return a.printJSON(docs)
	}
	if f.asn || f.prefix {
		for _, d := range docs {
			var cells []string
			if f.prefix {
				cells = append(cells, d.Prefix)
			}
			if f.asn {
				cells = append(cells, fmt.Sprint(d.ASN))
			}
			fmt.Fprintln(a.out, strings.Join(cells, " "))
		}
		return nil
	}
	s := sheet{header: []string{"name", "address", "cont", "cc", "coordinates", "as", "prefix", "mirrors in it", "in the as", "country", "continent"}, right: []int{7, 8, 9, 10}}
	if f.allPrefixes {
		s.header = append(s.header, "all prefixes")
	}
	_, tty := terminal(a.out)
	for i := range docs {
		s.rows = append(s.rows, docs[i].cells(f.allPrefixes))
		if tty && docs[i].ASName != "" { // scripts have the number alone
			s.rows[i][5] += " " + docs[i].ASName
		}
	}
	if len(s.rows) > 0 {
		a.printTable(s)
	}
	return nil
}

func (d *lookupDoc) cells(all bool) []string {
	coords, as := "", ""
	if d.Latitude != nil {
		coords = fmt.Sprintf("%.3f, %.3f", *d.Latitude, *d.Longitude)
	}
	if d.ASN != 0 {
		as = fmt.Sprintf("AS%d", d.ASN)
	}
	cells := []string{
		d.Name, d.Address, d.Continent, d.Country, coords, as, d.Prefix,
		fmt.Sprint(len(d.Local.Prefix)), fmt.Sprint(len(d.Local.AS)), fmt.Sprint(len(d.Local.Country)), fmt.Sprint(len(d.Local.Region)),
	}
	if d.Override != "" {
		cells[1] += " (by override " + d.Override + ")"
	}
	if !all {
		return cells
	}
	var list []string
	for _, p := range d.Prefixes {
		list = append(list, fmt.Sprintf("%s AS%d", p.Prefix, p.ASN))
	}
	return append(cells, strings.Join(list, ", "))
}
