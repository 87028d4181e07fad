package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/daemon"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/scanner"
)

// daemonFlags are what `daemon` takes.
type daemonFlags struct {
	jobs      []string
	atOnce    int
	drain     string
	logFormat string
	once      bool
}

// daemonLeaseTTL is how long after the death of a host others wait; 0: the
// daemon's own. Tests are less patient.
var daemonLeaseTTL time.Duration

func newDaemonCommand(a *app) *cobra.Command {
	var f daemonFlags
	cmd := &cobra.Command{
		Use:   "daemon",
		Short: "Do index runs, scans, hash runs and clean-ups on schedules",
		Long: `Does again and again what keeps the database right, as mbctl.toml says:

  index    every index_interval (10m), and where 'mbctl notify' and hooks ask for it
  scan     each mirror every scan_interval (6h) or its own --scan-interval; sooner
           when it lacks new files, when somebody asks for it, or when clients ask
           for new files that no mirror has; later when it fails again and again;
           not in its quiet times
  hash     every hash_interval (1h), and after an index run that changed something
  cleanup  every cleanup_interval (1d): deletes versions older than keep_versions
  geoip    every geoip_interval, if that is set: gets new GeoIP databases, on this
           host; each host that needs them has to do it
  asn      every asn_interval (1d), if asn_sources is set: 'mbctl asn update'

Any number of hosts may run it on one database: everything is done by one of
them, and when one dies another goes on after a minute. A host without the tree
leaves index and hash runs to the others.

It waits for a database that is away. SIGHUP reads mbctl.toml again. SIGTERM
ends it: scans under way may take --drain-timeout to end, then they are broken
off, and nothing is lost; a second signal ends it at once. systemd is told of
readiness, state and watchdog (Type=notify).`,
		Example: `  mbctl daemon
  mbctl daemon --jobs scan -j 8            # on a host that has no tree
  mbctl daemon --once                      # from cron: what is due, then end`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.runDaemon(cmd.Context(), f) },
	}
	fs := cmd.Flags()
	fs.StringSliceVar(&f.jobs, "jobs", daemonJobs, "`JOBS` that this host does")
	fs.IntVarP(&f.atOnce, "parallel", "j", 0, "`NUMBER` of mirrors scanned at once (default: scan_jobs, or 4)")
	fs.StringVar(&f.drain, "drain-timeout", "60s", "`TIME` that scans under way may take to end")
	fs.StringVar(&f.logFormat, "log-format", "text", "`FORMAT` of the log on standard error: text or json")
	fs.BoolVar(&f.once, "once", false, "do what is due and end")
	return cmd
}

// daemonJobs are the names for --jobs.
var daemonJobs = []string{"index", "scan", "hash", "cleanup", "geoip", "asn"}

func (a *app) runDaemon(ctx context.Context, f daemonFlags) error {
	drain, err := f.check()
	if err != nil {
		return err
	}
	unit := daemon.NewUnit() // before anything that starts programs
	log := newDaemonLog(a.err, f.logFormat, a.verbose)
	settings, err := a.daemonSettings(f, log)
	if err != nil {
		return err
	}
	db, err := a.open()
	if err != nil {
		return err
	}
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	err = daemon.Run(ctx, db, daemon.Options{
		Settings: settings, Reloads: hangup, Reload: func() (daemon.Settings, error) { return a.reloadDaemon(f, log) },
		Holder: holder(), LeaseTTL: daemonLeaseTTL, Drain: drain, Once: f.once, Unit: unit, Log: log,
	})
	if errors.Is(err, daemon.ErrSomeFailed) {
		return &codedError{exitSomeFailed, err}
	}
	return err
}

func (f *daemonFlags) check() (drain time.Duration, err error) {
	for _, name := range f.jobs {
		if !slices.Contains(daemonJobs, name) {
			return 0, usagef("--jobs %s: must be of %s", name, strings.Join(daemonJobs, ", "))
		}
	}
	switch {
	case len(f.jobs) == 0:
		return 0, usagef("--jobs: must name at least one of %s", strings.Join(daemonJobs, ", "))
	case f.atOnce < 0:
		return 0, usagef("--parallel %d: must be at least 1", f.atOnce)
	case f.logFormat != "text" && f.logFormat != "json":
		return 0, usagef("--log-format %s: must be text or json", f.logFormat)
	}
	if drain, err = parseDuration(f.drain); err != nil {
		return 0, usagef("--drain-timeout: %w", err)
	}
	return drain, nil
}

func newDaemonLog(w io.Writer, format string, verbose bool) *slog.Logger {
	o := &slog.HandlerOptions{Level: slog.LevelInfo}
	if verbose {
		o.Level = slog.LevelDebug
	}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

// reloadDaemon reads the configuration again. The database stays the one that
// the process began with.
func (a *app) reloadDaemon(f daemonFlags, log *slog.Logger) (daemon.Settings, error) {
	before := a.conf
	a.conf = nil
	s, err := a.daemonSettings(f, log)
	if err == nil && a.conf.Database != before.Database {
		log.Warn("the database of the configuration changed: restart to use it", "database", a.db.Describe())
	}
	if err != nil {
		a.conf = before
	}
	return s, err
}

// daemonSettings makes the schedules from the configuration.
func (a *app) daemonSettings(f daemonFlags, log *slog.Logger) (daemon.Settings, error) {
	var s daemon.Settings
	conf, err := a.config()
	if err != nil {
		return s, err
	}
	s.MaxScanAge = a.maxScanAge()
	if slices.Contains(f.jobs, "scan") {
		o := scanner.Options{Jobs: f.atOnce}
		if _, err := a.scanOptions(scanFlags{}, &o); err != nil {
			return s, err
		}
		s.Scans = &daemon.Scans{Interval: time.Duration(conf.ScanInterval), AtOnce: o.Jobs, Options: o}
	}
	d := recurring{a: a, conf: conf, log: log}
	for _, j := range []struct {
		name string
		make func() (daemon.Job, error)
	}{{"index", d.index}, {"hash", d.hash}, {"cleanup", d.cleanup}, {"asn", d.asn}} {
		if !slices.Contains(f.jobs, j.name) || j.name == "asn" && len(conf.ASNSources) == 0 {
			continue
		}
		job, err := j.make()
		if err != nil {
			return s, err
		}
		s.Jobs = append(s.Jobs, job)
	}
	if slices.Contains(f.jobs, "geoip") && conf.GeoIPInterval > 0 {
		job, err := d.geoip()
		if err != nil {
			return s, err
		}
		s.Jobs = append(s.Jobs, job)
	}
	return s, nil
}
