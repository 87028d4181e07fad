package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// statusDoc is the JSON form of `status`.
type statusDoc struct {
	Database  string         `json:"database"`
	Revision  int64          `json:"revision"`
	Origin    string         `json:"origin"`
	IndexedAt *time.Time     `json:"indexed_at"`
	Mirrors   map[string]int `json:"mirrors"` // by state
	Nodes     []nodeDoc      `json:"nodes"`
	Limits    []limitDoc     `json:"limits"` // mirrors near the end of their quotas, or with ways that are down
	workDoc
}

// limitDoc is a mirror that gets less than it might.
type limitDoc struct {
	Mirror   string    `json:"mirror"`
	Quota    *quotaDoc `json:"quota,omitempty"`
	WaysDown []wayDoc  `json:"ways_down,omitempty"`
}

type nodeDoc struct {
	Name     string    `json:"name"`
	Version  string    `json:"version"`
	Seen     time.Time `json:"seen"`
	Revision int64     `json:"revision"`
	Behind   int64     `json:"behind"` // changes that the node does not have yet
}

func newStatusCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "status",
		Short:   "Show the whole at a glance: database, origin, mirrors, nodes, jobs",
		Example: "  mbctl status\n  mbctl status --json",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.runStatus(cmd.Context()) },
	}
}

func (a *app) runStatus(ctx context.Context) error {
	db, err := a.store(ctx)
	if err != nil {
		return err
	}
	head, err := db.Head(ctx)
	if err != nil {
		return err
	}
	origin, err := db.Origin(ctx)
	if err != nil {
		return err
	}
	mirrors, sent, err := a.mirrors(ctx)
	if err != nil {
		return err
	}
	nodes, err := db.Nodes(ctx)
	if err != nil {
		return err
	}
	now := time.Now()
	doc := statusDoc{
		Database: db.Describe(), Revision: head.Revision, Origin: redactURL(origin.URL),
		IndexedAt: timeOrNil(origin.IndexedAt), Mirrors: map[string]int{}, Nodes: []nodeDoc{}, Limits: limitsOf(mirrors, sent, now),
	}
	for _, m := range mirrors {
		state, _ := m.State(now, a.maxScanAge())
		doc.Mirrors[string(state)]++
	}
	for _, n := range nodes {
		doc.Nodes = append(doc.Nodes, nodeDoc{
			Name: n.Name, Version: n.Version, Seen: n.Seen.UTC(), Revision: n.Head.Revision,
			Behind: max(0, head.Revision-n.Head.Revision),
		})
	}
	if doc.workDoc, err = a.work(ctx, mirrors); err != nil {
		return err
	}
	if a.json {
		return a.printJSON(doc)
	}
	a.printStatus(&doc, now, len(mirrors))
	return nil
}

// limitsOf gives the enabled mirrors whose quota is nearly spent or that have
// ways that are down.
func limitsOf(mirrors []mirror.Mirror, sent sums, now time.Time) []limitDoc {
	list := []limitDoc{}
	for i := range mirrors {
		m := &mirrors[i]
		if !m.Enabled {
			continue
		}
		l := limitDoc{Mirror: m.Name, WaysDown: waysDownOf(m)}
		if m.Quota.Bytes > 0 {
			if q := quotaOf(sent.of(m.ID), m.Quota, now); q.Percent >= nearlySpent {
				l.Quota = q
			}
		}
		if l.Quota != nil || len(l.WaysDown) > 0 {
			list = append(list, l)
		}
	}
	return list
}

func (a *app) printStatus(d *statusDoc, now time.Time, mirrors int) {
	fmt.Fprintf(a.out, "database  %s, revision %d\n", d.Database, d.Revision)
	if d.IndexedAt == nil {
		fmt.Fprintln(a.out, "origin    not indexed yet: mbctl index DIR")
	} else {
		fmt.Fprintf(a.out, "origin    %s, indexed %s ago\n", printable(d.Origin), age(*d.IndexedAt, now))
	}
	switch mirrors {
	case 0:
		fmt.Fprintln(a.out, "mirrors   none yet: mbctl new NAME -H URL")
	default:
		fmt.Fprintf(a.out, "mirrors   %d", mirrors)
		for _, s := range []mirror.State{
			mirror.StateUp, mirror.StateDown, mirror.StateNeverScanned,
			mirror.StateScanTooOld, mirror.StateQuotaSpent, mirror.StateResting, mirror.StateDisabled,
		} {
			if n := d.Mirrors[string(s)]; n > 0 {
				fmt.Fprintf(a.out, ", %d %s", n, s)
			}
		}
		fmt.Fprintln(a.out)
	}
	for _, l := range d.Limits {
		if l.Quota != nil {
			fmt.Fprintf(a.out, "quota     %s: %s used, renewed %s\n", printable(l.Mirror), percent(l.Quota.Percent), l.Quota.Renews.Format(time.DateOnly))
		}
		for _, w := range l.WaysDown {
			fmt.Fprintf(a.out, "way down  %s: %s since %s: %s\n", printable(l.Mirror), w.Way, w.Since.Format("2006-01-02 15:04"), printable(w.Reason))
		}
	}
	if len(d.Nodes) == 0 {
		fmt.Fprintln(a.out, "nodes     none has reported: is Caddy running with this database?")
	}
	slices.SortFunc(d.Nodes, func(x, y nodeDoc) int { return y.Seen.Compare(x.Seen) })
	for _, n := range d.Nodes {
		fmt.Fprintf(a.out, "node      %s: seen %s ago, %s behind\n", printable(n.Name), age(n.Seen, now), plural(n.Behind, "change"))
	}
	a.printWork(&d.workDoc, now)
}
