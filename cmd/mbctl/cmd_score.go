package main

import (
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

func newScoreCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "score NAME [N]",
		Short: "Show or set a mirror's share of the load",
		Long: `Shows or sets a mirror's score. Among the mirrors that could serve a request
equally well, each gets its score's share of the requests: of two with 100 and
50 the first gets two thirds. 100 is usual; 0 sends nothing.`,
		Example:           "  mbctl score example\n  mbctl score example 50",
		Args:              cobra.RangeArgs(1, 2),
		ValidArgsFunction: a.completeMirror,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				m, err := a.findMirror(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				if a.json {
					return a.printJSON(map[string]any{"name": m.Name, "score": m.Score})
				}
				fmt.Fprintln(a.out, m.Score)
				return nil
			}
			n, err := strconv.Atoi(args[1])
			if err != nil || n < 0 || n > maxScore {
				return usagef("score %q: must be a number from 0 to %d", args[1], maxScore)
			}
			return a.changeEach(cmd.Context(), args[:1], "score "+args[1], func(m *mirror.Mirror) error {
				m.Score = n
				return nil
			}, func(*mirror.Mirror) string { return "score " + args[1] })
		},
	}
}
