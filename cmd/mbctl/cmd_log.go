package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

func newLogCommand(a *app) *cobra.Command {
	var limit int
	cmd := &cobra.Command{
		Use:               "log NAME",
		Short:             "Show who changed what about a mirror",
		Example:           "  mbctl log example\n  mbctl log example -n 200",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.completeMirror,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runLog(cmd.Context(), args[0], limit)
		},
	}
	cmd.Flags().IntVarP(&limit, "lines", "n", 50, "`NUMBER` of newest entries")
	return cmd
}

// eventDoc is one entry in JSON output.
type eventDoc struct {
	At     time.Time `json:"at"`
	Who    string    `json:"who"`
	What   string    `json:"what"`
	Detail string    `json:"detail,omitempty"`
}

func (a *app) runLog(ctx context.Context, name string, limit int) error {
	if limit < 1 {
		return usagef("--lines %d: must be at least 1", limit)
	}
	m, err := a.findMirror(ctx, name)
	if err != nil {
		return err
	}
	events, err := a.db.Events(ctx, m.ID, limit)
	if err != nil {
		return fmt.Errorf("reading the log of %s: %w", m.Name, err)
	}
	docs, rows := []eventDoc{}, [][]string{}
	for _, e := range events {
		docs = append(docs, eventDoc{At: e.At.UTC(), Who: e.Who, What: e.What, Detail: e.Detail})
		rows = append(rows, []string{e.At.Local().Format("2006-01-02 15:04:05"), e.Who, e.What, e.Detail})
	}
	if a.json {
		return a.printJSON(docs)
	}
	a.printTable(sheet{header: []string{"time", "who", "what", "detail"}, rows: rows})
	return nil
}
