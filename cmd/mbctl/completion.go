package main

import (
	"strings"

	"github.com/spf13/cobra"
)

// complete says what the shell offers for a flag's value: files or folders, as
// the directive says, or fixed words, several of them with commas between.
func complete(cmd *cobra.Command, flag string, directive cobra.ShellCompDirective, words ...string) {
	if cmd.Flags().Lookup(flag) == nil {
		return
	}
	_ = cmd.RegisterFlagCompletionFunc(flag, func(_ *cobra.Command, _ []string, start string) ([]string, cobra.ShellCompDirective) {
		before := ""
		if i := strings.LastIndexByte(start, ','); i >= 0 {
			before, start = start[:i+1], start[i+1:]
		}
		var out []string
		for _, w := range words {
			if strings.HasPrefix(w, start) {
				out = append(out, before+w)
			}
		}
		return out, directive
	})
}
