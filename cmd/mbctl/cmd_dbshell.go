package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"

	"github.com/spf13/cobra"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

func (a *app) newDBShell() *cobra.Command {
	return &cobra.Command{
		Use:   "shell [-- ARGUMENT...]",
		Short: "Open psql or sqlite3 on the database",
		Long: `Opens psql or sqlite3 on the database of the instance. A password goes through the
environment, not the command line. Arguments after -- are the program's. What is
changed there by hand, nodes may not see.`,
		Example: "  mbctl db shell\n  mbctl db shell -- -c 'SELECT count(*) FROM file'     # PostgreSQL",
		RunE:    func(cmd *cobra.Command, args []string) error { return a.runDBShell(cmd.Context(), args) },
	}
}

func (a *app) runDBShell(ctx context.Context, args []string) error {
	conf, err := a.config()
	if err != nil {
		return err
	}
	sh, err := store.ShellCommand(conf.Database)
	if err != nil {
		return err
	}
	if sh.File != "" {
		if _, err := os.Stat(sh.File); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("there is no database %s yet: mbctl index DIR", sh.File) // sqlite3 would make one
		}
	}
	// An interrupt is the program's: it ends a query, not us.
	signal.Ignore(os.Interrupt)
	defer signal.Reset(os.Interrupt)
	cmd := exec.CommandContext(context.WithoutCancel(ctx), sh.Args[0], append(sh.Args[1:], args...)...)
	cmd.Env = append(os.Environ(), sh.Env...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = a.in, a.out, a.err
	if err := cmd.Run(); errors.Is(err, exec.ErrNotFound) {
		return fmt.Errorf("%s is not installed: it comes with the packages postgresql-client and sqlite3", sh.Args[0])
	} else if err != nil {
		return fmt.Errorf("%s: %w", sh.Args[0], err)
	}
	return nil
}
