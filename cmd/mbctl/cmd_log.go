package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

func newLogCommand(a *app) *cobra.Command {
	var limit int
	var since string
	var states, scans bool
	cmd := &cobra.Command{
		Use:   "log [NAME]",
		Short: "Show who changed what about a mirror, or about all",
		Long: `Shows the events of a mirror, or without NAME of all, the newest first: what
people changed, and what scans and probes switched on and off. The exact name of
a mirror that was deleted does as well. Piped, the columns are separated by
tabs: time, mirror, who, what, detail.

With --states it shows the states that the mirror came to have, and with --scans
its full scans, with what it held then and how quickly its web servers began their
answers (the median). Both are remembered for 400 days; of the scans of a day more
than 30 days ago a good one and a failed one.`,
		Example: `  mbctl log example
  mbctl log example -n 200
  mbctl log --since 24h
  mbctl log example --states
  mbctl log example --scans --since 14d
  mbctl log --since '2026-11-01 08:00' --json`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: a.completeMirror,
		RunE: func(cmd *cobra.Command, args []string) error {
			w := store.EventWish{Limit: limit}
			if limit < 1 {
				return usagef("--lines %d: must be at least 1", limit)
			}
			if since != "" {
				var err error
				if w.After, err = parseSince(since, time.Now()); err != nil {
					return usagef("--since: %w", err)
				}
				if !cmd.Flags().Changed("lines") {
					w.Limit = math.MaxInt32
				}
			}
			name := ""
			if len(args) == 1 {
				name = args[0]
			}
			switch {
			case (states || scans) && name == "":
				return usagef("--states and --scans are of one mirror: say which")
			case states:
				return a.logStates(cmd.Context(), name, w)
			case scans:
				return a.logScans(cmd.Context(), name, w)
			}
			return a.runLog(cmd.Context(), name, w)
		},
	}
	fs := cmd.Flags()
	fs.IntVarP(&limit, "lines", "n", 50, "`NUMBER` of newest entries (also --limit)")
	fs.StringVar(&since, "since", "", "all since this `TIME` (2026-12-24 18:00, local) or for this long (36h, 14d)")
	fs.BoolVar(&states, "states", false, "the states that the mirror came to have")
	fs.BoolVar(&scans, "scans", false, "the full scans of the mirror")
	cmd.MarkFlagsMutuallyExclusive("states", "scans")
	fs.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		if name == "limit" {
			name = "lines"
		}
		return pflag.NormalizedName(name)
	})
	return cmd
}

// eventDoc is one entry in JSON output.
type eventDoc struct {
	At     time.Time `json:"at"`
	Mirror string    `json:"mirror,omitempty"` // its name then
	Who    string    `json:"who"`
	What   string    `json:"what"`
	Detail string    `json:"detail,omitempty"`
}

func (a *app) runLog(ctx context.Context, name string, w store.EventWish) error {
	db, err := a.store(ctx)
	if err != nil {
		return err
	}
	if name != "" {
		if err := a.logOf(ctx, name, &w); err != nil {
			return err
		}
	}
	events, err := db.EventsOf(ctx, w)
	if err != nil {
		return err
	}
	docs, rows := []eventDoc{}, [][]string{}
	for _, e := range events {
		docs = append(docs, eventDoc{At: e.At.UTC(), Mirror: e.MirrorName, Who: e.Who, What: e.What, Detail: e.Detail})
		rows = append(rows, []string{e.At.Local().Format("2006-01-02 15:04:05"), e.MirrorName, e.Who, e.What, e.Detail})
	}
	if a.json {
		return a.printJSON(docs)
	}
	if len(rows) == 0 {
		a.note("Nothing was logged.")
		return nil
	}
	a.printTable(sheet{header: []string{"time", "mirror", "who", "what", "detail"}, rows: rows})
	return nil
}

// logOf makes w that of the mirror, or of a deleted one that had exactly this
// name.
func (a *app) logOf(ctx context.Context, name string, w *store.EventWish) error {
	m, err := a.findMirror(ctx, name)
	if err == nil {
		w.Mirror = m.ID
		return nil
	}
	if _, usage := errors.AsType[*codedError](err); usage || a.db == nil {
		return err
	}
	one, lookErr := a.db.EventsOf(ctx, store.EventWish{Name: name, Limit: 1})
	if lookErr != nil {
		return fmt.Errorf("reading the log of %s: %w", name, lookErr)
	}
	if len(one) == 0 {
		return err
	}
	w.Name = name
	return nil
}

// parseSince reads a point in time, or how long ago it was.
func parseSince(s string, now time.Time) (time.Time, error) {
	for _, layout := range timeLayouts {
		if t, err := time.ParseInLocation(layout, s, now.Location()); err == nil {
			return t, nil
		}
	}
	d, err := parseDuration(s)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q: write a time as 2026-12-24 18:00 or a duration as 36h or 14d", s)
	}
	return now.Add(-d), nil
}
