package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
)

func newDBCommand(a *app) *cobra.Command {
	var dryRun bool
	migrate := &cobra.Command{
		Use:   "migrate",
		Short: "Bring the database's schema up to date",
		Long: `Brings the schema up to date. An empty database and SQLite files are set up and
upgraded by themselves; an existing PostgreSQL schema changes only by this
command. The previous release runs on the new schema, so that nodes can be
upgraded one by one afterwards.`,
		Example: "  mbctl db migrate --dry-run\n  mbctl db migrate",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.runMigrate(cmd.Context(), dryRun)
		},
	}
	migrate.Flags().BoolVarP(&dryRun, "dry-run", "n", false, "only say what would be done")
	return group("db", "Care for the database", migrate, a.newDBCheck(), a.newDBSizes(), a.newDBVacuum(), a.newDBShell())
}

func (a *app) runMigrate(ctx context.Context, dryRun bool) error {
	db, err := a.open()
	if err != nil {
		return err
	}
	steps, err := db.Migrate(ctx, dryRun)
	if err != nil {
		return fmt.Errorf("database %s: %w", db.Describe(), err)
	}
	if a.json {
		return a.printJSON(map[string]any{"dry_run": dryRun, "steps": nonNil(steps)})
	}
	if len(steps) == 0 {
		a.say("%s: the schema is up to date", db.Describe())
	}
	for _, s := range steps {
		if dryRun {
			a.say("would apply %s", s)
		} else {
			a.say("applied %s", s)
		}
	}
	return nil
}
