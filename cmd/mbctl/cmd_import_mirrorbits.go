package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/movein/mirrorbits"
)

func newImportMirrorbitsCommand(a *app) *cobra.Command {
	var f moveInFlags
	cmd := &cobra.Command{
		Use:   "mirrorbits redis://...",
		Short: "Take mirrors and digests over from Mirrorbits",
		Long: `Takes mirrors, their rules, sponsors and contacts, and digests over from the Redis
database of a Mirrorbits 0.4 to 0.6. Nothing is written there.

Mirrorbits adds a mirror's score, in per cent, to what it works out from distance
and country; here the score is a mirror's share. A score p becomes 100 + 2p, at
least 1: what it amounted to for clients close to the mirror.

` + moveInHelp,
		Example: `  mbctl import mirrorbits redis://127.0.0.1:6379/0 --dry-run
  mbctl import mirrorbits redis://:PASSWORD@old.example.org:6379/0
  mbctl import mirrorbits unix:///run/redis/redis.sock?db=1 --no-digests`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.importMirrorbits(cmd.Context(), args[0], &f)
		},
	}
	f.add(cmd.Flags())
	return cmd
}

func (a *app) importMirrorbits(ctx context.Context, redisURL string, f *moveInFlags) error {
	from, err := mirrorbits.Open(ctx, redisURL)
	if err != nil {
		return err
	}
	defer from.Close()
	inv, err := from.Inventory(ctx)
	if err != nil {
		return err
	}
	return a.moveIn(ctx, &moveIn{inventory: inv, source: from.Name(), digests: from.Digests, flags: f})
}
