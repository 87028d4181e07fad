package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/origin"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/scanner"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// scanFlags are what `scan` takes besides the scanner's own options.
type scanFlags struct {
	all, due  bool
	timeout   string
	maxTime   string
	failAfter string
}

func newScanCommand(a *app) *cobra.Command {
	var o scanner.Options
	var f scanFlags
	cmd := &cobra.Command{
		Use:   "scan NAME... | --all",
		Short: "Find out which files mirrors hold",
		Long: `Lists mirrors by rsync, FTP, S3 or HTTP, compares the listings with the index, asks
each mirror's web server for a sample, and stores what it holds. A mirror is
credited with a file only when its copy agrees in size and time with what the
origin has or had. The next protocol is tried when one fails. Interrupting a
scan changes nothing.

When most of what a mirror held is not listed any more, twenty files are asked
for by HEAD: gone, the mirror loses them; there, the listing was wrong and
nothing changes.

Files larger than 2 or 4 GiB are asked for by range once for each mirror; one
that the web server cannot serve from there on is not credited, and is asked for
again after a week, or with --force. A server that says it is busy is tried again
some minutes later, while others are scanned.

With --all, mirrors in one of their quiet times are left in peace; mirrors that
are named are scanned nevertheless. When more than half of at least five mirrors
that had not failed before do so at once, the fault is likely here: nothing is
remembered of it, and the exit code is 1.`,
		Example: `  mbctl scan example --enable
  mbctl scan --all -j 8
  mbctl scan --all --subtree releases/2.1      # after a release
  mbctl scan --all --due --quiet               # from cron
  mbctl scan --all --quiet --fail-after 24h`,
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case f.all && len(args) > 0:
				return usagef("scan: name mirrors or say --all, not both")
			case !f.all && len(args) == 0:
				return usagef("scan: which mirrors? Name them, or say --all")
			}
			return nil
		},
		ValidArgsFunction: a.completeMirrors,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runScan(cmd.Context(), args, f, o)
		},
	}
	fs := cmd.Flags()
	fs.BoolVarP(&f.all, "all", "a", false, "all mirrors that are enabled or will be after a scan; with --enable really all")
	fs.BoolVar(&f.due, "due", false, "only those whose scan interval is over (their own, or scan_interval, 6h; failing ones are tried sooner)")
	fs.IntVarP(&o.Jobs, "jobs", "j", 0, "`NUMBER` of mirrors scanned at once (default: scan_jobs, or 4)")
	fs.StringVarP(&o.Subtree, "subtree", "d", "", "only this folder (`PATH` in the tree)")
	fs.BoolVarP(&o.Enable, "enable", "e", false, "enable each mirror whose scan succeeds")
	fs.StringSliceVar(&o.Protocols, "protocol", nil, "`PROTOCOLS` to try, in this order: rsync, ftp, s3, http")
	fs.StringVar(&f.timeout, "timeout", "", "`SILENCE` after which a server is given up (default: scan_timeout, or 60s)")
	fs.StringVar(&f.maxTime, "max-time", "", "`TIME` after which a mirror's scan is given up (default: 12h)")
	fs.StringVar(&o.RsyncProgram, "rsync-program", "", "list with this rsync `PROGRAM` instead of the built-in client")
	fs.BoolVar(&o.NoRangeCheck, "no-range-check", false, "believe files beyond 2 and 4 GiB without asking for a part of them")
	fs.BoolVar(&o.Force, "force", false, "believe a listing that lacks most of what was held; ask again for large files found wanting")
	fs.BoolVarP(&o.DryRun, "dry-run", "n", false, "report what would change, change nothing")
	fs.StringVar(&f.failAfter, "fail-after", "", "exit 3 only for mirrors failing for this `LONG`, for example 24h")
	return cmd
}

func (a *app) runScan(ctx context.Context, names []string, f scanFlags, o scanner.Options) error {
	failAfter, err := a.scanOptions(f, &o)
	if err != nil {
		return err
	}
	mirrors, err := a.scanTargets(ctx, names, f, o.Enable)
	if err == nil && len(mirrors) == 0 && a.json {
		return a.printJSON([]any{})
	}
	if err != nil || len(mirrors) == 0 {
		return err
	}
	if o.Subtree, err = mirror.CleanSubtree(o.Subtree); err != nil {
		return usagef("--subtree: %w", err)
	}
	if n, err := a.indexed(ctx); err != nil {
		return err
	} else if n == 0 {
		return fmt.Errorf("the index is empty, so nothing can be compared with it: run 'mbctl index DIR' first")
	}
	if _, _, _, err := a.db.FolderIDs(ctx, o.Subtree); errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("the index has no files below %s/: is it spelt right, and was 'mbctl index' run since it is there?", o.Subtree)
	}
	wishes, err := a.scanWishes(ctx, &o)
	if err != nil {
		return err
	}
	p := a.newProgress(len(mirrors))
	o.Progress, o.Once = p.update, f.all
	a.changed = true
	reports, err := scanner.Scan(ctx, a.db, mirrors, o)
	p.finish()
	if err != nil {
		return err
	}
	if err := a.printReports(reports); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return errors.New("interrupted; what was finished is stored, the rest is as it was")
	}
	if err := a.grantScans(ctx, wishes, mirrors, reports, o.Subtree); err != nil {
		return err
	}
	if doubt := scanner.Doubt(reports); doubt != "" {
		return errors.New(doubt)
	}
	return a.scanFailures(ctx, reports, failAfter)
}

