package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/push"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/scanner"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// pushFlags are the flags of `push` beside the engine's own options.
type pushFlags struct {
	all, noScan, dryRun    bool
	tier                   int
	oneTier                bool
	subtree                string
	timeout                string
	keyFile, sshConfigFile string
}

func newPushCommand(a *app) *cobra.Command {
	var f pushFlags
	var o push.Options
	cmd := &cobra.Command{
		Use:   "push NAME... | --all",
		Short: "Start mirrors' syncs after a release, and scan what changed",
		Long: `Tells mirrors to fetch what is new, in the way that 'mbctl edit NAME --push'
says, waits until they have, and scans them. Mirrors with a lower --push-tier come
first; the next tier begins when all of one have ended or timed out. When no
mirror of a tier succeeds, the later ones are left out, since they would fetch
what they have; --keep-going pushes them nevertheless.

  ssh://user@host:port/   runs 'mirrorbrain-sync FOLDER' by the system's ssh, or
                          whatever the key's forced command is
  http(s)://host/path     POST {"paths": [FOLDER], "id": ...}, signed with the
                          mirror's key ('mbctl notify --key-for NAME'); 2xx says
                          it is done, 202 with a Location is asked there again
  exec:COMMAND            a command of yours: sh -c with MIRROR, MIRROR_URL and
                          SUBTREE in its environment`,
		Example: `  mbctl push --all --subtree releases/2.1
  mbctl push --all --tier 0 -j 2 --timeout 2h
  mbctl push --all --dry-run
  mbctl push example --no-scan`,
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case f.all && len(args) > 0:
				return usagef("push: name mirrors or say --all, not both")
			case !f.all && len(args) == 0:
				return usagef("push: which mirrors? Name them, or say --all")
			}
			return nil
		},
		ValidArgsFunction: a.completeMirrors,
		RunE: func(cmd *cobra.Command, args []string) error {
			f.oneTier = cmd.Flags().Changed("tier")
			return a.runPush(cmd.Context(), args, f, o)
		},
	}
	fs := cmd.Flags()
	fs.BoolVarP(&f.all, "all", "a", false, "all enabled mirrors that can be pushed")
	fs.IntVar(&f.tier, "tier", 0, "only mirrors of this tier (`NUMBER`)")
	fs.IntVarP(&o.Jobs, "jobs", "j", 0, "`NUMBER` of mirrors of a tier pushed at once (default 8)")
	fs.StringVarP(&f.subtree, "subtree", "d", "", "the folder that has changed (`PATH` in the tree)")
	fs.StringVar(&f.timeout, "timeout", "", "give a mirror up after this `LONG` (default 1h)")
	fs.BoolVar(&o.KeepGoing, "keep-going", false, "push the next tier also when all of one have failed")
	fs.BoolVar(&f.noScan, "no-scan", false, "do not scan the mirrors afterwards")
	fs.BoolVarP(&f.dryRun, "dry-run", "n", false, "say what would be pushed, and do nothing")
	fs.StringVar(&f.keyFile, "key-file", "", "`FILE` whose first line is the secret that signs hooks (default: push_key_file)")
	fs.StringVar(&f.sshConfigFile, "ssh-config", "", "`FILE` that ssh reads instead of your own (default: push_ssh_config)")
	return cmd
}

func (a *app) runPush(ctx context.Context, names []string, f pushFlags, o push.Options) error {
	if err := a.pushOptions(f, &o); err != nil {
		return err
	}
	mirrors, err := a.pushTargets(ctx, names, f)
	if err != nil || len(mirrors) == 0 {
		return err
	}
	if f.dryRun {
		return a.printPushPlan(mirrors)
	}
	if !f.noScan {
		if err := a.checkIndexed(ctx, o.Subtree); err != nil {
			return err
		}
	}
	scans := a.newPushScans(ctx, &o, f.noScan)
	o.Pushed = func(r push.Result) { a.pushed(ctx, r) }
	o.TierDone = scans.add
	results, err := push.Run(ctx, mirrors, o)
	reports := scans.finish()
	if err != nil {
		return err
	}
	if err := a.printPush(results, reports); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return errors.New("interrupted; mirrors that were being pushed may go on by themselves")
	}
	return pushFailures(results, reports, scans.err)
}

// pushOptions completes the flags from the configuration.
func (a *app) pushOptions(f pushFlags, o *push.Options) (err error) {
	conf, err := a.config()
	if err != nil {
		return err
	}
	if o.Jobs < 0 {
		return usagef("--jobs %d: must be at least 1", o.Jobs)
	}
	if f.timeout != "" {
		if o.Timeout, err = parseDuration(f.timeout); err != nil || o.Timeout == 0 {
			return usagef("--timeout %s: write for example 90s or 2h", f.timeout)
		}
	}
	if o.Subtree, err = mirror.CleanSubtree(f.subtree); err != nil {
		return usagef("--subtree: %w", err)
	}
	keyFile := f.keyFile
	if keyFile == "" {
		keyFile = conf.PushKeyFile
	}
	if keyFile != "" {
		if o.Key, err = secretFrom(keyFile, ""); err != nil {
			return err
		}
	}
	if o.SSHConfig = f.sshConfigFile; o.SSHConfig == "" {
		o.SSHConfig = conf.PushSSHConfig
	}
	o.Log = a.logger()
	return nil
}

