package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/checkup"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/scanner"
)

// testFlags are what `test` takes.
type testFlags struct {
	trace   string
	timeout string
	bad     bool
}

func newTestCommand(a *app) *cobra.Command {
	var f testFlags
	cmd := &cobra.Command{
		Use:   "test NAME",
		Short: "Show everything that is wrong with a mirror",
		Long: `Looks for everything that can be wrong with a mirror, and says what follows from
it and what to do: its state and last scan, DNS, each address of both families,
TLS and its expiry, redirects, clock, index pages, rsync and FTP, some files that
it is credited with (size, time, and the digest of a short one), ranges beyond 2
and 4 GiB, headers, and how far it is behind by its trace file. It changes
nothing.

Each check ends with OK, WARN (works, but not for everybody or not for long),
FAIL (clients or scans suffer) or SKIP (nothing to look at). Piped, the columns
are separated by tabs: result, check, what it is about, what was found, what
follows. Exit code 3: something FAILed.`,
		Example: `  mbctl test example
  mbctl test example --bad
  mbctl test example --trace timestamp.txt --json | jq '.findings[] | select(.result == "FAIL")'`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.completeMirror,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runTest(cmd.Context(), args[0], f)
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&f.trace, "trace", "", "`PATH` of the file that tells when the mirror synchronised (default: the newest in project/trace/)")
	fs.StringVar(&f.timeout, "timeout", "20s", "`TIME` for one answer")
	fs.BoolVar(&f.bad, "bad", false, "show only WARN and FAIL")
	return cmd
}

func (a *app) runTest(ctx context.Context, name string, f testFlags) error {
	timeout, err := parseDuration(f.timeout)
	if err != nil || timeout == 0 {
		return usagef("--timeout %s: write for example 20s", f.timeout)
	}
	if f.trace != "" {
		if f.trace, err = treePath(f.trace); err != nil {
			return err
		}
	}
	m, err := a.findMirror(ctx, name)
	if err != nil {
		return err
	}
	subject, err := checkup.Load(ctx, a.db, m, f.trace)
	if err != nil {
		return fmt.Errorf("test %s: %w", m.Name, err)
	}
	client, err := scanner.NewClient(&m, timeout)
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	findings := checkup.Run(ctx, subject, checkup.Options{
		Timeout: timeout, Client: client, RsyncProgram: a.conf.RsyncProgram, MaxScanAge: a.maxScanAge(), Log: a.logger(),
	})
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := a.printFindings(&m, findings, f.bad); err != nil {
		return err
	}
	if n := tallyOf(findings)[checkup.Fail]; n > 0 {
		return &codedError{exitSomeFailed, fmt.Errorf("%s: %s failed", m.Name, plural(n, "check"))}
	}
	return nil
}

func tallyOf(findings []checkup.Finding) map[checkup.Result]int {
	tally := map[checkup.Result]int{}
	for _, f := range findings {
		tally[f.Result]++
	}
	return tally
}

// checkupDoc is a finding in JSON output.
type checkupDoc struct {
	Check  string `json:"check"`
	About  string `json:"about,omitempty"`
	Result string `json:"result"`
	What   string `json:"what"`
	Mend   string `json:"mend,omitempty"`
}

// testDoc is the JSON output of `test`.
type testDoc struct {
	Mirror   string       `json:"mirror"`
	At       time.Time    `json:"at"`
	Result   string       `json:"result"` // the worst
	Findings []checkupDoc `json:"findings"`
}

func (a *app) printFindings(m *mirror.Mirror, findings []checkup.Finding, bad bool) error {
	doc := testDoc{Mirror: m.Name, At: time.Now().UTC().Truncate(time.Second), Result: string(checkup.Worst(findings)), Findings: []checkupDoc{}}
	var rows [][]string
	for _, f := range findings {
		if bad && f.Result != checkup.Warn && f.Result != checkup.Fail {
			continue
		}
		doc.Findings = append(doc.Findings, checkupDoc{f.Check, f.About, string(f.Result), f.What, f.Mend})
		rows = append(rows, []string{string(f.Result), f.Check, f.About, f.What, f.Mend})
	}
	if a.json {
		return a.printJSON(doc)
	}
	if _, tty := terminal(a.out); tty {
		a.printFindingLines(rows)
	} else {
		a.printTable(sheet{rows: rows})
	}
	if !a.quiet {
		t := tallyOf(findings)
		fmt.Fprintf(a.err, "%s: %d OK, %d WARN, %d FAIL, %d SKIP\n", m.Name, t[checkup.OK], t[checkup.Warn], t[checkup.Fail], t[checkup.Skip])
	}
	return nil
}

// printFindingLines prints for a terminal, where what follows from a finding is
// too long for a column.
func (a *app) printFindingLines(rows [][]string) {
	colored := a.colored(a.out)
	for _, r := range rows {
		r = oneLine(r)
		result := fmt.Sprintf("%-4s", r[0])
		if colored {
			result = resultColor(checkup.Result(r[0])).Sprint(result)
		}
		fmt.Fprintln(a.out, result, strings.TrimSuffix(r[1]+" "+r[2], " ")+": "+r[3])
		if r[4] != "" {
			fmt.Fprintln(a.out, "     ->", r[4])
		}
	}
}

func resultColor(r checkup.Result) text.Colors {
	switch r {
	case checkup.OK:
		return text.Colors{text.FgGreen}
	case checkup.Warn:
		return text.Colors{text.FgYellow}
	case checkup.Fail:
		return text.Colors{text.FgRed}
	case checkup.Skip:
	}
	return text.Colors{text.Faint}
}
