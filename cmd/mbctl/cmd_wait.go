package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/await"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/scanner"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// waitFlags are the flags of `wait`.
type waitFlags struct {
	share, complete, timeout, scanEvery string
	scan, noWaitIndex                   bool
}

func newWaitCommand(a *app) *cobra.Command {
	var w await.Want
	var f waitFlags
	cmd := &cobra.Command{
		Use:   "wait PATH --mirrors N",
		Short: "Wait until enough mirrors have a file or folder",
		Long: `Waits until enough mirrors hold the current version of a file, or of all files of
a folder. Only mirrors count that take requests (state up), and that may be sent
requests for it: not those with score 0, with another subtree, or with a
--max-size below the file's. For release scripts: announce when it returns.

A PATH that the index does not know yet is waited for, too. How things stand is
printed on standard error whenever it changes.

With --per-continent --mirrors is a number for each continent that has enabled
mirrors; a continent with fewer needs all it has. --share asks for mirrors that
carry so much of the load: the sum of their scores against that of all enabled
mirrors that could have it.

With --scan the mirrors that lack it are scanned from here, now and every few
minutes. Without, it needs scans by others: 'mbctl daemon', or cron.

Exit codes: 0 enough mirrors have it; 1 error; 2 usage; 3 not enough before
--timeout; 4 database unreachable at the start.`,
		Example: `  mbctl wait releases/2.1/x.iso --mirrors 5 --timeout 6h
  mbctl wait releases/2.1 --mirrors 10 --share 60% --scan
  mbctl wait releases/2.1 --mirrors 2 --per-continent --complete 95%`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("wait: for which file or folder?")
			}
			return nil
		},
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			w.Path = args[0]
			return a.runWait(cmd.Context(), w, f)
		},
	}
	fs := cmd.Flags()
	fs.IntVarP(&w.Mirrors, "mirrors", "m", 0, "this `NUMBER` of mirrors")
	fs.StringVar(&f.share, "share", "", "mirrors that carry this `SHARE` of the load, for example 60%")
	fs.BoolVar(&w.PerContinent, "per-continent", false, "that many mirrors on each continent that has any")
	fs.StringVar(&f.complete, "complete", "", "of a folder's files a mirror must have this `SHARE` (default 100%)")
	fs.StringVar(&f.timeout, "timeout", "", "wait for this `LONG` at most (default: for ever)")
	fs.BoolVar(&f.scan, "scan", false, "scan the mirrors that lack it")
	fs.StringVar(&f.scanEvery, "scan-every", "", "with --scan: this `LONG` from one scan to the next (default 5m)")
	fs.BoolVar(&f.noWaitIndex, "no-wait-index", false, "fail when the index does not know PATH")
	return cmd
}

// waiting is one `mbctl wait` at work.
type waiting struct {
	a         *app
	want      await.Want
	index     bool          // wait for the index, too
	scanEvery time.Duration // 0: others scan
	said      string
	away      bool

	scans     chan struct{} // holds one while a scan is under way
	scannedAt time.Time
}

func (a *app) runWait(ctx context.Context, want await.Want, f waitFlags) error {
	limit, every, err := waitOptions(&want, f)
	if err != nil {
		return err
	}
	if _, err := a.store(ctx); err != nil {
		return err
	}
	want.MaxScanAge = a.maxScanAge()
	began := time.Now()
	w := &waiting{a: a, want: want, index: !f.noWaitIndex, scanEvery: every, scans: make(chan struct{}, 1)}
	limited, cancel := ctx, context.CancelFunc(func() {})
	if limit > 0 {
		limited, cancel = context.WithTimeout(ctx, limit)
	}
	s, err := w.run(limited)
	cancel()              // of a scan that is not needed any more
	w.scans <- struct{}{} // it has ended
	timedOut := err != nil && limited.Err() != nil && ctx.Err() == nil
	if err != nil && !timedOut {
		return err
	}
	if a.json {
		if err := a.printJSON(waitDocOf(&s, time.Since(began))); err != nil {
			return err
		}
	}
	if timedOut {
		return &codedError{exitSomeFailed, fmt.Errorf("%s: not enough after %v: %s", printable(want.Path), limit, lackers(&s))}
	}
	a.say("%s", printable(s.String()))
	return nil
}

func waitOptions(w *await.Want, f waitFlags) (limit, every time.Duration, err error) {
	if w.Path, err = mirror.CleanSubtree(w.Path); err != nil {
		return 0, 0, usagef("%w", err)
	}
	if w.Share, err = parsePercent(f.share); err != nil {
		return 0, 0, usagef("--share: %w", err)
	}
	if w.Complete, err = parsePercent(f.complete); err != nil {
		return 0, 0, usagef("--complete: %w", err)
	}
	switch {
	case w.Mirrors < 0:
		return 0, 0, usagef("--mirrors %d: must be at least 1", w.Mirrors)
	case w.Mirrors == 0 && w.Share == 0:
		return 0, 0, usagef("wait: for how many mirrors? Say --mirrors N, or --share P%%")
	case w.Mirrors == 0 && w.PerContinent:
		return 0, 0, usagef("--per-continent: needs --mirrors N, the number on each continent")
	}
	if f.timeout != "" {
		if limit, err = parseDuration(f.timeout); err != nil || limit == 0 {
			return 0, 0, usagef("--timeout %s: write for example 90s, 36h or 14d", f.timeout)
		}
	}
	if f.scan {
		every = 5 * time.Minute
		if f.scanEvery != "" {
			if every, err = parseDuration(f.scanEvery); err != nil || every < time.Second {
				return 0, 0, usagef("--scan-every %s: must be a second at least", f.scanEvery)
			}
		}
	}
	return limit, every, nil
}