// pushTargets gives the mirrors to push, or says why there are none.
func (a *app) pushTargets(ctx context.Context, names []string, f pushFlags) ([]mirror.Mirror, error) {
	db, err := a.store(ctx)
	if err != nil {
		return nil, err
	}
	var mirrors []mirror.Mirror
	for _, name := range names {
		m, err := a.findMirror(ctx, name)
		if err != nil {
			return nil, err
		}
		if m.Sync.Push == "" {
			return nil, fmt.Errorf("mirror %s cannot be pushed: say how with 'mbctl edit %s --push URL'", m.Name, m.Name)
		}
		if !slices.ContainsFunc(mirrors, func(o mirror.Mirror) bool { return o.ID == m.ID }) {
			mirrors = append(mirrors, m)
		}
	}
	if f.all {
		if mirrors, err = db.Mirrors(ctx); err != nil {
			return nil, err
		}
		mirrors = slices.DeleteFunc(mirrors, func(m mirror.Mirror) bool {
			return m.Sync.Push == "" || !m.Enabled || m.DisabledUntil.After(time.Now())
		})
		if len(mirrors) == 0 {
			a.say("No enabled mirror can be pushed. Say how: mbctl edit NAME --push ssh://user@host/ [--push-tier N]")
		}
	}
	if f.oneTier {
		before := len(mirrors)
		mirrors = slices.DeleteFunc(mirrors, func(m mirror.Mirror) bool { return m.Sync.Tier != f.tier })
		if before > 0 && len(mirrors) == 0 {
			a.say("None of the %d mirrors is of tier %d.", before, f.tier)
		}
	}
	return mirrors, nil
}

// checkIndexed: what the index does not know cannot be scanned for.
func (a *app) checkIndexed(ctx context.Context, folder string) error {
	_, n, _, err := a.db.FolderIDs(ctx, folder)
	switch {
	case errors.Is(err, store.ErrNotFound) || err == nil && n == 0:
		return fmt.Errorf("the index has no files below /%s, so that mirrors could not be scanned for it afterwards: run 'mbctl index' first, or say --no-scan", folder)
	case err != nil:
		return err
	}
	return nil
}

func (a *app) printPushPlan(mirrors []mirror.Mirror) error {
	docs := []pushDoc{}
	var rows [][]string
	for _, tier := range push.Tiers(mirrors) {
		for _, m := range tier {
			how := redactURL(m.Sync.Push)
			docs = append(docs, pushDoc{Mirror: m.Name, Tier: m.Sync.Tier, How: how, Result: "dry run"})
			rows = append(rows, []string{m.Name, fmt.Sprint(m.Sync.Tier), how})
		}
	}
	if a.json {
		return a.printJSON(docs)
	}
	a.printTable(sheet{header: []string{"mirror", "tier", "push"}, rows: rows, right: []int{1}})
	return nil
}

// pushed remembers a push in the log of changes, and says so.
func (a *app) pushed(ctx context.Context, r push.Result) {
	if r.Left != "" {
		return
	}
	result, detail := pushResult(r)
	if detail != "" {
		result += ": " + detail
	}
	if !a.quiet && !a.json {
		fmt.Fprintf(a.err, "%s: tier %d, %s: %s\n", r.Mirror.Name, r.Tier, r.How, printable(result))
	}
	keep, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err := a.db.AddEvent(keep, store.Event{Mirror: r.Mirror.ID, MirrorName: r.Mirror.Name, Who: who(), What: "pushed", Detail: printable(result)})
	if err != nil {
		a.logger().Warn("the push could not be put into the log of changes", "mirror", r.Mirror.Name, "error", err)
	}
}

// pushResult gives one word, and what more there is to say.
func pushResult(r push.Result) (result, detail string) {
	switch {
	case r.Left != "":
		return "not pushed", r.Left
	case r.TimedOut():
		return "timed out", r.Err.Error()
	case r.Err != nil:
		return "failed", r.Err.Error()
	}
	return "done", ""
}

// pushScans scans what was pushed, one tier after the other, while the next
// tiers are pushed.
type pushScans struct {
	tiers   chan []mirror.Mirror
	done    chan struct{}
	reports map[string]scanner.Report // by mirror
	err     error
}

