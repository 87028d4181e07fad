package main

import (
	"bufio"
	"context"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/geoip"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// updateFlags are what `update` takes.
type updateFlags struct {
	all, dryRun, yes bool

	coordinates, region, country, asn, prefix, families bool
}

// everything reports whether no field was named.
func (f *updateFlags) everything() bool {
	return !f.coordinates && !f.region && !f.country && !f.asn && !f.prefix && !f.families
}

func newUpdateCommand(a *app) *cobra.Command {
	var f updateFlags
	cmd := &cobra.Command{
		Use:   "update NAME... | --all",
		Short: "Find mirrors' place and network anew",
		Long: `Finds from the addresses of the mirrors' HTTP host where they are (coordinates,
continent, country), in which networks (AS numbers, announced prefix), and which
address families they have. What would change is shown first, also what somebody
has set by hand; then it is asked, or stored with --yes. Without a terminal and
without --yes nothing is stored (exit code 5).

Without the flags that name fields all of them are found anew; but prefixes that
a mirror has stay, as they may be those of a campus, unless --prefix is given.
What cannot be found stays as it is.`,
		Example: `  mbctl update example
  mbctl update --all --dry-run
  mbctl update --all --asn --prefix --yes     # after 'mbctl asn import'`,
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case f.all && len(args) > 0:
				return usagef("update: name mirrors or say --all, not both")
			case !f.all && len(args) == 0:
				return usagef("update: which mirrors? Name them, or say --all")
			}
			return nil
		},
		ValidArgsFunction: a.completeMirrors,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runUpdate(cmd.Context(), args, f)
		},
	}
	fs := cmd.Flags()
	fs.BoolVarP(&f.all, "all", "a", false, "all mirrors, disabled ones too")
	fs.BoolVarP(&f.dryRun, "dry-run", "n", false, "show what would change, change nothing")
	fs.BoolVarP(&f.yes, "yes", "y", false, "store it without asking")
	fs.BoolVarP(&f.coordinates, "coordinates", "c", false, "latitude and longitude")
	fs.BoolVar(&f.region, "region", false, "the continent")
	fs.BoolVar(&f.country, "country", false, "the country")
	fs.BoolVarP(&f.asn, "asn", "A", false, "AS numbers")
	fs.BoolVarP(&f.prefix, "prefix", "p", false, "the announced prefixes that the mirror is in, in the place of those it has")
	fs.BoolVar(&f.families, "families", false, "IPv4 and IPv6")
	return cmd
}

// relocation is what was found out about one mirror.
type relocation struct {
	before, after mirror.Mirror
	notes         []string
	err           error // its host has no addresses
}

// updateDoc is a relocation in JSON output.
type updateDoc struct {
	Mirror string   `json:"mirror"`
	Before place    `json:"before"`
	After  place    `json:"after"`
	Notes  []string `json:"notes"`
	Stored bool     `json:"stored"`
	Error  string   `json:"error,omitempty"`
}

// place is what `update` may change, in JSON output.
type place struct {
	Continent string   `json:"continent"`
	Country   string   `json:"country"`
	Latitude  *float64 `json:"lat"`
	Longitude *float64 `json:"lng"`
	ASN       []uint32 `json:"asn"`
	Prefix    []string `json:"prefix"`
	IPv4      *bool    `json:"ipv4"`
	IPv6      *bool    `json:"ipv6"`
}

func docOfPlace(m *mirror.Mirror) place {
	s := settingsOf(m)
	return place{s.Continent, s.Country, s.Latitude, s.Longitude, s.ASN, s.Prefix, s.IPv4, s.IPv6}
}