// parsePercent reads "60%" or "60" as 0.6; "" is 0.
func parsePercent(s string) (float64, error) {
	if s == "" {
		return 0, nil
	}
	p, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(s, "%")), 64)
	if err != nil || !(p > 0 && p <= 100) {
		return 0, fmt.Errorf("%q: write for example 60%%", s)
	}
	return p / 100, nil
}

const (
	waitPoll = time.Second      // for the head of the database
	waitLook = 30 * time.Second // for what only time changes: scans that grow too old
)

// run looks until enough mirrors have it. With an error goes how things stood
// last.
func (w *waiting) run(ctx context.Context) (await.Standing, error) {
	var s await.Standing
	var seen store.Head
	var looked time.Time
	for {
		head, err := w.a.db.Head(ctx)
		if err == nil && (head != seen || looked.IsZero() || time.Since(looked) > waitLook) {
			var now await.Standing
			if now, err = await.Look(ctx, w.a.db, w.want, time.Now()); err == nil {
				s, seen, looked = now, head, time.Now()
				w.say(s.String())
				switch {
				case s.Enough:
					return s, nil
				case s.Target.IDs.IsEmpty() && !w.index:
					return s, fmt.Errorf("%s is not in the index: is it spelt right, and was 'mbctl index' run since it is there?", printable(w.want.Path))
				}
			}
		}
		switch {
		case ctx.Err() != nil:
			return s, ctx.Err()
		case err == nil:
			w.away = false
			w.scan(ctx, &s)
		case !errors.Is(err, store.ErrUnreachable):
			return s, err
		case !w.away: // it may come back
			w.away = true
			w.say("the database does not answer, waiting for it")
		}
		w.a.db.Wait(ctx, waitPoll)
		select { // a burst of changes is looked at once
		case <-time.After(waitPoll / 5):
		case <-ctx.Done():
		}
	}
}

// say prints how things stand when that has changed.
func (w *waiting) say(line string) {
	if line != w.said && !w.a.quiet && !w.a.json {
		fmt.Fprintf(w.a.err, "%s  %s\n", time.Now().Format("15:04:05"), printable(line))
	}
	w.said = line
}

// scan begins to scan those who lack it, if it is time and nothing is under way.
func (w *waiting) scan(ctx context.Context, s *await.Standing) {
	if w.scanEvery == 0 || s.Target.IDs.IsEmpty() || !w.scannedAt.IsZero() && time.Since(w.scannedAt) < w.scanEvery {
		return
	}
	var mirrors []mirror.Mirror
	for _, l := range s.Lack {
		if l.Up && !l.Mirror.InQuiet(time.Now()) {
			mirrors = append(mirrors, l.Mirror)
		}
	}
	if len(mirrors) == 0 {
		return
	}
	select {
	case w.scans <- struct{}{}:
	default:
		return
	}
	w.scannedAt, w.a.changed = time.Now(), true
	o := scanner.Options{
		Subtree: s.Target.Subtree(), Holder: holder(), Log: w.a.logger(), Jobs: w.a.conf.ScanJobs,
		Timeout: time.Duration(w.a.conf.ScanTimeout), RsyncProgram: w.a.conf.RsyncProgram,
	}
	go func() {
		defer func() { <-w.scans }()
		reports, err := scanner.Scan(ctx, w.a.db, mirrors, o)
		if err != nil {
			o.Log.Warn("scanning failed", "error", err)
		}
		for _, r := range reports {
			if r.Err != nil {
				o.Log.Info("a scan failed", "mirror", r.Mirror, "error", r.Err)
			}
		}
	}()
}

// lackers names who does not have it.
func lackers(s *await.Standing) string {
	if s.Target.IDs == nil || s.Target.IDs.IsEmpty() {
		return "the index does not know it"
	}
	var names []string
	for _, l := range s.Lack {
		names = append(names, fmt.Sprintf("%s (%s)", l.Mirror.Name, l.Why))
	}
	have := fmt.Sprintf("%d mirrors have", len(s.Have))
	if len(s.Have) == 1 {
		have = "1 mirror has"
	}
	switch {
	case len(names) == 0 && len(s.Have) == 0:
		return "there is no enabled mirror that could have it, see 'mbctl list --all'"
	case len(names) == 0:
		return have + " it, and no other that is enabled could"
	}
	return fmt.Sprintf("%s it, with %.0f%% of the load; not %s", have, 100*s.Share, strings.Join(names, ", "))
}

// waitDoc is the JSON form of how things stand.
type waitDoc struct {
	Path       string             `json:"path"`
	Enough     bool               `json:"enough"`
	Indexed    bool               `json:"indexed"`
	Have       []string           `json:"have"`
	Lack       map[string]string  `json:"lack"`
	Share      float64            `json:"share_percent"`
	Continents map[string]waitOne `json:"continents"`
	Seconds    float64            `json:"seconds"`
}

type waitOne struct {
	Have int `json:"have"`
	Of   int `json:"of"`
	Need int `json:"need"`
}

func waitDocOf(s *await.Standing, took time.Duration) waitDoc {
	d := waitDoc{
		Path: s.Target.Path, Enough: s.Enough, Indexed: s.Target.IDs != nil && !s.Target.IDs.IsEmpty(),
		Have: []string{}, Lack: map[string]string{}, Share: 100 * s.Share, Continents: map[string]waitOne{}, Seconds: took.Seconds(),
	}
	for _, m := range s.Have {
		d.Have = append(d.Have, m.Name)
	}
	for _, l := range s.Lack {
		d.Lack[l.Mirror.Name] = l.Why
	}
	for name, c := range s.Continents {
		d.Continents[name] = waitOne(c)
	}
	return d
}
