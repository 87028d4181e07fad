package main

import (
	"context"
	"fmt"
	"iter"
	"net/netip"
	"strings"

	"github.com/spf13/cobra"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/asn"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

func newASNCommand(a *app) *cobra.Command {
	imp := &cobra.Command{
		Use:   "import FILE...",
		Short: "Replace the table of announced prefixes and their AS numbers",
		Long: `Replaces the table of announced prefixes and their AS numbers by what the files
hold: CAIDA's pfx2as, the TSV of iptoasn.com (both plain, gzip or bzip2), or an
AS database in mmdb form. Several files are put together (IPv4 and IPv6). Nodes
follow without a pause; an empty or broken file is refused and the old table
stays.`,
		Example: "  mbctl asn import routeviews-rv2-20261101-1200.pfx2as.gz\n  mbctl asn import ip2asn-combined.tsv.gz",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runASNImport(cmd.Context(), args)
		},
	}
	lookup := &cobra.Command{
		Use:     "lookup ADDRESS",
		Short:   "Show the announced prefix and AS number of an address",
		Example: "  mbctl asn lookup 192.0.2.7",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runASNLookup(cmd.Context(), args[0])
		},
	}
	return group("asn", "Networks: announced prefixes and AS numbers", imp, lookup)
}

func (a *app) runASNImport(ctx context.Context, files []string) error {
	db, err := a.store(ctx)
	if err != nil {
		return err
	}
	table, stats, err := readPrefixes(files)
	if err != nil {
		return fmt.Errorf("the table was not changed: %w", err)
	}
	n, err := db.ReplacePrefixes(ctx, strings.Join(files, ", "), func(yield func(store.Prefix) error) error {
		for p := range table.All() {
			if err := yield(store.Prefix(p)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("the table was not changed: %w", err)
	}
	if a.json {
		return a.printJSON(map[string]any{"prefixes": n, "files": stats})
	}
	a.say("imported %s prefixes", count(n))
	for i, st := range stats {
		a.say("  %s: %s", files[i], st)
	}
	return nil
}

// readPrefixes puts the tables of several files together. Where two have the
// same prefix, the first file counts.
func readPrefixes(files []string) (*asn.Table, []asn.Stats, error) {
	var all []iter.Seq[asn.Prefix]
	var stats []asn.Stats
	for _, file := range files {
		t, st, err := asn.Load(file)
		if err != nil {
			return nil, nil, err
		}
		all, stats = append(all, t.All()), append(stats, st)
	}
	return asn.Build(func(yield func(asn.Prefix) bool) {
		for _, seq := range all {
			for p := range seq {
				if !yield(p) {
					return
				}
			}
		}
	}), stats, nil
}

func (a *app) runASNLookup(ctx context.Context, text string) error {
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return usagef("%q is not an IP address", text)
	}
	table, err := a.prefixTable(ctx)
	if err != nil {
		return err
	}
	prefix, as, ok := table.Lookup(addr.Unmap())
	switch {
	case table.Len() == 0:
		return fmt.Errorf("no prefixes have been imported: 'mbctl asn import FILE'")
	case a.json && ok:
		return a.printJSON(map[string]any{"address": addr, "prefix": prefix, "asn": as})
	case !ok:
		return fmt.Errorf("%s is in none of the %s prefixes", addr, count(table.Len()))
	}
	fmt.Fprintf(a.out, "%s\tAS%d\n", prefix, as)
	return nil
}
