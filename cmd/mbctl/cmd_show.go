package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// mirrorDoc is a mirror in JSON output: the settings and what was found out.
type mirrorDoc struct {
	Name     string `json:"name"`
	State    string `json:"state"`
	Reason   string `json:"reason,omitempty"`
	Enabled  bool   `json:"enabled"`
	settings `json:""`
	Scan     scanDoc  `json:"scan"`
	WaysDown []wayDoc `json:"ways_down,omitempty"`
	// Traffic is what was sent to it; nil: not looked up.
	Traffic *trafficDoc `json:"traffic,omitempty"`
}

type scanDoc struct {
	Succeeded    *time.Time `json:"succeeded"`
	Attempted    *time.Time `json:"attempted"`
	FailingSince *time.Time `json:"failing_since,omitempty"`
	Error        string     `json:"error,omitempty"`
	Protocol     string     `json:"protocol,omitempty"`
	Held         uint64     `json:"held"`
}

// docOf turns a mirror into its JSON form; passwords in URLs are hidden.
func docOf(m *mirror.Mirror, maxScanAge time.Duration) mirrorDoc {
	state, reason := m.State(time.Now(), maxScanAge)
	d := mirrorDoc{
		Name: m.Name, State: string(state), Reason: reason, Enabled: m.Enabled, settings: settingsOf(m),
		Scan: scanDoc{
			Succeeded: timeOrNil(m.Scan.Succeeded), Attempted: timeOrNil(m.Scan.Attempted),
			FailingSince: timeOrNil(m.Scan.FailingSince), Error: m.Scan.Error,
			Protocol: m.Scan.Protocol, Held: m.Scan.Held,
		},
		WaysDown: waysDownOf(m),
	}
	d.Rsync, d.FTP, d.S3 = redactURL(m.Rsync), redactURL(m.FTP), redactURL(m.S3)
	d.Proxy, d.Push = redactURL(m.Rules.Proxy), redactURL(m.Sync.Push)
	for i, u := range d.HTTP {
		d.HTTP[i] = redactURL(u)
	}
	return d
}

func redactURL(u string) string {
	if u == "" {
		return ""
	}
	return mirror.Redact(u)
}

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func newShowCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "show NAME",
		Short:   "Show everything about a mirror",
		Example: "  mbctl show example\n  mbctl show example --json | jq .scan",
		Args:    cobra.ExactArgs(1),

		ValidArgsFunction: a.completeMirror,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runShow(cmd.Context(), args[0])
		},
	}
}

func (a *app) runShow(ctx context.Context, name string) error {
	m, err := a.findMirror(ctx, name)
	if err != nil {
		return err
	}
	sent, err := a.sums(ctx)
	if err != nil {
		return err
	}
	sum := sent.of(m.ID)
	m.Quota.Spent = sum.SpentBy(m.Quota)
	if a.json {
		return a.printJSON(sent.doc(docOf(&m, a.maxScanAge()), &m))
	}
	state, reason := m.State(time.Now(), a.maxScanAge())
	line := func(label, value string) {
		if value != "" {
			fmt.Fprintf(a.out, "%-14s %s\n", label, printable(value))
		}
	}
	s := settingsOf(&m)
	line("name", m.Name)
	line("state", strings.TrimSuffix(string(state)+": "+reason, ": "))
	for _, u := range m.HTTP {
		line("http", redactURL(u))
	}
	line("rsync", redactURL(m.Rsync))
	line("ftp", redactURL(m.FTP))
	line("s3", redactURL(m.S3))
	line("subtree", m.Subtree)
	line("renamed", strings.Join(s.Rename, ", "))
	line("place", placeText(&m))
	line("prefixes", strings.Join(s.Prefix, ", "))
	line("score", fmt.Sprint(m.Score))
	line("rules", rulesText(&m, &s))
	line("quota", quotaText(sum, m.Quota, time.Now()))
	line("sent", sentText(sum))
	for _, w := range waysDownOf(&m) {
		line("way down", fmt.Sprintf("%s since %s: %s", w.Way, w.Since.Format("2006-01-02 15:04"), w.Reason))
	}
	line("scan rules", scanRulesText(m.Rules, &s))
	line("push", pushText(m.Sync))
	line("operator", strings.TrimSpace(m.OperatorName+" "+m.OperatorURL))
	line("admin", strings.TrimSpace(m.Admin+" "+m.AdminEmail))
	line("public notes", m.PublicNotes)
	line("last scan", scanText(&m))
	line("scan failing", m.Scan.Error)
	if m.Comment != "" {
		fmt.Fprintf(a.out, "comment\n")
		for l := range strings.Lines(m.Comment) {
			fmt.Fprintf(a.out, "    %s\n", printable(strings.TrimRight(l, "\r\n")))
		}
	}
	return nil
}

func scanText(m *mirror.Mirror) string {
	if m.Scan.Succeeded.IsZero() {
		return "never"
	}
	return fmt.Sprintf("%s ago by %s, %s files held, %.0f files/s",
		age(m.Scan.Succeeded, time.Now()), m.Scan.Protocol, count(m.Scan.Held), m.Scan.FilesPerSec)
}

func scanRulesText(r mirror.ScanRules, s *settings) string {
	var out []string
	for _, rule := range []struct {
		on   bool
		text string
	}{
		{r.Interval > 0, "every " + s.ScanInterval},
		{len(r.Top) > 0, "only " + strings.Join(r.Top, ", ")},
		{len(r.Exclude) > 0, "not " + strings.Join(r.Exclude, ", ")},
		{len(r.Quiet) > 0, "never during " + strings.Join(s.Quiet, "; ")},
		{r.Source != "", "from " + r.Source},
		{r.Proxy != "", "through " + redactURL(r.Proxy)},
		{r.NoRangeCheck, "large files are believed"},
	} {
		if rule.on {
			out = append(out, rule.text)
		}
	}
	return strings.Join(out, "; ")
}

func pushText(s mirror.Sync) string {
	if s.Push == "" {
		return ""
	}
	return fmt.Sprintf("%s (tier %d)", redactURL(s.Push), s.Tier)
}

func rulesText(m *mirror.Mirror, s *settings) string {
	var out []string
	for _, r := range []struct {
		on   bool
		text string
	}{
		{m.RegionOnly, "only its continent"},
		{m.CountryOnly, "only its country"},
		{m.ASOnly, "only its AS"},
		{m.PrefixOnly, "only its prefixes"},
		{len(m.OtherCountries) > 0, "also serves " + strings.Join(m.OtherCountries, ", ")},
		{len(m.ExcludeCountries) > 0, "never " + strings.Join(m.ExcludeCountries, ", ")},
		{m.MaxSize > 0, "files up to " + s.MaxSize},
		{m.MaxShare > 0, "share up to " + s.MaxShare},
		{m.LastResort, "only for want of others"},
		{len(m.NoTraffic) > 0, "nobody during " + strings.Join(s.NoTraffic, "; ")},
	} {
		if r.on {
			out = append(out, r.text)
		}
	}
	return strings.Join(out, "; ")
}
