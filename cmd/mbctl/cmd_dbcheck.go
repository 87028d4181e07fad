package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
)

func (a *app) newDBCheck() *cobra.Command {
	var repair bool
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Look for contradictions in the database",
		Long: `Looks for contradictions in the database: holdings of versions that the index does
not have, rows of nothing, folders without a way to the top, counters behind,
sums over folders, mirrors that no command could have stored, and for SQLite the
file itself. Each is printed with its mend; exit code 1 says that there are some.
Everything is read once, in one snapshot, and work goes on meanwhile.

--repair puts right what can be without a loss: what it takes away is what cannot
be true. The rest is left, with its mend.`,
		Example: "  mbctl db check\n  mbctl db check --repair",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.runDBCheck(cmd.Context(), repair) },
	}
	cmd.Flags().BoolVar(&repair, "repair", false, "put right what can be")
	return cmd
}

// findingDoc is something wrong in JSON output.
type findingDoc struct {
	What       string `json:"what"`
	Mend       string `json:"mend"`
	Repairable bool   `json:"repairable"`
}

func (a *app) runDBCheck(ctx context.Context, repair bool) error {
	db, err := a.store(ctx)
	if err != nil {
		return err
	}
	found, err := db.Check(ctx)
	if err != nil {
		return err
	}
	repaired := 0
	if repair && len(found) > 0 {
		if repaired, err = db.Repair(ctx, found); err != nil {
			return err
		}
	}
	docs := []findingDoc{}
	for _, f := range found {
		docs = append(docs, findingDoc{f.What, f.Mend, f.Repairable()})
		switch {
		case a.json:
		case repair && f.Repairable():
			fmt.Fprintf(a.out, "%s\n    repaired\n", printable(f.What))
		default:
			fmt.Fprintf(a.out, "%s\n    mend: %s\n", printable(f.What), printable(f.Mend))
		}
	}
	if a.json {
		if err := a.printJSON(map[string]any{"findings": docs, "repaired": repaired}); err != nil {
			return err
		}
	}
	if left := len(found) - repaired; left > 0 {
		return fmt.Errorf("%s: %d findings", db.Describe(), left)
	}
	if len(found) == 0 {
		a.say("%s: nothing is wrong", db.Describe())
	}
	return nil
}
