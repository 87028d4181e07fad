package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/user"
	"strings"

	"github.com/spf13/cobra"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// version is set by the build.
var version = "unknown"

// streams are what a command reads and writes.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// app is what all commands share: the global flags, and the configuration and
// database opened on first use.
type app struct {
	streams

	flagDatabase string
	flagInstance string
	flagConfig   string
	json         bool
	quiet        bool
	verbose      bool
	noColor      bool

	conf *instance
	db   *store.Store
	// changed is set by commands after which mirrors may have another state.
	changed bool
}

// execute runs one command line and gives its exit code.
func execute(ctx context.Context, args []string, io streams) int {
	a := &app{streams: io}
	defer func() {
		if a.db != nil {
			_ = a.db.Close()
		}
	}()
	root := newRoot(a)
	root.SetArgs(args)
	root.SetIn(io.in)
	root.SetOut(io.out)
	root.SetErr(io.err)
	err := root.ExecuteContext(ctx)
	a.recordStates(ctx)
	if err == nil {
		return exitOK
	}
	code := exitCode(err)
	if a.json {
		_ = json.NewEncoder(io.err).Encode(map[string]any{"error": err.Error(), "exit_code": code})
	} else {
		// It may repeat what mirrors sent, and names of files.
		for i, line := range strings.Split(err.Error(), "\n") {
			if i == 0 {
				line = "mbctl: " + line
			}
			fmt.Fprintln(io.err, printable(line))
		}
		if code == exitUsage {
			fmt.Fprintln(io.err, "See 'mbctl help', or '--help' after a command.")
		}
	}
	return code
}

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "mbctl",
		Short: "Keeps a download redirector's database: files, mirrors, and who has what",
		Long: `mbctl keeps the database of the mirrorbrain Caddy module: which files the
origin has, which mirrors there are, and which mirror holds which file.

A beginning:
  mbctl index /srv/pub
  mbctl new example -H https://mirror.example.org/pub/ -R rsync://mirror.example.org/pub/
  mbctl scan example --enable
  mbctl list

` + exitCodesHelp,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("unknown command %q", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	f := root.PersistentFlags()
	f.StringVar(&a.flagDatabase, "database", "", "database URL: postgres://... or sqlite:///path (env MIRRORBRAIN_DATABASE)")
	f.StringVarP(&a.flagInstance, "instance", "b", "", "instance of the configuration file (env MB)")
	f.StringVar(&a.flagConfig, "config", "", "configuration file (default "+defaultConfig+")")
	f.BoolVar(&a.json, "json", false, "print data as JSON")
	f.BoolVarP(&a.quiet, "quiet", "q", false, "print errors only")
	f.BoolVarP(&a.verbose, "verbose", "v", false, "say more, for example which database is used")
	f.BoolVar(&a.noColor, "no-color", false, "no colours (env NO_COLOR)")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &codedError{exitUsage, err} })
	root.CompletionOptions.HiddenDefaultCmd = false

	addGroup(root, "mirrors", "Mirrors:",
		newNewCommand(a), newEditCommand(a), newShowCommand(a), newListCommand(a), newCommentCommand(a),
		newEnableCommand(a), newDisableCommand(a), newDeleteCommand(a), newRenameCommand(a), newScoreCommand(a),
		newUpdateCommand(a), newTestCommand(a), newLogCommand(a), newMarkersCommand(a), newMirrorlistCommand(a),
		newExportCommand(a), newImportCommand(a, newImportMirrorBrainCommand(a), newImportMirrorbitsCommand(a)),
	)
	addGroup(root, "files", "Files, and who has them:",
		newIndexCommand(a), newScanCommand(a), newHashCommand(a), newFileCommand(a), newProbefileCommand(a),
		newDirsCommand(a), newTimestampCommand(a),
	)
	addGroup(root, "releases", "Releases:", newPushCommand(a), newNotifyCommand(a), newWaitCommand(a))
	addGroup(root, "care", "The whole:",
		newStatusCommand(a), newDaemonCommand(a), newDBCommand(a), newASNCommand(a), newIPLookupCommand(a),
		newGeoCommand(a), newGeoIPCommand(a), newInstancesCommand(a), newVersionCommand(a), newDocsCommand(a),
	)
	root.SetHelpCommandGroupID("care")
	root.SetCompletionCommandGroupID("care")
	root.InitDefaultCompletionCmd()
	root.AddCommand(newExplainCommand(a))
	root.AddCommand(newSimulateCommand(a))
	finish(root)
	a.completeFlags(root)
	return root
}

// finish applies to every command what cobra has no setting for: errors about
// arguments are usage errors, and the help ends with the exit codes.
func finish(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(c *cobra.Command, args []string) error {
			if err := check(c, args); err != nil {
				if _, ok := errors.AsType[*codedError](err); ok {
					return err
				}
				return usagef("%s: %w; it is used as %s", strings.TrimPrefix(c.CommandPath(), "mbctl "), err, c.UseLine())
			}
			return nil
		}
	}
	if cmd.HasParent() && !strings.Contains(cmd.Long, exitCodesBegin) {
		if cmd.Long == "" {
			cmd.Long = cmd.Short
		}
		cmd.Long = strings.TrimSpace(cmd.Long) + "\n\n" + exitCodesHelp
	}
	for _, sub := range cmd.Commands() {
		finish(sub)
	}
}

// addGroup adds commands that the help shows together.
func addGroup(root *cobra.Command, id, title string, cmds ...*cobra.Command) {
	root.AddGroup(&cobra.Group{ID: id, Title: title})
	for _, c := range cmds {
		c.GroupID = id
	}
	root.AddCommand(cmds...)
}

// description gives what a command's help says beyond its first line, without
// the exit codes, which come after it.
func description(cmd *cobra.Command) (text, exitCodes string) {
	text, exitCodes, _ = strings.Cut(cmd.Long, exitCodesBegin)
	if text = strings.TrimSpace(text); text == cmd.Short {
		text = ""
	}
	return text, strings.TrimSpace(exitCodes)
}

// group is a command that only has subcommands.
func group(use, short string, subs ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("%s: unknown command %q", c.CommandPath(), args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(subs...)
	return cmd
}

// store opens the database, sets it up when it is empty, and keeps it open for
// the rest of the command.
func (a *app) store(ctx context.Context) (*store.Store, error) {
	db, err := a.open()
	if err != nil {
		return nil, err
	}
	if err := db.Prepare(ctx); err != nil {
		return nil, fmt.Errorf("database %s: %w", db.Describe(), err)
	}
	return db, nil
}

// open gives the database without looking at it.
func (a *app) open() (*store.Store, error) {
	if a.db != nil {
		return a.db, nil
	}
	conf, err := a.config()
	if err != nil {
		return nil, err
	}
	a.db, err = store.Open(conf.Database, store.Options{Logger: a.logger()})
	if err != nil {
		return nil, err
	}
	if a.verbose {
		fmt.Fprintf(a.err, "database: %s\n", a.db.Describe())
	}
	return a.db, nil
}

// logger writes what libraries have to say to standard error.
func (a *app) logger() *slog.Logger {
	level := slog.LevelWarn
	if a.verbose {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(a.err, &slog.HandlerOptions{Level: level}))
}

// who names the person who makes a change, for the log of changes.
func who() string {
	for _, env := range []string{"SUDO_USER", "USER", "LOGNAME"} {
		if s := os.Getenv(env); s != "" {
			return s
		}
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "unknown"
}

// holder names this process in leases.
func holder() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	return fmt.Sprintf("%s@%s, process %d", who(), host, os.Getpid())
}
