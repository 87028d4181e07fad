package main

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// Every command's help tells the exit codes, and shows an example if the
// command does something by itself.
func TestHelp(t *testing.T) {
	t.Parallel()
	var visit func(cmd *cobra.Command)
	visit = func(cmd *cobra.Command) {
		if strings.Count(cmd.Long, exitCodesBegin) != 1 {
			t.Errorf("%s: its help does not tell the exit codes once:\n%s", cmd.CommandPath(), cmd.Long)
		}
		shell := cmd.HasParent() && cmd.Parent().Name() == "completion" // cobra's text has the examples
		if !cmd.HasSubCommands() && !cmd.Hidden && !shell && cmd.Example == "" {
			t.Errorf("%s: its help has no example", cmd.CommandPath())
		}
		for _, sub := range cmd.Commands() {
			visit(sub)
		}
	}
	visit(newRoot(&app{}))
}