func (a *app) runUpdate(ctx context.Context, names []string, f updateFlags) error {
	db, err := a.store(ctx)
	if err != nil {
		return err
	}
	var mirrors []mirror.Mirror
	if f.all {
		if mirrors, err = db.Mirrors(ctx); err != nil {
			return err
		}
		if len(mirrors) == 0 {
			return a.noMirrors(0)
		}
	}
	for _, name := range names {
		m, err := a.findMirror(ctx, name)
		if err != nil {
			return err
		}
		mirrors = append(mirrors, m)
	}
	g, err := a.openGeo(ctx)
	if err != nil {
		return err
	}
	a.sayNoGeo(g)
	found := g.relocate(ctx, mirrors, f)
	g.close()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	changes, err := a.showRelocations(found)
	if err != nil {
		return err
	}
	stored := false
	switch {
	case changes == 0 || f.dryRun:
	case f.yes || a.confirms(fmt.Sprintf("Store %s? [y/N] ", plural(changes, "change"))):
		if err := a.storeRelocations(ctx, found); err != nil {
			return err
		}
		stored = true
	}
	if a.json {
		if err := a.printJSON(updateDocs(found, stored)); err != nil {
			return err
		}
	}
	if changes > 0 && !stored && !f.dryRun {
		return &codedError{exitRefused, fmt.Errorf("nothing was stored of %s: say --yes", plural(changes, "change"))}
	}
	return updateFailures(found)
}

// sayNoGeo tells on standard error which data is not there.
func (a *app) sayNoGeo(g *geo) {
	if a.quiet {
		return
	}
	if g.places == nil {
		fmt.Fprintln(a.err, "No GeoIP database is configured (geoip in "+defaultConfig+"): places stay as they are.")
	}
	if g.file == nil && g.table.Len() == 0 {
		fmt.Fprintln(a.err, "No prefixes were imported ('mbctl asn import'), nor is an AS database configured (geoip_asn): networks stay as they are.")
	}
}

// confirms asks on a terminal; elsewhere the answer is no.
func (a *app) confirms(question string) bool {
	f, ok := a.in.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) || a.json {
		return false
	}
	return a.ask(bufio.NewReader(a.in), question, false)
}

// resolvers is how many hosts are looked up at once.
const resolvers = 8

// relocate finds out about all mirrors.
func (g *geo) relocate(ctx context.Context, mirrors []mirror.Mirror, f updateFlags) []relocation {
	out := make([]relocation, len(mirrors))
	slots := make(chan struct{}, resolvers)
	var wg sync.WaitGroup
	for i, m := range mirrors {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			out[i] = relocation{before: m, after: m}
			if len(m.HTTP) == 0 {
				return
			}
			addrs, err := lookupHost(ctx, hostOf(m.HTTP[0]))
			if err != nil {
				out[i].err = err
				return
			}
			g.fill(&out[i].after, addrs, f)
			out[i].notes = g.oddities(addrs)
		})
	}
	wg.Wait()
	return out
}

// fill puts what the addresses tell into m, as far as it is wanted.
func (g *geo) fill(m *mirror.Mirror, addrs []netip.Addr, f updateFlags) {
	all := f.everything()
	if p, note := g.placeOf(addrs); note == "" {
		if p.Continent == "" {
			p.Continent = geoip.Continent(p.Country)
		}
		if (all || f.coordinates) && p.HasCoords {
			m.Lat, m.Lng, m.HasCoords = p.Lat, p.Lng, true
		}
		if (all || f.region) && p.Continent != "" {
			m.Continent = p.Continent
		}
		if (all || f.country) && p.Country != "" {
			m.Country = p.Country
		}
	}
	if all || f.asn {
		if list := g.networksOf(addrs); len(list) > 0 && !sameSet(list, m.ASNs) {
			m.ASNs = list
		}
	}
	if f.prefix || all && len(m.Prefixes) == 0 {
		if list := g.prefixesOf(addrs); len(list) > 0 && !sameSet(list, m.Prefixes) {
			m.Prefixes = list
		}
	}
	if all || f.families {
		m.Families = familiesOf(addrs)
	}
}

// sameSet reports whether two lists hold the same in any order.
func sameSet[T comparable](a, b []T) bool {
	in := func(list []T) func(T) bool {
		return func(v T) bool { return !slices.Contains(list, v) }
	}
	return !slices.ContainsFunc(a, in(b)) && !slices.ContainsFunc(b, in(a))
}

