package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/accesslog"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror/glob"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/replay"
)

// simulateFlags are what `simulate` takes.
type simulateFlags struct {
	changes simulateChanges

	format, by, path, host, strip, scheme string
	from, to                              string
	node                                  string
	site, top                             int
	limit                                 int64
	seed                                  uint64
	exact, allUp, chart                   bool
}

func newSimulateCommand(a *app) *cobra.Command {
	var f simulateFlags
	cmd := &cobra.Command{
		Use:   "simulate ACCESSLOG...",
		Short: "Replay logs of downloads: which mirror would get what, now and after a change",
		Long: `Reads logs of downloads (- is standard input; gzip, bzip2 and zstd are unpacked) and
asks of every download where it would go now: with the mirrors, their holdings and
the settings of the nodes as they are in the database. Where the log says which
mirror was chosen then, both are compared.

With --set, --add, --without, --setting and the flags for policies it asks a second
time of a changed world, with the same random numbers, so that what differs is the
change and not luck. Nothing is written: neither mirrors nor nodes notice.

Logs: Caddy's JSON, NCSA common and combined (also with the host first),
MirrorBrain's combined with want: and give:, and Mirrorbits' downloads.log. Only GET
counts, answered by the file or a redirect; documents (?mirrorlist, .meta4), folders
and files that are not in the index are left out, and how many is said. Mirrors are
taken in the state that they are in now; their hours without traffic are those of
the log.

Piped, the columns are separated by tabs: name, then for each of "then", "now" and
"changed" requests, share, bytes and share of bytes, and last by how much the
requests change; "-" where there is no such column. By country, continent or day they
are: name, requests, share and bytes, then for each of the three the share of those
sent to mirrors that go to one of the client's country, the share that this server
serves, and the mean distance in km.`,
		Example: `  mbctl simulate /var/log/caddy/access.log
  mbctl simulate access.log.*.gz --set mirror1.score=50 --without mirror2
  mbctl simulate downloads.log --add new,country=ch,like=mirror1
  mbctl simulate access.log --policy distance --affinity 2 --by country
  zcat big.gz | mbctl simulate - --path '/iso/**' --from 2026-11-01 --json`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runSimulate(cmd.Context(), args, &f)
		},
	}
	cmd.GroupID = "care"
	f.add(cmd)
	offer(cmd, "format", accesslog.Formats()...)
	offer(cmd, "by", replay.Groupings...)
	offer(cmd, "scheme", "http", "https")
	offer(cmd, "policy", "tiers", "distance")
	_ = cmd.RegisterFlagCompletionFunc("without", a.completeMirrors) // fails only for flags that are not there
	return cmd
}

func (f *simulateFlags) add(cmd *cobra.Command) {
	fs := cmd.Flags()
	f.changes.add(fs)
	fs.BoolVar(&f.allUp, "all-up", false, "as if every mirror took requests, those that are disabled or down too")
	fs.StringVar(&f.format, "format", "auto", "`FORMAT` of the logs: "+strings.Join(accesslog.Formats(), ", "))
	fs.StringVar(&f.by, "by", "mirror", "show the result by `WHAT`: "+strings.Join(replay.Groupings, ", "))
	fs.IntVar(&f.top, "top", 0, "show the `N` with the most requests; 0: all")
	fs.StringVar(&f.path, "path", "", "only files that match this `GLOB`")
	fs.StringVar(&f.from, "from", "", "only requests since this `TIME` (2026-11-01, 14d)")
	fs.StringVar(&f.to, "to", "", "only requests before this `TIME`")
	fs.Int64Var(&f.limit, "limit", 0, "read at most `N` lines of each log; 0: all")
	fs.StringVar(&f.host, "host", "", "only requests to this `SITE`, where the log says it")
	fs.StringVar(&f.strip, "strip", "", "`FOLDER` of URLs that the tree stands in")
	fs.StringVar(&f.scheme, "scheme", "", "by which `SCHEME` clients come, where the log does not say it: http, https; default: either")
	fs.StringVar(&f.node, "node", "", "use the settings of this `NODE`; default: the one seen last")
	fs.IntVar(&f.site, "site", 1, "use the settings of this `NUMBER` among the node's sites")
	fs.Uint64Var(&f.seed, "seed", 1, "`NUMBER` that the draws begin with")
	fs.BoolVar(&f.exact, "exact", false, "count probabilities instead of drawing; slower")
	fs.BoolVar(&f.chart, "chart", false, "draw bars of the mirrors also where the output is no terminal")
}

// runSimulate replays logs.
func (a *app) runSimulate(ctx context.Context, logs []string, f *simulateFlags) error {
	format, ok := accesslog.ParseFormat(f.format)
	if !ok {
		return usagef("--format %q: there are %s", f.format, strings.Join(accesslog.Formats(), ", "))
	}
	o, err := f.options(time.Now())
	if err != nil {
		return err
	}
	s, err := a.newSimulation(ctx, f, o)
	if err != nil {
		return err
	}
	defer s.geo.close()
	run := replay.New(s.options)
	read, err := a.readLogs(ctx, logs, accesslog.Options{Format: format}, f.limit, run.Add)
	if err != nil {
		return err
	}
	report := run.Report()
	if report.Counted.Requests == 0 {
		return nothingCounted(read, report)
	}
	out := simulateOutput{a: a, f: f, site: s.site, read: read, report: report, by: s.options.By}
	return out.print()
}

// options are those that flags alone decide.
func (f *simulateFlags) options(now time.Time) (o replay.Options, err error) {
	by, ok := replay.ParseGrouping(f.by)
	if !ok {
		return o, usagef("--by %q: there are %s", f.by, strings.Join(replay.Groupings, ", "))
	}
	if !slices.Contains([]string{"", "http", "https"}, f.scheme) {
		return o, usagef("--scheme %q: it is http or https", f.scheme)
	}
	o = replay.Options{
		By: by, Seed: f.seed, Exact: f.exact, Now: now, Scheme: f.scheme,
		Host: strings.ToLower(f.host), Strip: strings.Trim(f.strip, "/"),
	}
	if f.path != "" {
		if o.Path, err = glob.Parse(f.path); err != nil {
			return o, usagef("--path: %w", err)
		}
	}
	for _, t := range []struct {
		flag, text string
		to         *time.Time
	}{{"from", f.from, &o.From}, {"to", f.to, &o.To}} {
		if t.text == "" {
			continue
		}
		if *t.to, err = parseSince(t.text, now); err != nil {
			return o, usagef("--%s: %w", t.flag, err)
		}
	}
	return o, nil
}

// nothingCounted is the error of a run that shows nothing.
func nothingCounted(read *logsRead, r *replay.Report) error {
	what := fmt.Sprintf("none of %s requests counts", count(read.entries))
	if text := skippedText(r.Skipped); text != "" {
		what += ": " + text
	}
	if r.Skipped[replay.SkipUnknown]+r.Skipped[replay.SkipFolder] > read.entries/2 {
		what += "; if the URLs have a folder before the paths of the tree, name it with --strip"
	}
	return fmt.Errorf("%s", what)
}
