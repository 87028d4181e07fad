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
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// findMirror gives the mirror of that name, or the only one whose name
// contains it.
func (a *app) findMirror(ctx context.Context, name string) (mirror.Mirror, error) {
	m, err := a.exactMirror(ctx, name)
	if err == nil || !errors.Is(err, store.ErrNotFound) {
		return m, err
	}
	db, err := a.store(ctx)
	if err != nil {
		return mirror.Mirror{}, err
	}
	all, err := db.Mirrors(ctx)
	if err != nil {
		return mirror.Mirror{}, err
	}
	var found []mirror.Mirror
	var names []string
	for _, m := range all {
		if strings.Contains(m.Name, name) {
			found, names = append(found, m), append(names, m.Name)
		}
	}
	switch {
	case len(all) == 0:
		return mirror.Mirror{}, fmt.Errorf("no mirror %q: there are none yet, add one with 'mbctl new'", name)
	case len(found) == 0:
		return mirror.Mirror{}, fmt.Errorf("no mirror %q: 'mbctl list --all' lists them", name)
	case len(found) > 1:
		return mirror.Mirror{}, usagef("%q is part of several names: %s", name, strings.Join(names, ", "))
	}
	return found[0], nil
}

// exactMirror gives the mirror of exactly that name, for commands that destroy.
func (a *app) exactMirror(ctx context.Context, name string) (mirror.Mirror, error) {
	db, err := a.store(ctx)
	if err != nil {
		return mirror.Mirror{}, err
	}
	m, err := db.Mirror(ctx, name)
	if errors.Is(err, store.ErrNotFound) {
		return m, fmt.Errorf("no mirror is named exactly %q: %w", name, err)
	}
	return m, err
}

// statesTime is how long the end of a command may wait for the database.
const statesTime = 5 * time.Second

// recordStates records what states mirrors have come to have by a command, also
// one that was interrupted. If that fails, a node or a daemon will, or the next
// command.
func (a *app) recordStates(ctx context.Context) {
	if !a.changed || a.db == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), statesTime)
	defer cancel()
	if err := a.db.RecordStates(ctx, time.Time{}, a.maxScanAge()); err != nil {
		a.logger().Debug("recording the states of mirrors failed", "error", err)
	}
}

// maxScanAge is the age of holdings that takes a mirror out. Nodes have the
// same setting (max_scan_age in the Caddyfile).
func (a *app) maxScanAge() time.Duration {
	if a.conf != nil && a.conf.MaxScanAge > 0 {
		return time.Duration(a.conf.MaxScanAge)
	}
	return mirror.DefaultMaxScanAge
}

// completeMirrors offers mirror names to the shell.
func (a *app) completeMirrors(cmd *cobra.Command, args []string, start string) ([]string, cobra.ShellCompDirective) {
	var out []string
	a.quietly(cmd.Context(), func(ctx context.Context, db *store.Store) error {
		all, err := db.Mirrors(ctx)
		for _, m := range all {
			if strings.HasPrefix(m.Name, start) && !slices.Contains(args, m.Name) {
				out = append(out, m.Name)
			}
		}
		return err
	})
	return out, cobra.ShellCompDirectiveNoFileComp
}

// completeMirror offers mirror names for the first argument alone.
func (a *app) completeMirror(cmd *cobra.Command, args []string, start string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return a.completeMirrors(cmd, args, start)
}

// completionTimeout is how long the shell waits for the database.
const completionTimeout = 2 * time.Second

// quietly reads the database for the shell's completion: a database that does
// not answer, or is not there, offers nothing, and nothing is said or made.
func (a *app) quietly(ctx context.Context, read func(context.Context, *store.Store) error) {
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, cancel := context.WithTimeout(ctx, completionTimeout)
	defer cancel()
	conf, err := a.config()
	if err != nil {
		return
	}
	db, err := store.Open(conf.Database, store.Options{ReadOnly: true})
	if err != nil {
		return
	}
	defer db.Close()
	if db.Prepare(ctx) == nil {
		_ = read(ctx, db) // what was read is offered
	}
}
