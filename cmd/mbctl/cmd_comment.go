package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// maxComment bounds what is read as a comment, in bytes.
const maxComment = 64 << 10

func newCommentCommand(a *app) *cobra.Command {
	var add bool
	cmd := &cobra.Command{
		Use:     "comment NAME [TEXT]",
		Aliases: []string{"commentadd"},
		Short:   "Show or set the comment on a mirror",
		Long: `Shows a mirror's comment, replaces it by TEXT, or with --append puts TEXT below
it. Comments are for operators and never shown to clients. A TEXT of "-" is read
from standard input; an empty one takes the comment away. As commentadd, the
command always appends.`,
		Example: `  mbctl comment example
  mbctl comment example 'moves to a new host in May'
  mbctl comment example --append 'moved'
  mbctl comment example ''
  mail -p | mbctl comment example --append -`,
		Args:              cobra.RangeArgs(1, 2),
		ValidArgsFunction: a.completeMirror,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				return a.showComment(cmd.Context(), args[0])
			}
			return a.setComment(cmd.Context(), args[0], args[1], add || cmd.CalledAs() == "commentadd")
		},
	}
	cmd.Flags().BoolVar(&add, "append", false, "below the comment that is there")
	return cmd
}

func (a *app) showComment(ctx context.Context, name string) error {
	m, err := a.findMirror(ctx, name)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(map[string]string{"name": m.Name, "comment": m.Comment})
	}
	for l := range strings.Lines(m.Comment) {
		fmt.Fprintln(a.out, printable(strings.TrimRight(l, "\r\n")))
	}
	return nil
}

func (a *app) setComment(ctx context.Context, name, text string, add bool) error {
	if text == "-" {
		b, err := io.ReadAll(io.LimitReader(a.in, maxComment+1))
		if err != nil {
			return fmt.Errorf("reading the comment: %w", err)
		}
		text = string(b)
	}
	text = strings.TrimRight(text, "\r\n")
	if add && text == "" {
		return usagef("comment %s: nothing to append", name)
	}
	return a.changeEach(ctx, []string{name}, "comment", func(m *mirror.Mirror) error {
		before := strings.TrimRight(m.Comment, "\r\n")
		if m.Comment = text; add && before != "" {
			m.Comment = before + "\n" + text
		}
		if len(m.Comment) > maxComment {
			return usagef("comments have at most %d bytes", maxComment)
		}
		return nil
	}, func(m *mirror.Mirror) string {
		if m.Comment == "" {
			return "no comment any more"
		}
		return "comment set"
	})
}
