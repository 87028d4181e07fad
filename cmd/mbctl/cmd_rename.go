package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

func newRenameCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:               "rename NAME NEW-NAME",
		Short:             "Give a mirror another name",
		Example:           "  mbctl rename example example-berlin",
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: a.completeMirror,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := mirror.ValidName(args[1]); err != nil {
				return usagef("%w", err)
			}
			m, err := a.exactMirror(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			m, err = a.db.UpdateMirror(cmd.Context(), m.ID, who(), "rename from "+args[0], func(m *mirror.Mirror) error {
				m.Name = args[1]
				return nil
			})
			if errors.Is(err, store.ErrExists) {
				return fmt.Errorf("renaming %s: there is a mirror named %s already", args[0], args[1])
			}
			if err != nil {
				return fmt.Errorf("renaming %s to %s: %w", args[0], args[1], err)
			}
			if a.json {
				return a.printJSON(docOf(&m, a.maxScanAge()))
			}
			a.say("%s: now named %s", args[0], m.Name)
			return nil
		},
	}
}