func (a *app) newPushScans(ctx context.Context, o *push.Options, none bool) *pushScans {
	s := &pushScans{tiers: make(chan []mirror.Mirror, 64), done: make(chan struct{}), reports: map[string]scanner.Report{}}
	a.changed = true
	so := scanner.Options{Subtree: o.Subtree, Holder: holder(), Log: a.logger(), Jobs: a.conf.ScanJobs, Timeout: time.Duration(a.conf.ScanTimeout), RsyncProgram: a.conf.RsyncProgram}
	go func() {
		defer close(s.done)
		for mirrors := range s.tiers {
			mirrors = slices.DeleteFunc(mirrors, func(m mirror.Mirror) bool {
				quiet := m.InQuiet(time.Now())
				if quiet && !none {
					s.reports[m.Name] = scanner.Report{Mirror: m.Name, Skipped: "it is its quiet time"}
				}
				return quiet
			})
			if none || len(mirrors) == 0 || ctx.Err() != nil {
				continue
			}
			reports, err := scanner.Scan(ctx, a.db, mirrors, so)
			if err != nil {
				s.err = fmt.Errorf("scanning what was pushed: %w", err)
			}
			for _, r := range reports {
				s.reports[r.Mirror] = r
			}
		}
	}()
	return s
}

func (s *pushScans) add(results []push.Result) {
	var ok []mirror.Mirror
	for _, r := range results {
		if r.OK() {
			ok = append(ok, r.Mirror)
		}
	}
	s.tiers <- ok
}

func (s *pushScans) finish() map[string]scanner.Report {
	close(s.tiers)
	<-s.done
	return s.reports
}

// pushDoc is the JSON form of one mirror's push.
type pushDoc struct {
	Mirror  string       `json:"mirror"`
	Tier    int          `json:"tier"`
	How     string       `json:"how"`
	Seconds float64      `json:"seconds"`
	Result  string       `json:"result"`
	Detail  string       `json:"detail,omitempty"`
	Output  string       `json:"output,omitempty"`
	Scan    *pushScanDoc `json:"scan,omitempty"`
}

// pushScanDoc is what a scan after a push found.
type pushScanDoc struct {
	OK       bool   `json:"ok"`
	Error    string `json:"error,omitempty"`
	Skipped  string `json:"skipped,omitempty"`
	Protocol string `json:"protocol"`
	Held     uint64 `json:"held"`
	Added    uint64 `json:"added"`
	Removed  uint64 `json:"removed"`
}

func (a *app) printPush(results []push.Result, reports map[string]scanner.Report) error {
	docs := []pushDoc{}
	var rows [][]string
	for _, r := range results {
		result, detail := pushResult(r)
		d := pushDoc{Mirror: r.Mirror.Name, Tier: r.Tier, How: r.How, Seconds: r.Took.Seconds(), Result: result, Detail: detail, Output: r.Output}
		scan := "-"
		if rep, ok := reports[r.Mirror.Name]; ok {
			scan = scanWords(rep)
			d.Scan = &pushScanDoc{
				OK: rep.Err == nil && rep.Skipped == "", Skipped: rep.Skipped, Protocol: rep.Protocol,
				Held: rep.Held, Added: rep.Added, Removed: rep.Removed,
			}
			if rep.Err != nil {
				d.Scan.Error = rep.Err.Error()
			}
		}
		docs = append(docs, d)
		rows = append(rows, []string{d.Mirror, fmt.Sprint(d.Tier), d.How, fmt.Sprintf("%.1f", d.Seconds), result, scan, detail})
	}
	if a.json {
		return a.printJSON(docs)
	}
	if a.quiet {
		return nil
	}
	a.printTable(sheet{
		header: []string{"mirror", "tier", "by", "seconds", "result", "scan", ""},
		rows:   rows, right: []int{1, 3},
		color: func(col int, cell string) text.Colors {
			switch {
			case col != 4:
				return nil
			case cell == "done":
				return text.Colors{text.FgGreen}
			case cell == "failed", cell == "timed out":
				return text.Colors{text.FgRed}
			}
			return text.Colors{text.FgYellow}
		},
	})
	return nil
}

func scanWords(r scanner.Report) string {
	switch {
	case r.Skipped != "":
		return "skipped: " + r.Skipped
	case r.Err != nil:
		return "failed: " + r.Err.Error()
	case r.Added == 0 && r.Removed == 0:
		return "nothing new"
	}
	return fmt.Sprintf("+%d -%d", r.Added, r.Removed)
}

// pushFailures names the mirrors that do not have what is new.
func pushFailures(results []push.Result, reports map[string]scanner.Report, scanning error) error {
	var failed []string
	asked := 0
	for _, r := range results {
		result, detail := pushResult(r)
		rep, scanned := reports[r.Mirror.Name]
		switch {
		case r.Left != "" && r.How == "" && strings.HasPrefix(r.Left, "carries"):
			continue // it has nothing to do with this
		case !r.OK():
			failed = append(failed, fmt.Sprintf("%s (%s: %s)", r.Mirror.Name, result, detail))
		case scanned && rep.Err != nil:
			failed = append(failed, fmt.Sprintf("%s (scan: %v)", r.Mirror.Name, rep.Err))
		}
		asked++
	}
	switch {
	case len(failed) > 0:
		return &codedError{exitSomeFailed, fmt.Errorf("%d of %d mirrors failed: %s", len(failed), asked, strings.Join(failed, "; "))}
	case scanning != nil:
		return scanning
	}
	return nil
}
