package main

import (
	"context"
	"fmt"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

func (a *app) newDBSizes() *cobra.Command {
	return &cobra.Command{
		Use:     "sizes",
		Short:   "Show how large the tables are",
		Long:    `Shows rows and bytes of each table, its indexes with it.`,
		Example: "  mbctl db sizes",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.runDBSizes(cmd.Context()) },
	}
}

func (a *app) runDBSizes(ctx context.Context) error {
	db, err := a.store(ctx)
	if err != nil {
		return err
	}
	list, total, err := db.Sizes(ctx)
	if err != nil {
		return err
	}
	type sizeDoc struct {
		Table string `json:"table"`
		Rows  int64  `json:"rows"`
		Bytes *int64 `json:"bytes"` // null: not known
	}
	_, tty := terminal(a.out)
	size := func(n int64) string {
		if tty {
			return humanize.IBytes(uint64(n))
		}
		return fmt.Sprint(n)
	}
	docs, rows := []sizeDoc{}, [][]string{}
	for i := range list {
		t := &list[i]
		doc, bytes := sizeDoc{Table: t.Name, Rows: t.Rows}, "?"
		if t.Bytes >= 0 {
			doc.Bytes, bytes = &t.Bytes, size(t.Bytes)
		}
		docs = append(docs, doc)
		rows = append(rows, []string{t.Name, fmt.Sprint(t.Rows), bytes})
	}
	if a.json {
		return a.printJSON(map[string]any{"tables": docs, "total": total})
	}
	rows = append(rows, []string{"total", "", size(total)})
	a.printTable(sheet{header: []string{"table", "rows", "size"}, rows: rows, right: []int{1, 2}})
	return nil
}

func (a *app) newDBVacuum() *cobra.Command {
	var dryRun bool
	var keep string
	cmd := &cobra.Command{
		Use:   "vacuum",
		Short: "Delete what nobody needs any more, and give its space back",
		Long: `Deletes what nobody needs any more: versions that were replaced or removed longer
ago than keep_versions (30 days), the log of changes beyond keep_events (a year),
marks of what was deleted, sums and prefix tables that belong to nothing, what was
sent to mirrors more than 400 days ago, and their states and scans of then; of the
scans of days more than 30 days ago one is kept that was good, and one that failed.
Then the tables are vacuumed and analysed; a SQLite file is written anew when a tenth of it
is empty. Nodes and scans go on meanwhile. Once a week is enough.`,
		Example: "  mbctl db vacuum --dry-run\n  mbctl db vacuum --keep-events 90d",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.runDBVacuum(cmd.Context(), keep, dryRun)
		},
	}
	cmd.Flags().BoolVarP(&dryRun, "dry-run", "n", false, "only say what would be deleted")
	cmd.Flags().StringVar(&keep, "keep-events", "", "`TIME` that the log of changes is kept, for example 90d (default: keep_events, or 365d)")
	return cmd
}

// keeps gives how long versions and events are kept.
func (a *app) keeps(ctx context.Context, db *store.Store, events string) (keepVersions, keepEvents time.Duration, err error) {
	keepVersions, keepEvents = mirror.DefaultKeepVersions, store.DefaultKeepEvents
	if a.conf.KeepEvents > 0 {
		keepEvents = time.Duration(a.conf.KeepEvents)
	}
	if events != "" {
		if keepEvents, err = parseDuration(events); err != nil {
			return 0, 0, usagef("--keep-events: %w", err)
		}
	}
	if a.conf.KeepVersions > 0 {
		return max(time.Duration(a.conf.KeepVersions), store.MinKeepVersions), keepEvents, nil
	}
	// As the last index run kept them: nodes are told the same.
	kept, err := db.Setting(ctx, store.SettingKeepVersions)
	if err != nil {
		return 0, 0, err
	}
	if d, err := time.ParseDuration(kept); err == nil && d > 0 {
		keepVersions = d
	}
	return max(keepVersions, store.MinKeepVersions), keepEvents, nil
}

func (a *app) runDBVacuum(ctx context.Context, events string, dryRun bool) error {
	db, err := a.store(ctx)
	if err != nil {
		return err
	}
	keepVersions, keepEvents, err := a.keeps(ctx, db, events)
	if err != nil {
		return err
	}
	var r store.Retired
	if dryRun {
		if r, err = db.CountRetired(ctx, keepVersions, keepEvents); err != nil {
			return err
		}
	} else if r, err = vacuum(ctx, db, keepVersions, keepEvents); err != nil {
		return err
	}
	if a.json {
		return a.printJSON(map[string]any{
			"dry_run": dryRun, "versions": r.Versions, "events": r.Events, "changes": r.Changes, "mirrors": r.Mirrors,
			"aliases": r.Aliases, "zsync_parts": r.Parts, "prefixes": r.Prefixes, "as_names": r.Names,
			"traffic_days": r.Traffic, "scan_runs": r.Runs, "mirror_states": r.States,
		})
	}
	verb := "deleted"
	if dryRun {
		verb = "would delete"
	}
	a.say("%s %s versions, %s events, %s positions, %s marks of mirrors and %s of aliases, %s parts of zsync sums, %s prefixes and %s names of networks, %s days of traffic, %s scans and %s states of mirrors", verb,
		count(r.Versions), count(r.Events), count(r.Changes), count(r.Mirrors), count(r.Aliases), count(r.Parts), count(r.Prefixes), count(r.Names), count(r.Traffic), count(r.Runs), count(r.States))
	return nil
}

func vacuum(ctx context.Context, db *store.Store, keepVersions, keepEvents time.Duration) (r store.Retired, err error) {
	purged, err := db.Purge(ctx, keepVersions)
	if err != nil {
		return r, err
	}
	if r, err = db.Retire(ctx, keepEvents); err != nil {
		return r, err
	}
	r.Versions, r.Changes, r.Mirrors, r.Aliases = purged.Versions, purged.Changes, purged.Mirrors, purged.Aliases
	if err := db.Compact(ctx); err != nil {
		return r, fmt.Errorf("what was out of date is deleted, but its space is not given back: %w", err)
	}
	return r, nil
}
