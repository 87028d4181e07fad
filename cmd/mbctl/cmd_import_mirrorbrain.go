package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/movein/mirrorbrain"
)

func newImportMirrorBrainCommand(a *app) *cobra.Command {
	var f moveInFlags
	var conf, instance string
	cmd := &cobra.Command{
		Use:   "mirrorbrain [postgres://...] [--conf FILE]",
		Short: "Take mirrors, markers and digests over from MirrorBrain",
		Long: `Takes mirrors, their scores, flags, notes and contacts, markers and digests over
from the database of a MirrorBrain 2.17 to 2.19, or of openSUSE's of 2020.
Nothing is written there. Without a URL the database is that of an instance of
MirrorBrain's configuration file, of which the settings that have a counterpart
are printed as lines for mbctl.toml.

` + moveInHelp,
		Example: `  mbctl import mirrorbrain postgres://mb@old.example.org/mirrorbrain --dry-run
  mbctl import mirrorbrain --conf /etc/mirrorbrain.conf
  mbctl import mirrorbrain --conf /etc/mirrorbrain.conf --from-instance nightly
  mbctl import mirrorbrain --conf /etc/mirrorbrain.conf --only mirror.example.org,other`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 && conf == "" {
				return usagef("import mirrorbrain: give the database's URL (postgres://USER:PASSWORD@HOST/NAME), or MirrorBrain's configuration file with --conf")
			}
			if instance != "" && conf == "" {
				return usagef("--from-instance: an instance of which file? Name it with --conf")
			}
			dbURL, settings, err := a.mirrorBrainConf(conf, instance)
			if err != nil {
				return err
			}
			if len(args) > 0 {
				dbURL = args[0]
			}
			return a.importMirrorBrain(cmd.Context(), dbURL, settings, &f)
		},
	}
	f.add(cmd.Flags())
	cmd.Flags().StringVar(&conf, "conf", "", "MirrorBrain's configuration `FILE`, usually /etc/mirrorbrain.conf")
	cmd.Flags().StringVar(&instance, "from-instance", "", "`INSTANCE` of that file (default: the one called as with -b, else its first)")
	return cmd
}

// foreignSettings are those of the other system's configuration file.
type foreignSettings struct {
	instance  string
	instances []string
	lines     []string // for mbctl.toml
	left      []string
}

// mirrorBrainConf reads what MirrorBrain's configuration file says; path "" is none.
func (a *app) mirrorBrainConf(path, instance string) (dbURL string, s *foreignSettings, err error) {
	if path == "" {
		return "", nil, nil
	}
	conf, err := mirrorbrain.ReadConfig(path)
	if err != nil {
		return "", nil, err
	}
	if instance == "" {
		for _, ours := range []string{a.flagInstance, os.Getenv("MB")} {
			if instance == "" && slices.Contains(conf.Instances, ours) {
				instance = ours
			}
		}
	}
	in, err := conf.Instance(instance)
	if err != nil {
		return "", nil, usagef("%w", err)
	}
	s = &foreignSettings{instance: in.Name, instances: conf.Instances}
	s.lines, s.left = in.Settings()
	dbURL, err = in.DatabaseURL()
	return dbURL, s, err
}

func (a *app) importMirrorBrain(ctx context.Context, dbURL string, settings *foreignSettings, f *moveInFlags) error {
	if scheme, _, _ := strings.Cut(dbURL, ":"); scheme != "postgres" && scheme != "postgresql" {
		return usagef("import mirrorbrain: a database's URL begins with postgres://") // what was given may be a password
	}
	from, err := mirrorbrain.Open(ctx, dbURL)
	if err != nil {
		return err
	}
	defer from.Close()
	inv, err := from.Inventory(ctx)
	if err != nil {
		return err
	}
	if settings != nil {
		for _, other := range settings.instances {
			if other != settings.instance {
				inv.Left = append(inv.Left, fmt.Sprintf("instance %s: import it into a database of its own, with --from-instance %s", other, other))
			}
		}
	}
	return a.moveIn(ctx, &moveIn{inventory: inv, source: from.Name(), digests: from.Digests, settings: settings, flags: f})
}
