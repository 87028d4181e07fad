package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
)

func newDeleteCommand(a *app) *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use:   "delete NAME",
		Short: "Delete a mirror and what is known of its files",
		Long: `Deletes a mirror and what is known of its files. The name must be given in full.
An enabled mirror is only deleted with --force.`,
		Example:           "  mbctl disable example && mbctl delete example",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.completeMirror,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runDelete(cmd.Context(), args[0], force)
		},
	}
	cmd.Flags().BoolVarP(&force, "force", "f", false, "even when it is enabled")
	return cmd
}

func (a *app) runDelete(ctx context.Context, name string, force bool) error {
	m, err := a.exactMirror(ctx, name)
	if err != nil {
		return err
	}
	if m.Enabled && !force {
		return &codedError{exitRefused, fmt.Errorf("%s is enabled: 'mbctl disable %s' first, or use --force", name, name)}
	}
	if err := a.db.DeleteMirror(ctx, m.ID, who()); err != nil {
		return fmt.Errorf("deleting %s: %w", name, err)
	}
	if a.json {
		return a.printJSON(map[string]any{"name": name, "deleted": true})
	}
	a.say("%s: deleted", name)
	return nil
}
