package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
)

// importOptions are the flags of `import`.
type importOptions struct {
	dryRun, prune, yes, force bool
}

// newImportCommand reads mirrors from files; other systems that mirrors may be
// taken over from are its subcommands.
func newImportCommand(a *app, others ...*cobra.Command) *cobra.Command {
	var o importOptions
	cmd := &cobra.Command{
		Use:   "import FILE|FOLDER...",
		Short: "Create and change mirrors as files say",
		Long: `Creates and changes mirrors as files say: YAML as 'mbctl export yaml' writes it,
a folder with such files (*.yaml, *.yml), or - for standard input. What would
change is shown and asked about. All is read and checked first: with one mistake
in one file nothing is changed. A second run finds nothing to do.

A file is the whole truth about its mirror: a setting that is not there gets its
default. Only place and network (continent, country, lat, lng, asn, ipv4, ipv6)
and the switch (enabled: true, false, after-scan) stay as they are where a file
does not have them; a new mirror is disabled then. after-scan leaves alone a
mirror that is enabled already. What was found out by scans and probes, and
'disable --until', are no settings.

Mirrors that are in no file stay, unless --prune is given. It refuses to delete
more than half of them without --force.

Passwords do not belong into these files, and are refused: rsync_password_file
and s3_credentials_file name files on the scanning host. A password that is
stored is kept where the rest of its URL is the same. Whoever can change the
files can have commands run, by push: exec:COMMAND.`,
		Example: `  mbctl import mirrors/ --dry-run
  mbctl import mirrors/ --prune --yes
  mbctl export yaml | sed s/ftp.example.org/mirror.example.org/ | mbctl import - --yes`,
		Args: cobra.MinimumNArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return []string{"yaml", "yml"}, cobra.ShellCompDirectiveFilterFileExt
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runImport(cmd.Context(), args, o)
		},
	}
	fs := cmd.Flags()
	fs.BoolVarP(&o.dryRun, "dry-run", "n", false, "only show what would change")
	fs.BoolVar(&o.prune, "prune", false, "delete the mirrors that are in none of the files")
	fs.BoolVarP(&o.yes, "yes", "y", false, "do not ask")
	fs.BoolVarP(&o.force, "force", "f", false, "with --prune: even when more than half would be deleted")
	cmd.AddCommand(others...)
	return cmd
}

func (a *app) runImport(ctx context.Context, args []string, o importOptions) error {
	wanted, err := a.readMirrors(args)
	if err != nil {
		return err
	}
	db, err := a.store(ctx)
	if err != nil {
		return err
	}
	now, err := db.Mirrors(ctx)
	if err != nil {
		return err
	}
	plan, err := newImportPlan(wanted, now, o.prune)
	if err != nil {
		return err
	}
	if len(plan.steps) == 0 {
		if a.json {
			return a.printJSON(plan.doc(o.dryRun))
		}
		a.say("nothing to do: %d mirrors are as the files say", len(wanted))
		return nil
	}
	if !a.json {
		a.showPlan(plan)
	}
	if gone := plan.count(actDelete); gone*2 > len(now) && !o.force {
		return &codedError{exitRefused, fmt.Errorf("%d of %d mirrors would be deleted, as no file has them: give --force if that is right", gone, len(now))}
	}
	switch {
	case o.dryRun:
	case o.yes:
		err = a.applyPlan(ctx, plan)
	case a.json || !a.ask(bufio.NewReader(a.in), "Store this? [y/N] ", false):
		return errors.New("nothing was stored: answer yes, or give --yes")
	default:
		err = a.applyPlan(ctx, plan)
	}
	if err == nil && a.json {
		return a.printJSON(plan.doc(o.dryRun))
	}
	return err
}

// readMirrors reads all files before anything is believed, and says everything
// that is wrong with them.
func (a *app) readMirrors(args []string) (all []yamlMirror, err error) {
	var problems []error
	for _, arg := range args {
		files, err := filesOf(arg)
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			data, err := a.readFile(file)
			if err != nil {
				return nil, err
			}
			list, err := readYAML(file, data)
			if err == nil && len(list) == 0 {
				err = fmt.Errorf("%s: there is no mirror in it", file)
			}
			if err != nil {
				problems = append(problems, err)
			}
			all = append(all, list...)
		}
	}
	seen := map[string]string{}
	for _, m := range all {
		if first := seen[m.name]; first != "" {
			problems = append(problems, fmt.Errorf("%s: mirror %s is at %s already", m.at, m.name, first))
		}
		seen[m.name] = m.at
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	return all, nil
}

// filesOf gives the files that an argument stands for.
func filesOf(arg string) ([]string, error) {
	if arg == "-" {
		return []string{arg}, nil
	}
	fi, err := os.Stat(arg)
	if err != nil {
		return nil, err
	}
	if !fi.IsDir() {
		return []string{arg}, nil
	}
	entries, err := os.ReadDir(arg)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, e := range entries {
		name := e.Name()
		if strings.HasPrefix(name, ".") || e.IsDir() || !strings.HasSuffix(name, yamlSuffix) && !strings.HasSuffix(name, ".yml") {
			continue
		}
		files = append(files, filepath.Join(arg, name))
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s: there are no files *.yaml in it", arg)
	}
	return files, nil
}

// readFile reads a little more than is taken, so that too much is noticed.
func (a *app) readFile(file string) ([]byte, error) {
	in := a.in
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	return io.ReadAll(io.LimitReader(in, maxYAML+1))
}
