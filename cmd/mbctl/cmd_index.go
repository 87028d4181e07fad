package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/origin"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

func newIndexCommand(a *app) *cobra.Command {
	var o origin.Options
	cmd := &cobra.Command{
		Use:   "index [DIR or URL]",
		Short: "Bring the file index up to date with the origin",
		Long: `Compares the origin with the index and writes the differences. The origin is a
local folder, or an upstream by rsync, FTP or HTTP; it is remembered for later
runs. Run it after every change of the tree, and from cron.

Left out is what others may not read (a staged release becomes known when its
mode opens), rsync's temporary files and the globs of "exclude" in the
configuration. Links that leave the tree, loops and what cannot be read are
reported and stop nothing.

A run is refused when it would remove more than half of the files, or change
only the time of more than half (and at least 100): --force takes the tree as it
is; --same says that the touched files are the same versions, so that mirrors
that have them go on counting.`,
		Example: `  mbctl index /srv/pub
  mbctl index                              # the same again
  mbctl index --subtree releases/2.1       # after a release
  mbctl index rsync://upstream.example.org/pub/ --http https://upstream.example.org/pub/`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			where := ""
			if len(args) == 1 {
				where = args[0]
			}
			return a.runIndex(cmd.Context(), where, o)
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&o.HTTP, "http", "", "`URL` where clients can fetch the origin's files")
	fs.StringVarP(&o.Subtree, "subtree", "d", "", "only this folder (`PATH` in the tree)")
	fs.BoolVarP(&o.DryRun, "dry-run", "n", false, "compare and report, write nothing")
	fs.BoolVar(&o.Force, "force", false, "write even what looks like a mistake")
	fs.BoolVar(&o.Same, "same", false, "files that changed only in time are the same versions")
	return cmd
}

func (a *app) runIndex(ctx context.Context, where string, o origin.Options) error {
	if o.Force && o.Same {
		return usagef("index: --force and --same contradict each other")
	}
	conf, err := a.config()
	if err != nil {
		return err
	}
	db, err := a.store(ctx)
	if err != nil {
		return err
	}
	known, err := db.Origin(ctx)
	if err != nil {
		return err
	}
	if err := chooseOrigin(&o, where, conf, known); err != nil {
		return err
	}
	o.KeepVersions, o.Exclude = time.Duration(conf.KeepVersions), conf.Exclude
	if o.KeepVersions > 0 && o.KeepVersions < store.MinKeepVersions {
		o.KeepVersions = store.MinKeepVersions
		a.say("keep_versions is taken as 7d, the least there is: nodes that were away must still learn what is gone")
	}
	o.Timeout, o.Log, o.Holder = time.Duration(conf.ScanTimeout), a.logger(), holder()
	report, err := origin.Index(ctx, db, o)
	if a.json {
		if jerr := a.printJSON(indexDocOf(&report)); jerr != nil {
			return jerr
		}
	} else if report.Origin != "" && (err == nil || errors.Is(err, origin.ErrRefused) && report.Any()) {
		// A refused run wrote nothing; of one that failed the counts say little.
		report.DryRun = report.DryRun || err != nil
		a.say("%s", strings.TrimSuffix(report.String(), "\n"))
	}
	if err != nil {
		return err
	}
	if l := report.Listed; o.Subtree != "" && report.Before == 0 && l.Files+l.Folders == 0 && len(l.Incomplete) == 0 {
		a.say("note: neither the origin nor the index has a folder %s", printable(o.Subtree))
	}
	if mirrors, err := db.Mirrors(ctx); err == nil && len(mirrors) == 0 {
		a.say("next: mbctl new NAME -H URL [-R RSYNC-URL]")
	}
	return nil
}

// chooseOrigin decides what is indexed: what was named, else what the
// configuration names, else what the last run indexed.
func chooseOrigin(o *origin.Options, where string, conf *instance, known store.Origin) error {
	if where == "" {
		where = conf.Root
	}
	if where == "" {
		where = known.URL
	}
	switch {
	case where == "":
		return usagef("index: no origin is known yet: mbctl index DIR, or a URL")
	case strings.HasPrefix(where, "file://"):
		u, err := url.Parse(where)
		if err != nil {
			return fmt.Errorf("remembered origin %s: %w", where, err)
		}
		o.Root = u.Path
	case strings.Contains(where, "://"):
		u, err := mirror.BaseURL(where, "rsync", "rsyncs", "ftp", "ftps", "http", "https")
		if err != nil {
			return usagef("index: %w", err)
		}
		o.URL = u
	default:
		o.Root = where
	}
	if o.HTTP == "" && (o.URL == known.URL || o.Root != "" && strings.HasPrefix(known.URL, "file://")) {
		o.HTTP = known.HTTP
	}
	if o.HTTP != "" {
		u, err := mirror.PublicURL(o.HTTP)
		if err != nil {
			return usagef("--http: %w", err)
		}
		o.HTTP = u
	}
	return nil
}

// indexDoc is the JSON form of an index run's report.
type indexDoc struct {
	Origin         string    `json:"origin"`
	Subtree        string    `json:"subtree"`
	DryRun         bool      `json:"dry_run"`
	Files          int64     `json:"files"`
	Folders        int64     `json:"folders"`
	Bytes          int64     `json:"bytes"`
	Aliases        int       `json:"aliases"`
	Added          int64     `json:"added"`
	Changed        int64     `json:"changed"`
	Touched        int64     `json:"touched"`
	Removed        int64     `json:"removed"`
	AliasesAdded   int64     `json:"aliases_added"`
	AliasesRemoved int64     `json:"aliases_removed"`
	Kept           int64     `json:"kept"`
	LeftOut        []leftDoc `json:"left_out"`
	Incomplete     []string  `json:"incomplete"`
	Seconds        float64   `json:"seconds"`
}

type leftDoc struct {
	Reason   string   `json:"reason"`
	Count    int64    `json:"count"`
	Examples []string `json:"examples"`
}

func indexDocOf(r *origin.Report) indexDoc {
	d := indexDoc{
		Origin: r.Origin, Subtree: r.Subtree, DryRun: r.DryRun,
		Files: r.Listed.Files, Folders: r.Listed.Folders, Bytes: r.Listed.Bytes, Aliases: len(r.Listed.Links),
		Added: r.Added, Changed: r.Changed, Touched: r.Touched, Removed: r.Removed,
		AliasesAdded: r.AliasesAdded, AliasesRemoved: r.AliasesRemoved,
		Kept: r.Kept, LeftOut: []leftDoc{}, Incomplete: nonNil(r.Listed.Incomplete), Seconds: r.Took.Seconds(),
	}
	for _, s := range r.Listed.Skips.All() {
		d.LeftOut = append(d.LeftOut, leftDoc{string(s.Reason), s.Count, s.Examples})
	}
	return d
}
