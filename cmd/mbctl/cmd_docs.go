package main

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// newDocsCommand makes the reference in docs/, and the manual pages, from the
// commands themselves.
func newDocsCommand(a *app) *cobra.Command {
	var out, man string
	cmd := &cobra.Command{
		Use:    "docs",
		Short:  "Write the reference of all commands as Markdown, or as manual pages",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if man != "" {
				return writeManPages(cmd.Root(), man, manDate())
			}
			text := reference(cmd.Root())
			if out == "-" {
				_, err := a.out.Write(text)
				return err
			}
			return os.WriteFile(out, text, 0o644) //nolint:gosec // documentation is for everybody
		},
	}
	cmd.Flags().StringVar(&out, "markdown", "-", "`FILE` to write, - for standard output")
	cmd.Flags().StringVar(&man, "man", "", "`FOLDER` for manual pages (dated by SOURCE_DATE_EPOCH, or the commit)")
	return cmd
}

func reference(root *cobra.Command) []byte {
	var b bytes.Buffer
	b.WriteString("# mbctl\n\n<!-- Made from the commands by `make docs`. -->\n\n")
	fmt.Fprintf(&b, "```\n%s\n```\n\n## Flags of all commands\n\n", root.Long)
	flagTable(&b, root.PersistentFlags())
	for _, cmd := range root.Commands() {
		section(&b, cmd)
	}
	return b.Bytes()
}

func section(b *bytes.Buffer, cmd *cobra.Command) {
	if cmd.Hidden || cmd.Name() == "help" || cmd.Name() == "completion" {
		return
	}
	fmt.Fprintf(b, "## %s\n\n%s.\n\n", cmd.CommandPath(), strings.TrimSuffix(cmd.Short, "."))
	if cmd.Runnable() && (!cmd.HasSubCommands() || cmd.Example != "") { // else only its subcommands do something
		fmt.Fprintf(b, "```\n%s\n```\n\n", cmd.UseLine())
	}
	long, exitCodes := description(cmd)
	if long != "" {
		b.WriteString(long + "\n\n")
	}
	if exitCodes = exitCodesBegin + exitCodes; exitCodes != exitCodesHelp { // those are told above
		b.WriteString(exitCodes + "\n\n")
	}
	if cmd.Example != "" {
		fmt.Fprintf(b, "```\n%s\n```\n\n", cmd.Example)
	}
	if cmd.LocalNonPersistentFlags().HasAvailableFlags() {
		flagTable(b, cmd.LocalNonPersistentFlags())
	}
	for _, sub := range cmd.Commands() {
		section(b, sub)
	}
}

func flagTable(b *bytes.Buffer, fs *pflag.FlagSet) {
	var rows []string
	fs.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		value, usage := pflag.UnquoteUsage(f)
		name := "`--" + f.Name
		if f.Shorthand != "" {
			name = "`-" + f.Shorthand + "`, " + name
		}
		if value != "" {
			name += " " + value
		}
		if d := f.DefValue; d != "" && d != "false" && d != "[]" && d != "0" && d != "0s" {
			usage += " (default " + d + ")"
		}
		rows = append(rows, fmt.Sprintf("| %s` | %s |", name, strings.ReplaceAll(usage, "|", "\\|")))
	})
	if len(rows) == 0 {
		return
	}
	slices.Sort(rows)
	fmt.Fprintf(b, "| flag | meaning |\n| --- | --- |\n%s\n\n", strings.Join(rows, "\n"))
}