// oddities are what makes it doubtful where a mirror is.
func (g *geo) oddities(addrs []netip.Addr) (notes []string) {
	var countries []string
	v4, v6 := 0, 0
	for _, addr := range addrs {
		if p, ok := g.place(addr); ok && p.Country != "" && !slices.Contains(countries, p.Country) {
			countries = append(countries, p.Country)
		}
		if addr.Is4() {
			v4++
		} else {
			v6++
		}
	}
	if len(countries) > 1 {
		notes = append(notes, fmt.Sprintf("its addresses are in several countries (%s): the first counts, or set it by hand with 'mbctl edit'", strings.Join(countries, ", ")))
	}
	if v4 > 1 || v6 > 1 {
		notes = append(notes, fmt.Sprintf("its host has %d IPv4 and %d IPv6 addresses: behind them may be servers that differ", v4, v6))
	}
	return notes
}

// showRelocations prints what would change and counts the mirrors concerned.
func (a *app) showRelocations(found []relocation) (changes int, err error) {
	for i := range found {
		r := &found[i]
		before, err := settingsText(&r.before)
		if err != nil {
			return 0, err
		}
		after, err := settingsText(&r.after)
		if err != nil {
			return 0, err
		}
		diff := changedLines(before, after)
		if len(diff) > 0 {
			changes++
		}
		if a.quiet || a.json {
			continue
		}
		switch {
		case r.err != nil:
			fmt.Fprintf(a.err, "%s: the addresses of its host could not be found: %s\n", r.before.Name, printable(r.err.Error()))
		case len(diff) == 0:
			a.say("%s: as it was", r.before.Name)
		default:
			a.say("%s:", r.before.Name)
			for l := range strings.Lines(string(diff)) {
				a.say("  %s", printable(strings.TrimSuffix(l, "\n")))
			}
		}
		for _, n := range r.notes {
			a.say("  note: %s", n)
		}
	}
	return changes, nil
}

// storeRelocations stores the fields in question, on mirrors that are still
// where they were.
func (a *app) storeRelocations(ctx context.Context, found []relocation) error {
	a.changed = true
	for i := range found {
		r := &found[i]
		if r.err != nil {
			continue
		}
		_, err := a.db.UpdateMirror(ctx, r.before.ID, who(), "update", func(now *mirror.Mirror) error {
			if !slices.Equal(now.HTTP, r.before.HTTP) {
				return fmt.Errorf("somebody else changed its URLs meanwhile (see 'mbctl log %s'); update again", now.Name)
			}
			r.move(now)
			return nil
		})
		if err != nil {
			return fmt.Errorf("update %s: %w", r.before.Name, err)
		}
	}
	a.say("stored")
	return nil
}

// move changes now where the relocation found something else.
func (r *relocation) move(now *mirror.Mirror) {
	b, f := &r.before, &r.after
	if b.Continent != f.Continent {
		now.Continent = f.Continent
	}
	if b.Country != f.Country {
		now.Country = f.Country
	}
	if b.Lat != f.Lat || b.Lng != f.Lng || b.HasCoords != f.HasCoords {
		now.Lat, now.Lng, now.HasCoords = f.Lat, f.Lng, f.HasCoords
	}
	if !slices.Equal(b.ASNs, f.ASNs) {
		now.ASNs = f.ASNs
	}
	if !slices.Equal(b.Prefixes, f.Prefixes) {
		now.Prefixes = f.Prefixes
	}
	if b.Families != f.Families {
		now.Families = f.Families
	}
}

func updateDocs(found []relocation, stored bool) []updateDoc {
	docs := []updateDoc{}
	for i := range found {
		r := &found[i]
		docs = append(docs, updateDoc{
			Mirror: r.before.Name, Before: docOfPlace(&r.before), After: docOfPlace(&r.after),
			Notes: nonNil(r.notes), Stored: stored && r.err == nil, Error: errText(r.err),
		})
	}
	return docs
}

// updateFailures is the error for hosts without addresses.
func updateFailures(found []relocation) error {
	var failed []string
	for i := range found {
		if found[i].err != nil {
			failed = append(failed, found[i].before.Name)
		}
	}
	if len(failed) == 0 {
		return nil
	}
	return &codedError{exitSomeFailed, fmt.Errorf("%d of %d mirrors have hosts without addresses: %s", len(failed), len(found), strings.Join(failed, ", "))}
}