// scanOptions completes the flags from the configuration.
func (a *app) scanOptions(f scanFlags, o *scanner.Options) (failAfter time.Duration, err error) {
	conf, err := a.config()
	if err != nil {
		return 0, err
	}
	if o.Jobs < 0 {
		return 0, usagef("--jobs %d: must be at least 1", o.Jobs)
	}
	if o.Jobs == 0 {
		o.Jobs = conf.ScanJobs
	}
	o.Timeout = time.Duration(conf.ScanTimeout)
	if f.timeout != "" {
		if o.Timeout, err = parseDuration(f.timeout); err != nil {
			return 0, usagef("--timeout: %w", err)
		}
	}
	if f.maxTime != "" {
		if o.MaxTime, err = parseDuration(f.maxTime); err != nil {
			return 0, usagef("--max-time: %w", err)
		}
	}
	if f.failAfter != "" {
		if failAfter, err = parseDuration(f.failAfter); err != nil {
			return 0, usagef("--fail-after: %w", err)
		}
	}
	for _, p := range o.Protocols {
		if !slices.Contains(scanner.Protocols, p) {
			return 0, usagef("--protocol %s: must be one of %s", p, strings.Join(scanner.Protocols, ", "))
		}
	}
	if o.RsyncProgram == "" {
		o.RsyncProgram = conf.RsyncProgram
	}
	if _, err := origin.NewGlobs(conf.ScanExclude); err != nil {
		return 0, usagef("scan_exclude: %w", err)
	}
	o.Exclude, o.Top, o.DigestSize = conf.ScanExclude, conf.ScanTop, int64(conf.ScanDigestSize)
	o.Holder, o.Log = holder(), a.logger()
	return failAfter, nil
}

// scanTargets gives the mirrors to scan, or says why there are none.
func (a *app) scanTargets(ctx context.Context, names []string, f scanFlags, enable bool) ([]mirror.Mirror, error) {
	db, err := a.store(ctx)
	if err != nil {
		return nil, err
	}
	var mirrors []mirror.Mirror
	if f.all {
		if mirrors, err = db.Mirrors(ctx); err != nil {
			return nil, err
		}
		total := len(mirrors)
		mirrors = slices.DeleteFunc(mirrors, func(m mirror.Mirror) bool { return !m.Enabled && !m.EnableAfterScan && !enable })
		if len(mirrors) == 0 {
			switch total {
			case 0:
				a.say("There are no mirrors yet. Add one: mbctl new NAME -H URL [-R RSYNC-URL]")
			default:
				a.say("None of the %d mirrors is enabled. Scan one and enable it: mbctl scan NAME --enable", total)
			}
			return nil, nil
		}
	}
	for _, name := range names {
		m, err := a.findMirror(ctx, name)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(mirrors, func(o mirror.Mirror) bool { return o.ID == m.ID }) {
			mirrors = append(mirrors, m)
		}
	}
	if f.due {
		mirrors = a.dueMirrors(mirrors)
	}
	if f.all {
		return a.notQuiet(mirrors), nil
	}
	for i := range mirrors {
		if mirrors[i].InQuiet(time.Now()) {
			a.say("%s: it is one of its quiet times, but it was asked for by name", mirrors[i].Name)
		}
	}
	return mirrors, nil
}

// dueMirrors gives those whose scan is due, and says so if there are none.
func (a *app) dueMirrors(mirrors []mirror.Mirror) []mirror.Mirror {
	due := slices.DeleteFunc(slices.Clone(mirrors), func(m mirror.Mirror) bool {
		return scanner.NextScan(&m, time.Duration(a.conf.ScanInterval)).After(time.Now())
	})
	if len(due) == 0 && len(mirrors) > 0 {
		a.say("No mirror is due. 'mbctl list' shows when each was scanned; without --due all are.")
	}
	return due
}

// notQuiet leaves out the mirrors that are to be left in peace now.
func (a *app) notQuiet(mirrors []mirror.Mirror) []mirror.Mirror {
	return slices.DeleteFunc(mirrors, func(m mirror.Mirror) bool {
		if m.InQuiet(time.Now()) {
			a.say("%s: skipped, it is one of its quiet times", m.Name)
			return true
		}
		return false
	})
}

// indexed counts the files of the index.
func (a *app) indexed(ctx context.Context) (int64, error) {
	_, n, _, err := a.db.FolderIDs(ctx, "")
	if errors.Is(err, store.ErrNotFound) { // never indexed
		return 0, nil
	}
	return n, err
}

// scanFailures turns failed scans into the error that names them.
func (a *app) scanFailures(ctx context.Context, reports []scanner.Report, failAfter time.Duration) error {
	var failed []string
	var ours []error // why scans failed that the mirrors are not to blame for
	for _, r := range reports {
		if r.Err == nil {
			continue
		}
		if errors.Is(r.Err, store.ErrUnreachable) || errors.Is(r.Err, store.ErrFull) || errors.Is(r.Err, store.ErrReadOnly) {
			ours = append(ours, r.Err)
		}
		if failAfter > 0 {
			m, err := a.db.Mirror(ctx, r.Mirror)
			if err == nil && (m.Scan.FailingSince.IsZero() || time.Since(m.Scan.FailingSince) < failAfter) {
				continue
			}
		}
		failed = append(failed, fmt.Sprintf("%s (%v)", r.Mirror, r.Err))
	}
	if len(failed) == 0 {
		return nil
	}
	code := exitSomeFailed
	if len(ours) == len(failed) {
		code = exitCode(ours[0])
	}
	return &codedError{code, fmt.Errorf("%d of %d mirrors failed: %s", len(failed), len(reports), strings.Join(failed, "; "))}
}
