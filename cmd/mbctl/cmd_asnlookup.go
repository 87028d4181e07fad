package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// somePrefixes is how many prefixes of an AS are shown without --all.
const somePrefixes = 20

// addressDoc is what the table knows of an address, in JSON output.
type addressDoc struct {
	Address netip.Addr   `json:"address"`
	Prefix  netip.Prefix `json:"prefix"`
	ASN     uint32       `json:"asn"`
	Name    string       `json:"name"`
	Country string       `json:"country"`
}

// systemDoc is what is known of an autonomous system, in JSON output.
type systemDoc struct {
	ASN      uint32         `json:"asn"`
	Name     string         `json:"name"`
	Country  string         `json:"country"`
	IPv4     int            `json:"ipv4"` // prefixes
	IPv6     int            `json:"ipv6"`
	Prefixes []netip.Prefix `json:"prefixes"` // the first ones, or all
	Mirrors  []string       `json:"mirrors"`
}

func newASNLookupCommand(a *app) *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "lookup ADDRESS|AS...",
		Short: "Show the network of an address, or what an AS announces",
		Long: `Shows of an address the narrowest announced prefix, its AS, the name of that and
its country, as far as the imported files had names; of an AS (AS64500 or 64500)
its name, how many prefixes it announces, the first 20 of them, and the mirrors
in it.

Piped, the columns for addresses are separated by tabs: prefix, AS, name,
country, address. With --json one argument gives one document, several a list.`,
		Example: `  mbctl asn lookup 192.0.2.7 2001:db8::1
  mbctl asn lookup AS64500 --all`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runASNLookup(cmd.Context(), args, all)
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "show all prefixes of an AS")
	return cmd
}

func (a *app) runASNLookup(ctx context.Context, args []string, all bool) error {
	addrs, numbers, err := parseSubjects(args)
	if err != nil {
		return err
	}
	db, err := a.store(ctx)
	if err != nil {
		return err
	}
	present, err := db.ASImport(ctx)
	if err != nil {
		return err
	}
	if present.Prefixes == 0 {
		return errors.New("no prefixes have been imported: 'mbctl asn import FILE'")
	}
	found, unknown, err := a.lookUpAddresses(ctx, db, addrs)
	if err != nil {
		return err
	}
	systems, silent, err := lookUpSystems(ctx, db, numbers)
	if err != nil {
		return err
	}
	if err := a.showNetworks(found, systems, all, len(args) == 1); err != nil {
		return err
	}
	return errors.Join(append(unknown, silent...)...)
}

// parseSubjects tells addresses from AS numbers.
func parseSubjects(args []string) (addrs []netip.Addr, numbers []uint32, err error) {
	for _, arg := range args {
		text := strings.Trim(arg, "[]")
		if addr, err := netip.ParseAddr(text); err == nil {
			addrs = append(addrs, addr.Unmap().WithZone(""))
			continue
		}
		digits := text
		if len(text) > 2 && strings.EqualFold(text[:2], "as") {
			digits = text[2:]
		}
		n, err := strconv.ParseUint(digits, 10, 32)
		switch {
		case err != nil:
			return nil, nil, usagef("%q is not an IP address, and not an AS number", arg)
		case n == 0:
			return nil, nil, usagef("AS 0 stands for networks that nobody announces (RFC 7607)")
		}
		numbers = append(numbers, uint32(n))
	}
	return addrs, numbers, nil
}

func (a *app) lookUpAddresses(ctx context.Context, db *store.Store, addrs []netip.Addr) (docs []addressDoc, unknown []error, err error) {
	if len(addrs) == 0 {
		return nil, nil, nil
	}
	table, err := a.prefixTable(ctx)
	if err != nil {
		return nil, nil, err
	}
	var numbers []uint32
	for _, addr := range addrs {
		prefix, number, ok := table.Lookup(addr)
		if !ok {
			unknown = append(unknown, fmt.Errorf("%s is in none of the %s prefixes", addr, count(table.Len())))
			continue
		}
		docs = append(docs, addressDoc{Address: addr, Prefix: prefix, ASN: number})
		numbers = append(numbers, number)
	}
	names, err := db.ASNames(ctx, numbers...)
	for i := range docs {
		name := names[docs[i].ASN]
		docs[i].Name, docs[i].Country = name.Name, name.Country
	}
	return docs, unknown, err
}

