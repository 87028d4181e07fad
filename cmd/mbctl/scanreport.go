package main

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/schollz/progressbar/v3"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/scanner"
)

// scanDocOut is the JSON form of one mirror's scan.
type scanDocOut struct {
	Mirror      string   `json:"mirror"`
	Protocol    string   `json:"protocol"`
	OK          bool     `json:"ok"`
	Error       string   `json:"error,omitempty"`
	Doubt       string   `json:"doubt,omitempty"`
	Skipped     string   `json:"skipped,omitempty"`
	DryRun      bool     `json:"dry_run"`
	Listed      int      `json:"listed"`
	Held        uint64   `json:"held"`
	Added       uint64   `json:"added"`
	Removed     uint64   `json:"removed"`
	Unknown     int      `json:"unknown"`
	Stale       int      `json:"stale"`
	Doubtful    int      `json:"doubtful"`
	Unasked     int      `json:"unasked"`
	Closed      int      `json:"closed"`
	Unsound     int      `json:"unsound"`
	Excluded    uint64   `json:"excluded"`
	Seconds     float64  `json:"seconds"`
	FilesPerSec float64  `json:"files_per_second"`
	Notes       []string `json:"notes"`
	Advice      string   `json:"advice,omitempty"`
}

// printReports prints a line for each mirror, and below what else was noticed.
func (a *app) printReports(reports []scanner.Report) error {
	if a.json {
		docs := []scanDocOut{}
		for _, r := range reports {
			d := scanDocOut{
				Mirror: r.Mirror, Protocol: r.Protocol, OK: r.Err == nil && r.Skipped == "", Skipped: r.Skipped, DryRun: r.DryRun,
				Listed: r.Listed, Held: r.Held, Added: r.Added, Removed: r.Removed, Unknown: r.Unknown, Stale: r.Stale,
				Doubtful: r.Doubtful, Unasked: r.Unasked, Closed: r.Closed, Unsound: r.Unsound, Excluded: r.Excluded,
				Doubt: r.Doubt, Seconds: r.Took.Seconds(), FilesPerSec: r.FilesPerSec(),
				Notes: nonNil(r.Notes), Advice: r.Advice,
			}
			if r.Err != nil {
				d.Error = r.Err.Error()
			}
			docs = append(docs, d)
		}
		return a.printJSON(docs)
	}
	if a.quiet {
		return nil
	}
	if _, tty := terminal(a.out); !tty {
		for _, r := range reports {
			for l := range strings.Lines(r.String()) {
				fmt.Fprintln(a.out, printable(strings.TrimSuffix(l, "\n")))
			}
		}
		return nil
	}
	a.printReportTable(reports)
	return nil
}

func (a *app) printReportTable(reports []scanner.Report) {
	var rows [][]string
	for _, r := range reports {
		result := "ok"
		switch {
		case r.Skipped != "":
			result = "skipped"
		case r.Err != nil:
			result = "failed"
		}
		rows = append(rows, []string{
			r.Mirror, result, r.Protocol, count(r.Listed), count(r.Held), "+" + count(r.Added), "-" + count(r.Removed),
			count(r.Unknown), count(r.Stale), count(r.Doubtful), count(r.Unsound), count(r.Excluded), fmt.Sprintf("%.1f", r.Took.Seconds()), fmt.Sprintf("%.0f", r.FilesPerSec()),
		})
	}
	a.printTable(sheet{
		header: []string{"mirror", "result", "by", "listed", "held", "added", "removed", "unknown", "stale", "doubtful", "unsound", "excluded", "seconds", "files/s"},
		rows:   rows,
		right:  []int{3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13},
		color: func(col int, cell string) text.Colors {
			switch {
			case col != 1:
				return nil
			case cell == "ok":
				return text.Colors{text.FgGreen}
			case cell == "failed":
				return text.Colors{text.FgRed}
			}
			return text.Colors{text.FgYellow}
		},
	})
	for _, r := range reports {
		lines := r.Notes
		if r.Skipped != "" {
			lines = append(lines, "skipped: "+r.Skipped)
		}
		if r.Err != nil {
			lines = append(lines, "failed: "+r.Err.Error())
		}
		if r.Advice != "" {
			lines = append(lines, r.Advice)
		}
		for _, l := range lines {
			fmt.Fprintf(a.out, "%s: %s\n", r.Mirror, printable(l))
		}
	}
}

// progress shows on a terminal how far the scans are.
type progress struct {
	mu     sync.Mutex
	bar    *progressbar.ProgressBar
	listed map[string]int // by mirror
	total  int
}

func (a *app) newProgress(mirrors int) *progress {
	p := &progress{listed: map[string]int{}}
	if _, tty := terminal(a.err); tty && !a.quiet && !a.json {
		p.bar = progressbar.NewOptions(mirrors, progressbar.OptionSetWriter(a.err), progressbar.OptionClearOnFinish(),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionSetWidth(20), progressbar.OptionShowCount(),
			progressbar.OptionSetDescription("scanning"))
	}
	return p
}

func (p *progress) update(u scanner.Progress) {
	if p.bar == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.total += u.Listed - p.listed[u.Mirror]
	p.listed[u.Mirror] = u.Listed
	p.bar.Describe(count(p.total) + " files listed")
	if u.Done {
		_ = p.bar.Add(1)
	}
}

func (p *progress) finish() {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
}
