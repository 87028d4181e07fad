package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/asn"
)

func newASNCommand(a *app) *cobra.Command {
	return group("asn", "Networks: announced prefixes and AS numbers",
		newASNImportCommand(a), newASNUpdateCommand(a), newASNLookupCommand(a))
}

// tableFlags are what commands take that replace the table.
type tableFlags struct{ dryRun, force bool }

func (f *tableFlags) add(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.BoolVarP(&f.dryRun, "dry-run", "n", false, "say what would change, and change nothing")
	fs.BoolVar(&f.force, "force", false, "take a table with less than half of the prefixes of the present one")
}

func newASNImportCommand(a *app) *cobra.Command {
	var f tableFlags
	cmd := &cobra.Command{
		Use:   "import FILE...",
		Short: "Replace the table of announced prefixes and their AS numbers",
		Long: `Replaces the table of announced prefixes and their AS numbers, and the names of
the autonomous systems, by what the files hold. Known are, plain, gzip or bzip2:
CAIDA's pfx2as, the TSV of iptoasn.com, tables of routers as RouteViews has them
(oix-full-snapshot-*, show ip bgp), the output of bgpdump -m, MRT table dumps of
RouteViews and RIPE RIS (rib.*, bview.*), AS databases in mmdb form, plain lists
of prefixes, and for names asn.txt of RIPE NCC and CAIDA's AS organizations.

Several files are put together (IPv4, IPv6, names); the first with a prefix or a
name counts. Nodes follow without a pause. An empty or broken file is refused and
the old table stays, as it does without --force when the new one has less than
half of its prefixes.`,
		Example: `  mbctl asn import routeviews-rv2-20261101-1200.pfx2as.gz routeviews-rv6-20261101-1200.pfx2as.gz asn.txt
  mbctl asn import ip2asn-combined.tsv.gz
  mbctl asn import --dry-run rib.20261101.0000.bz2`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runASNImport(cmd.Context(), args, f)
		},
	}
	f.add(cmd)
	return cmd
}

func (a *app) runASNImport(ctx context.Context, files []string, f tableFlags) error {
	db, err := a.store(ctx)
	if err != nil {
		return err
	}
	t, err := loadNetworks(files)
	if err != nil {
		return notChanged(err)
	}
	if f.dryRun {
		return a.showTableChange(ctx, db, t, files, f.force)
	}
	if err := t.replace(ctx, db, strings.Join(files, ", "), f.force); err != nil {
		return err
	}
	return a.sayImported(t, files)
}

func (a *app) sayImported(t *networks, files []string) error {
	if a.json {
		return a.printJSON(map[string]any{"prefixes": t.table.Len(), "names": len(t.names), "files": t.stats})
	}
	a.say("imported %s prefixes%s", count(t.table.Len()), t.andNames())
	a.sayFiles(t.stats, files)
	return nil
}

func (a *app) sayFiles(stats []asn.Stats, files []string) {
	for i, st := range stats {
		a.say("  %s: %s", printable(files[i]), st)
	}
}
