package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// wayDoc is a way to a mirror that is down, in JSON.
type wayDoc struct {
	Way    string    `json:"way"`
	Since  time.Time `json:"since"`
	Reason string    `json:"reason,omitempty"`
}

func waysDownOf(m *mirror.Mirror) (docs []wayDoc) {
	down, _ := m.WaysDown()
	for _, w := range down {
		s := &m.Probe.Ways[w]
		docs = append(docs, wayDoc{w.String(), s.Since.UTC(), s.Error})
	}
	return docs
}

func addWayFlag(cmd *cobra.Command, ways *[]string, usage string) {
	cmd.Flags().StringSliceVar(ways, "way", nil, usage)
	names := make([]string, 0, mirror.HTTPWays)
	for w := range mirror.HTTPWays {
		names = append(names, w.String())
	}
	offer(cmd, "way", names...)
}

func parseWays(names []string) (ways []mirror.HTTPWay, err error) {
	for _, name := range names {
		w, err := mirror.ParseHTTPWay(strings.ToLower(strings.TrimSpace(name)))
		if err != nil {
			return nil, usagef("--way: %w", err)
		}
		ways = append(ways, w)
	}
	slices.Sort(ways)
	return slices.Compact(ways), nil
}

func wayNames(ways []mirror.HTTPWay) string {
	names := make([]string, len(ways))
	for i, w := range ways {
		names[i] = w.String()
	}
	return strings.Join(names, ", ")
}

// waysLeft says of a mirror that takes requests which ways it has not.
func waysLeft(m *mirror.Mirror) string {
	down, all := m.WaysDown()
	switch {
	case all:
		return "; takes none, since all ways to it are down: mbctl enable " + m.Name + " --way WAY"
	case len(down) > 0:
		return "; not by " + wayNames(down)
	}
	return ""
}

// byHand is why a way is down where nobody says it.
const byHand = "disabled by hand"

func (a *app) disableWays(ctx context.Context, mirrors, names []string, reason string) error {
	ways, err := parseWays(names)
	if err != nil {
		return err
	}
	if reason = strings.TrimSpace(reason); reason == "" {
		reason = byHand
	}
	now := time.Now()
	return a.changeEach(ctx, mirrors, "disable "+wayNames(ways), func(m *mirror.Mirror) error {
		has := m.HTTPWays()
		for _, w := range ways {
			if !slices.Contains(has, w) {
				return fmt.Errorf("there is no way %s to it; those that it has: %s", w, wayNames(has))
			}
			s := &m.Probe.Ways[w]
			if !s.Down {
				s.Since = now
			}
			s.Down, s.Error = true, reason
		}
		return nil
	}, func(m *mirror.Mirror) string {
		done := wayNames(ways) + " disabled"
		if _, all := m.WaysDown(); all {
			done += "; it has no other way, so it takes no requests"
		}
		return done
	})
}

func (a *app) enableWays(ctx context.Context, mirrors, names []string) error {
	ways, err := parseWays(names)
	if err != nil {
		return err
	}
	return a.changeEach(ctx, mirrors, "enable "+wayNames(ways), func(m *mirror.Mirror) error {
		for _, w := range ways {
			m.Probe.Ways[w] = mirror.WayState{} // as before anything was known
		}
		return nil
	}, func(m *mirror.Mirror) string {
		done := wayNames(ways) + " enabled"
		if state, reason := m.State(time.Now(), a.maxScanAge()); state != mirror.StateUp {
			return done + "; the mirror takes no requests: " + strings.TrimSuffix(string(state)+", "+reason, ", ")
		}
		return done + waysLeft(m)
	})
}
