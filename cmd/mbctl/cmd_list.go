package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// listFilter narrows `list` down; empty fields let everything through.
type listFilter struct {
	all       bool
	disabled  bool
	down      bool
	country   []string
	continent []string
	state     []string
	more      []string // names of further columns, in the order of listColumns
}

func newListCommand(a *app) *cobra.Command {
	var f listFilter
	cmd := &cobra.Command{
		Use:   "list [PART-OF-NAME]",
		Short: "List mirrors with their state",
		Long: `Lists the enabled mirrors, or with --all every one, with one state each and the
reason for it. Piped, the columns are separated by tabs: name, state, reason,
continent, country, score, files held, age of the last scan, URL; then those
asked for with --asn, --prefix and so on, in the order in which the help has
them.`,
		Example: `  mbctl list
  mbctl list --all --country de,at
  mbctl list --state down,'scan too old'
  mbctl list -r eu --asn --prefix -N -R`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: a.completeMirror,
		RunE: func(cmd *cobra.Command, args []string) error {
			part := ""
			if len(args) == 1 {
				part = args[0]
			}
			f.more = askedColumns(cmd.Flags())
			return a.runList(cmd.Context(), part, f)
		},
	}
	fs := cmd.Flags()
	fs.BoolVarP(&f.all, "all", "a", false, "disabled mirrors too")
	fs.BoolVar(&f.disabled, "disabled", false, "only disabled mirrors")
	fs.BoolVar(&f.down, "down", false, "only mirrors that are down")
	fs.StringSliceVarP(&f.country, "country", "c", nil, "only mirrors in these `COUNTRIES`")
	fs.StringSliceVarP(&f.continent, "region", "r", nil, "only mirrors on these `CONTINENTS`")
	fs.StringSliceVar(&f.state, "state", nil, "only mirrors in these `STATES`: up, disabled, down, never scanned, scan too old, quota spent, resting")
	addListColumns(fs)
	return cmd
}

// lets reports whether m passes the filter.
func (f *listFilter) lets(m *mirror.Mirror, state mirror.State) bool {
	is := func(list []string, v string) bool {
		return len(list) == 0 || slices.ContainsFunc(list, func(s string) bool { return strings.EqualFold(s, v) })
	}
	switch {
	case f.disabled && m.Enabled:
		return false
	case f.down && state != mirror.StateDown:
		return false
	case !f.all && !f.disabled && !m.Enabled && len(f.state) == 0:
		return false
	}
	return is(f.country, m.Country) && is(f.continent, m.Continent) && is(f.state, string(state))
}

func (a *app) runList(ctx context.Context, part string, f listFilter) error {
	all, sent, err := a.mirrors(ctx)
	if err != nil {
		return err
	}
	now := time.Now()
	docs, rows := []listDoc{}, [][]string{}
	for _, m := range all {
		state, reason := m.State(now, a.maxScanAge())
		if !strings.Contains(m.Name, part) || !f.lets(&m, state) {
			continue
		}
		d := listDoc{mirrorDoc: sent.doc(docOf(&m, a.maxScanAge()), &m)}
		if slices.Contains(f.more, "files") {
			if d.Current, err = a.currentFiles(ctx, &m); err != nil {
				return err
			}
		}
		docs = append(docs, d)
		rows = append(rows, append([]string{
			m.Name, string(state), reason, m.Continent, m.Country, fmt.Sprint(m.Score),
			fmt.Sprint(m.Scan.Held), age(m.Scan.Succeeded, now), firstURL(&m),
		}, moreCells(&m, &d, f.more)...))
	}
	if a.json {
		return a.printJSON(docs)
	}
	if len(rows) == 0 {
		a.sayNoMirrors(len(all))
		return nil
	}
	header, right := []string{"name", "state", "reason", "cont", "cc", "score", "files", "scanned", "url"}, []int{5, 6, 7}
	header = append(header, f.more...)
	if _, tty := terminal(a.out); tty {
		// A reason may be longer than a line: last, it takes no other's place.
		for _, r := range append(rows, header) {
			reason := r[2]
			copy(r[2:], r[3:])
			r[len(r)-1] = reason
		}
		right = []int{4, 5, 6}
	}
	a.printTable(sheet{
		header: header,
		rows:   rows,
		right:  right,
		color: func(col int, cell string) text.Colors {
			if col != 1 {
				return nil
			}
			return stateColor(mirror.State(cell))
		},
	})
	return nil
}

func stateColor(s mirror.State) text.Colors {
	switch s {
	case mirror.StateUp:
		return text.Colors{text.FgGreen}
	case mirror.StateDown:
		return text.Colors{text.FgRed}
	case mirror.StateDisabled:
		return text.Colors{text.Faint}
	case mirror.StateNeverScanned, mirror.StateScanTooOld, mirror.StateQuotaSpent, mirror.StateResting:
		return text.Colors{text.FgYellow}
	}
	return nil
}

// noMirrors is the output of a command that has no mirrors to look at.
func (a *app) noMirrors(total int) error {
	a.sayNoMirrors(total)
	if a.json {
		return a.printJSON([]any{})
	}
	return nil
}

// sayNoMirrors tells on standard error why a list is empty and what to do.
func (a *app) sayNoMirrors(total int) {
	switch {
	case a.quiet:
	case total == 0:
		fmt.Fprintln(a.err, "There are no mirrors yet. Add one: mbctl new NAME -H URL [-R RSYNC-URL]")
	default:
		fmt.Fprintf(a.err, "None of the %d mirrors is meant. All of them: mbctl list --all\n", total)
	}
}
