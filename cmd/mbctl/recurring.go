package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/checksum"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/daemon"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/origin"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/torrent"
)

// How often the daemon's jobs run where the configuration says nothing.
const (
	defaultIndexInterval   = 10 * time.Minute
	defaultHashInterval    = time.Hour
	defaultCleanupInterval = 24 * time.Hour
	defaultASNInterval     = 24 * time.Hour
)

// recurring makes the daemon's jobs from one reading of the configuration.
type recurring struct {
	a    *app
	conf *instance
	log  *slog.Logger
}

func (r recurring) index() (daemon.Job, error) {
	if _, err := origin.NewGlobs(r.conf.Exclude); err != nil {
		return daemon.Job{}, fmt.Errorf("configuration: exclude: %w", err)
	}
	return daemon.Job{
		Name: "index", Interval: cmp.Or(time.Duration(r.conf.IndexInterval), defaultIndexInterval), Grants: store.WishIndex,
		Here: func(ctx context.Context) error {
			_, err := r.origin(ctx)
			return err
		},
		Run: r.runIndex,
	}, nil
}

// origin says what is indexed, or why this host cannot do it.
func (r recurring) origin(ctx context.Context) (origin.Options, error) {
	o := origin.Options{
		KeepVersions: time.Duration(r.conf.KeepVersions), Exclude: r.conf.Exclude,
		Timeout: time.Duration(r.conf.ScanTimeout), Log: r.log, Holder: holder(),
	}
	if o.KeepVersions > 0 {
		o.KeepVersions = max(o.KeepVersions, store.MinKeepVersions)
	}
	known, err := r.a.db.Origin(ctx)
	if err != nil {
		return o, err
	}
	if r.conf.Root == "" && known.URL == "" {
		return o, errors.New("no origin is known yet: run 'mbctl index DIR' once, or set root in mbctl.toml")
	}
	if err := chooseOrigin(&o, "", r.conf, known); err != nil || o.Root == "" {
		return o, err
	}
	// A folder of the same name on another host is another tree.
	if host, _ := os.Hostname(); r.conf.Root == "" && known.Host != host {
		return o, fmt.Errorf("%s was indexed on %s (set root in mbctl.toml if it is here, too)", mirror.Redact(known.URL), known.Host)
	}
	return o, isFolder(o.Root)
}

func isFolder(path string) error {
	info, err := os.Stat(path)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is no folder", path)
	}
	return err
}

func (r recurring) runIndex(ctx context.Context, folders []string) (daemon.Result, error) {
	var res daemon.Result
	o, err := r.origin(ctx)
	if err != nil {
		return res, err
	}
	if len(folders) == 0 {
		folders = []string{""}
	}
	var added, changed, removed, files int64
	for _, folder := range folders {
		o.Subtree = folder
		var report origin.Report
		report, err = origin.Index(ctx, r.a.db, o)
		if err != nil {
			break
		}
		added, changed, removed = added+report.Added, changed+report.Changed, removed+report.Removed
		files += report.Listed.Files
		res.Changed = res.Changed || report.Any()
	}
	res.Said = []any{"files", files, "added", added, "changed", changed, "removed", removed}
	return res, err
}

func (r recurring) hash() (daemon.Job, error) {
	o := checksum.Options{ZSync: r.conf.ZSync, Tree: r.conf.HybridTorrents, Holder: holder(), InfoHashes: torrent.InfoHashes}
	var f hashFlags
	if err := f.apply(r.conf, &o); err != nil {
		return daemon.Job{}, err
	}
	return daemon.Job{
		Name: "hash", Interval: cmp.Or(time.Duration(r.conf.HashInterval), defaultHashInterval), After: "index",
		Here: func(ctx context.Context) error {
			_, err := r.tree(ctx, o)
			return err
		},
		Run: func(ctx context.Context, _ []string) (daemon.Result, error) {
			here, err := r.tree(ctx, o)
			if err != nil {
				return daemon.Result{}, err
			}
			report, err := checksum.Run(ctx, r.a.db, here)
			if err == nil && report.Unreadable > 0 {
				err = fmt.Errorf("%d files could not be read", report.Unreadable)
			}
			return daemon.Result{
				Changed: report.Files > 0,
				Said:    []any{"files", report.Files, "signatures", report.Signatures, "changed_meanwhile", report.Changed},
			}, err
		},
	}, nil
}

// tree says where the files to hash are, or why this host cannot do it.
func (r recurring) tree(ctx context.Context, o checksum.Options) (checksum.Options, error) {
	known, err := r.a.db.Origin(ctx)
	if err != nil {
		return o, err
	}
	host, _ := os.Hostname()
	switch {
	case known.URL == "":
		return o, errors.New("there is no index yet")
	case strings.HasPrefix(known.URL, "file://") && known.Host != host && r.conf.Root == "":
		return o, fmt.Errorf("the tree was indexed on %s (set root in mbctl.toml if it is here, too)", known.Host)
	case !strings.Contains(r.conf.Root, "://"):
		o.Root = r.conf.Root
	}
	return o, chooseTree(&o, known)
}

func (r recurring) cleanup() (daemon.Job, error) {
	return daemon.Job{
		Name: "cleanup", Interval: cmp.Or(time.Duration(r.conf.CleanupInterval), defaultCleanupInterval),
		Run: func(ctx context.Context, _ []string) (daemon.Result, error) {
			keep := time.Duration(r.conf.KeepVersions)
			if keep == 0 { // another host may index, and be told for how long
				setting, err := r.a.db.Setting(ctx, store.SettingKeepVersions)
				if err != nil {
					return daemon.Result{}, err
				}
				if keep, err = time.ParseDuration(setting); err != nil {
					keep = mirror.DefaultKeepVersions
				}
			}
			st, err := r.a.db.Purge(ctx, max(keep, store.MinKeepVersions))
			return daemon.Result{Said: []any{"versions", st.Versions, "mirrors", st.Mirrors, "aliases", st.Aliases}}, err
		},
	}, nil
}

// asn fetches the table of announced prefixes, of which there are sources.
func (r recurring) asn() (daemon.Job, error) {
	return daemon.Job{
		Name: "asn", Interval: cmp.Or(time.Duration(r.conf.ASNInterval), defaultASNInterval),
		Run: func(ctx context.Context, _ []string) (daemon.Result, error) {
			u := networkUpdate{db: r.a.db, sources: r.conf.ASNSources}
			defer u.clean()
			fresh, err := u.fetch(ctx)
			if err != nil {
				return daemon.Result{}, notChanged(err)
			}
			if !fresh {
				return daemon.Result{Said: []any{"new", false}}, nil
			}
			t, err := u.load()
			if err == nil {
				err = u.replace(ctx, t)
			}
			if err != nil {
				return daemon.Result{}, err
			}
			return daemon.Result{Said: []any{"new", true, "prefixes", t.table.Len(), "names", len(t.names)}}, nil
		},
	}, nil
}
