package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/scanner"
)

func newNewCommand(a *app) *cobra.Command {
	var flags mirrorFlags
	var enable bool
	cmd := &cobra.Command{
		Use:   "new NAME -H URL [-R URL] [-F URL]",
		Short: "Add a mirror",
		Long: `Adds a mirror. Its place and network are found from the addresses of its host
where they are not given and GeoIP and AS data are configured. New mirrors start
disabled: scan them, then enable them.

The mirror's top folder is listed and compared with the index, so that a base
URL that stands for a folder of the tree (--subtree) is noticed.`,
		Example: `  mbctl new example -H https://mirror.example.org/pub/ -R rsync://mirror.example.org/pub/
  mbctl new campus -H http://ftp.example.edu/dist/ -F ftp://ftp.example.edu/dist/ \
        -c de --prefix 192.0.2.0/24 --prefix-only
  mbctl scan example --enable`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runNew(cmd.Context(), args[0], &flags, enable)
		},
	}
	flags.add(cmd.Flags())
	cmd.Flags().BoolVar(&enable, "enable", false, "enable it at once; it takes requests once a scan has succeeded")
	return cmd
}

func (a *app) runNew(ctx context.Context, name string, flags *mirrorFlags, enable bool) error {
	if err := mirror.ValidName(name); err != nil {
		return usagef("%w", err)
	}
	if err := flags.check(); err != nil {
		return err
	}
	m := mirror.Mirror{Name: name, Enabled: enable}
	s := flags.over(settings{Score: 100})
	if err := s.apply(&m); err != nil {
		return usagef("%w", err)
	}
	db, err := a.store(ctx)
	if err != nil {
		return err
	}
	notes, err := a.locate(ctx, &m, flags)
	if err != nil {
		return err
	}
	if err := db.CreateMirror(ctx, &m, who()); err != nil {
		return fmt.Errorf("adding mirror %s: %w", name, err)
	}
	a.changed = true
	if a.json {
		return a.printJSON(docOf(&m, a.maxScanAge()))
	}
	a.say("added %s: %s", name, placeText(&m))
	for _, n := range notes {
		a.say("note: %s", n)
	}
	advice, err := scanner.Suggest(ctx, db, &m, scanner.Options{Log: a.logger(), Timeout: time.Duration(a.conf.ScanTimeout), RsyncProgram: a.conf.RsyncProgram})
	if err != nil {
		return fmt.Errorf("%s is added, but could not be compared with the index: %w", name, err)
	}
	if advice != "" {
		a.say("note: %s", advice)
	}
	if enable {
		a.say("next: mbctl scan %s", name)
	} else {
		a.say("next: mbctl scan %s --enable", name)
	}
	return nil
}
