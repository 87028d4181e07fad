package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

func newEnableCommand(a *app) *cobra.Command {
	var afterScan bool
	var ways []string
	cmd := &cobra.Command{
		Use:   "enable NAME...",
		Short: "Let mirrors take requests",
		Long: `Lets mirrors take requests. A mirror that was never scanned takes none until a
scan has succeeded.

With --way, what 'disable --way' did is undone, and nothing else; without it ways
that are down stay so.`,
		Example: `  mbctl enable example
  mbctl enable example --after-scan
  mbctl enable example --way https-ipv6`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: a.completeMirrors,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(ways) > 0 {
				if afterScan {
					return usagef("--after-scan is for the whole mirror, not for a way")
				}
				return a.enableWays(cmd.Context(), args, ways)
			}
			return a.changeEach(cmd.Context(), args, "enable", func(m *mirror.Mirror) error {
				m.DisabledUntil = time.Time{}
				m.Enabled, m.EnableAfterScan = !afterScan, afterScan
				return nil
			}, func(m *mirror.Mirror) string {
				switch {
				case afterScan:
					return "will be enabled once a scan succeeds: mbctl scan " + m.Name
				case m.Scan.Succeeded.IsZero():
					return "enabled; takes requests once a scan has succeeded: mbctl scan " + m.Name
				}
				return "enabled" + waysLeft(m)
			})
		},
	}
	cmd.Flags().BoolVar(&afterScan, "after-scan", false, "only once a scan has succeeded")
	addWayFlag(cmd, &ways, "only the `WAY` to it that was disabled: http-ipv4, http-ipv6, https-ipv4, https-ipv6 (several allowed)")
	return cmd
}

func newDisableCommand(a *app) *cobra.Command {
	var until, reason string
	var ways []string
	cmd := &cobra.Command{
		Use:   "disable NAME...",
		Short: "Send no more requests to mirrors",
		Long: `Sends no more requests to mirrors, for good or until a time. Nodes follow within
a second or two. What is known of the mirrors' files is kept.

With --way, only requests by a scheme over an IP version are kept from them, for
instance while a certificate or an IPv6 address does not work; a mirror with none
left is down.`,
		Example: `  mbctl disable example
  mbctl disable example --until 36h
  mbctl disable example --until '2026-12-24 18:00'
  mbctl disable example --way https-ipv6 --reason 'nobody listens there'`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: a.completeMirrors,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(ways) > 0 && until != "":
				return usagef("--until is for the whole mirror, not for a way")
			case len(ways) > 0:
				return a.disableWays(cmd.Context(), args, ways, reason)
			case reason != "":
				return usagef("--reason goes with --way; 'mbctl comment' keeps notes about a mirror")
			}
			var at time.Time
			if until != "" {
				var err error
				if at, err = parseUntil(until, time.Now()); err != nil {
					return usagef("--until: %w", err)
				}
			}
			return a.changeEach(cmd.Context(), args, "disable", func(m *mirror.Mirror) error {
				m.DisabledUntil, m.EnableAfterScan = at, false
				if at.IsZero() {
					m.Enabled = false
				}
				return nil
			}, func(m *mirror.Mirror) string {
				if at.IsZero() {
					return "disabled"
				}
				done := "disabled until " + at.Format("2006-01-02 15:04 MST")
				if !m.Enabled {
					done += ", and afterwards too: it is switched off ('mbctl enable " + m.Name + "' ends both)"
				}
				return done
			})
		},
	}
	cmd.Flags().StringVar(&until, "until", "", "until this `TIME` (2026-12-24 18:00, local) or for this long (36h, 14d)")
	cmd.Flags().StringVar(&reason, "reason", "", "why the way does not work, in a few `WORDS`")
	addWayFlag(cmd, &ways, "only this `WAY` to it: http-ipv4, http-ipv6, https-ipv4, https-ipv6 (several allowed)")
	return cmd
}

// timeLayouts are the forms in which points in time are given.
var timeLayouts = []string{time.RFC3339, "2006-01-02 15:04", "2006-01-02T15:04", "2006-01-02"}

// parseUntil reads a point in time, or a duration from now.
func parseUntil(s string, now time.Time) (time.Time, error) {
	for _, layout := range timeLayouts {
		if t, err := time.ParseInLocation(layout, s, now.Location()); err == nil {
			if !t.After(now) {
				return time.Time{}, fmt.Errorf("%s is in the past", t.Format("2006-01-02 15:04"))
			}
			return t, nil
		}
	}
	d, err := parseDuration(s)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q: write a time as 2026-12-24 18:00 or a duration as 36h or 14d", s)
	}
	return now.Add(d), nil
}

// changeEach applies one change to each of the named mirrors and says for each
// what is now so. All names are resolved before anything is changed.
func (a *app) changeEach(ctx context.Context, names []string, what string, change func(*mirror.Mirror) error, done func(*mirror.Mirror) string) error {
	db, err := a.store(ctx)
	if err != nil {
		return err
	}
	var mirrors []mirror.Mirror
	for _, name := range names {
		m, err := a.findMirror(ctx, name)
		if err != nil {
			return err
		}
		mirrors = append(mirrors, m)
	}
	sent, err := a.sums(ctx)
	if err != nil {
		return err
	}
	docs := []mirrorDoc{}
	a.changed = true
	for _, m := range mirrors {
		var before mirror.Mirror
		after, err := db.UpdateMirror(ctx, m.ID, who(), what, func(m *mirror.Mirror) error {
			before = *m
			err := change(m)
			if q := m.Quota; q != before.Quota { // the old one's mark must not stay until a node looks
				m.Quota.Spent = sent.of(m.ID).SpentBy(q)
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("%s %s: %w", what, m.Name, err)
		}
		docs = append(docs, sent.doc(docOf(&after, a.maxScanAge()), &after))
		a.say("%s: %s", m.Name, done(&after))
		if err := a.wishScan(ctx, &before, &after); err != nil {
			return err
		}
	}
	if a.json {
		return a.printJSON(docs)
	}
	return nil
}
