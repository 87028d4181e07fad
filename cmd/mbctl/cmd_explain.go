package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/explain"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/geoip"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror/glob"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// explainFlags are what `explain` takes.
type explainFlags struct {
	ips          []string
	country, as  string
	http         bool
	avoid        []string
	avoidCountry []string
	agent        string
	node         string
	site         int
}

func newExplainCommand(a *app) *cobra.Command {
	var f explainFlags
	cmd := &cobra.Command{
		Use:     "explain PATH --ip ADDRESS",
		GroupID: "files",
		Short:   "Say which mirror a client gets for a file, and why",
		Long: `Says what becomes of a request for a file: to which mirrors a client is sent, with
which probability each, and what speaks against every other mirror. It chooses as
the nodes do, by the settings that they report to the database (--node and --site
say which; else those of the node that was seen last), and by what the database
has now. PATH is a path of the tree, or a URL. Several --ip give a report each.

The client's place and network come from the files that the node uses, if they are
on this host under the same name, else from those of the configuration. The file
on the node's disk is not looked at; Caddy's admin API and ?explain do
(docs/explain.md). It is an error (1) when the index does not know the path.`,
		Example: `  mbctl explain iso/x.iso --ip 192.0.2.7
  mbctl explain https://dl.example.org/iso/x.iso --ip 192.0.2.7 --http
  mbctl explain iso/x.iso --ip 2001:db8::1 --avoid example --node dl1 --site 2
  mbctl explain iso/x.iso --country fr --json | jq .outcome`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.completePaths,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runExplain(cmd.Context(), args[0], f)
		},
	}
	fs := cmd.Flags()
	fs.StringSliceVar(&f.ips, "ip", nil, "`ADDRESS` of the client (several allowed)")
	fs.StringVar(&f.country, "country", "", "the client is in this `COUNTRY`, whatever its address")
	fs.StringVar(&f.as, "as", "", "the client is in this autonomous system, whatever its address: a `NUMBER`")
	fs.BoolVar(&f.http, "http", false, "the client asks by http rather than https")
	fs.StringSliceVar(&f.avoid, "avoid", nil, "the client does not want this `MIRROR` (several allowed)")
	fs.StringSliceVar(&f.avoidCountry, "avoid-country", nil, "the client wants no mirror of this `COUNTRY` (several allowed)")
	fs.StringVar(&f.agent, "agent", "", "the client's `USER-AGENT`, for exclude_agent")
	fs.StringVar(&f.node, "node", "", "choose as the node of this `NAME` does")
	fs.IntVar(&f.site, "site", 1, "as this `NUMBER` of its sites does, counting from 1")
	_ = cmd.RegisterFlagCompletionFunc("avoid", a.completeMirrors) // fails only for flags that are not there
	_ = cmd.RegisterFlagCompletionFunc("avoid-country", lazily(countryWords))
	_ = cmd.RegisterFlagCompletionFunc("node", a.completeNodes)
	return cmd
}

func (a *app) runExplain(ctx context.Context, arg string, f explainFlags) error {
	path, err := requestPath(arg)
	if err != nil {
		return err
	}
	clients, err := f.clients()
	if err != nil {
		return err
	}
	for i, name := range f.avoid {
		m, err := a.findMirror(ctx, name)
		if err != nil {
			return fmt.Errorf("--avoid: %w", err)
		}
		f.avoid[i] = m.Name
	}
	e, err := a.newExplaining(ctx, path, f)
	if err != nil {
		return err
	}
	defer e.geo.close()
	reports := make([]*explain.Report, len(clients))
	for i, addr := range clients {
		reports[i] = explain.New(e.input(addr))
	}
	return a.printExplained(reports)
}

func (a *app) printExplained(reports []*explain.Report) error {
	switch {
	case a.json && len(reports) == 1:
		return a.printJSON(reports[0])
	case a.json:
		return a.printJSON(reports)
	}
	width, _ := terminal(a.out)
	for i, r := range reports {
		if i > 0 {
			fmt.Fprintln(a.out)
		}
		if err := r.WriteText(a.out, width); err != nil {
			return err
		}
	}
	return nil
}

// requestPath reads a path of the tree, or the URL of a file.
func requestPath(arg string) (string, error) {
	if u, err := url.Parse(arg); err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" {
		arg = u.Path
	}
	return treePath(arg)
}

// clients are the addresses asked about; the zero one where only a place is.
func (f *explainFlags) clients() (list []netip.Addr, err error) {
	for _, s := range f.ips {
		addr, err := netip.ParseAddr(strings.Trim(strings.TrimSpace(s), "[]"))
		if err != nil {
			return nil, usagef("--ip %s: is not an address such as 192.0.2.7 or 2001:db8::1", s)
		}
		list = append(list, addr.Unmap().WithZone(""))
	}
	if f.country != "" {
		if f.country = strings.ToLower(f.country); geoip.Continent(f.country) == "" {
			return nil, usagef("--country %s: is not the code of a country, as de", f.country)
		}
	}
	if _, err := f.asn(); err != nil {
		return nil, err
	}
	if len(list) == 0 {
		if f.country == "" && f.as == "" {
			return nil, usagef("explain: for which client? Say --ip ADDRESS, or --country")
		}
		list = append(list, netip.Addr{})
	}
	return list, nil
}

// asn is the number of --as; 0: none.
func (f *explainFlags) asn() (uint32, error) {
	if f.as == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(strings.TrimPrefix(strings.ToUpper(f.as), "AS"), 10, 32)
	if err != nil || n == 0 {
		return 0, usagef("--as %s: is not the number of an autonomous system", f.as)
	}
	return uint32(n), nil
}

// unknownPath is the error for a path without a current version.
func (a *app) unknownPath(ctx context.Context, k *knownFile) error {
	if len(k.versions) > 0 {
		gone := time.Unix(0, k.versions[0].Gone).UTC().Format(time.DateTime)
		return fmt.Errorf("the index does not know %q any more: the file was removed, or found gone, at %s UTC; 'mbctl file ls' shows who still has it", k.path, gone)
	}
	pattern, err := glob.Parse(k.path)
	if err != nil {
		return fmt.Errorf("the index does not know %q", k.path)
	}
	return errors.Join(fmt.Errorf("the index does not know %q, so requests for it are left to the next handler", k.path), a.nothingMatches(ctx, pattern))
}

// completeNodes offers the names of nodes to the shell.
func (a *app) completeNodes(cmd *cobra.Command, _ []string, start string) ([]string, cobra.ShellCompDirective) {
	var names []string
	a.quietly(cmd.Context(), func(ctx context.Context, db *store.Store) error {
		nodes, err := db.Nodes(ctx)
		for _, n := range nodes {
			if strings.HasPrefix(n.Name, start) {
				names = appendPlain(names, n.Name)
			}
		}
		return err
	})
	return names, cobra.ShellCompDirectiveNoFileComp
}

// place puts a client where --country and --as say, as `?country=` and `?as=` do:
// who is elsewhere is in no network that is known.
func (f *explainFlags) place(c *mirror.Client) (simulated bool) {
	n, _ := f.asn() // has been checked
	if f.country == "" && n == 0 {
		return false
	}
	if f.country != "" {
		c.Place = mirror.Place{Country: f.country, Continent: geoip.Continent(f.country)}
	}
	c.ASN, c.Prefix = n, netip.Prefix{}
	switch {
	case c.Addr.Is4():
		c.Addr = netip.IPv4Unspecified()
	case c.Addr.Is6():
		c.Addr = netip.IPv6Unspecified()
	}
	return true
}