func lookUpSystems(ctx context.Context, db *store.Store, numbers []uint32) (docs []systemDoc, unknown []error, err error) {
	if len(numbers) == 0 {
		return nil, nil, nil
	}
	names, err := db.ASNames(ctx, numbers...)
	if err != nil {
		return nil, nil, err
	}
	mirrors, err := db.Mirrors(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, n := range numbers {
		d := systemDoc{ASN: n, Name: names[n].Name, Country: names[n].Country, Mirrors: []string{}}
		if d.Prefixes, err = db.PrefixesOf(ctx, n); err != nil {
			return nil, nil, err
		}
		for i := range mirrors {
			if slices.Contains(mirrors[i].ASNs, n) {
				d.Mirrors = append(d.Mirrors, mirrors[i].Name)
			}
		}
		if d.Name == "" && len(d.Prefixes)+len(d.Mirrors) == 0 {
			unknown = append(unknown, fmt.Errorf("AS%d has no name and announces none of the prefixes", n))
			continue
		}
		for _, p := range d.Prefixes {
			if p.Addr().Is4() {
				d.IPv4++
			} else {
				d.IPv6++
			}
		}
		docs = append(docs, d)
	}
	return docs, unknown, nil
}

func (a *app) showNetworks(found []addressDoc, systems []systemDoc, all, one bool) error {
	more := make([]int, len(systems))
	for i := range systems {
		d := &systems[i]
		if !all && len(d.Prefixes) > somePrefixes {
			more[i] = len(d.Prefixes) - somePrefixes
			d.Prefixes = d.Prefixes[:somePrefixes]
		}
		if d.Prefixes == nil {
			d.Prefixes = []netip.Prefix{}
		}
	}
	if a.json {
		return a.printNetworks(found, systems, one)
	}
	s := sheet{header: []string{"prefix", "as", "name", "cc", "address"}}
	for _, d := range found {
		s.rows = append(s.rows, []string{d.Prefix.String(), fmt.Sprintf("AS%d", d.ASN), d.Name, d.Country, d.Address.String()})
	}
	if len(s.rows) > 0 {
		a.printTable(s)
	}
	for i := range systems {
		a.showSystem(&systems[i], more[i])
	}
	return nil
}

func (a *app) printNetworks(found []addressDoc, systems []systemDoc, one bool) error {
	list := []any{}
	for _, d := range found {
		list = append(list, d)
	}
	for _, d := range systems {
		list = append(list, d)
	}
	switch {
	case !one:
		return a.printJSON(list)
	case len(list) > 0:
		return a.printJSON(list[0])
	}
	return nil // the error says it
}

func (a *app) showSystem(d *systemDoc, more int) {
	title := fmt.Sprintf("AS%d", d.ASN)
	if d.Name != "" {
		title += " " + d.Name
	}
	if d.Country != "" {
		title += " (" + d.Country + ")"
	}
	fmt.Fprintf(a.out, "%s: %s IPv4 and %s IPv6 prefixes\n", printable(title), count(d.IPv4), count(d.IPv6))
	if len(d.Mirrors) > 0 {
		fmt.Fprintf(a.out, "  mirrors: %s\n", printable(strings.Join(d.Mirrors, ", ")))
	}
	for _, p := range d.Prefixes {
		fmt.Fprintf(a.out, "  %s\n", p)
	}
	if more > 0 {
		fmt.Fprintf(a.out, "  and %s more (--all)\n", count(more))
	}
}
