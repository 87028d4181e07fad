package main

import (
	"context"
	"fmt"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/scanner"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// wishScan asks for a scan of a mirror that was changed such that what it was
// credited with need not be there any more: clients are sent to its new URLs for
// what was found at the former ones.
func (a *app) wishScan(ctx context.Context, before, after *mirror.Mirror) error {
	if after.Scan.Succeeded.IsZero() || !scanner.Moved(before, after) {
		return nil
	}
	if !after.Enabled && !after.EnableAfterScan { // nobody is sent there
		a.say("next: mbctl scan %s --enable", after.Name)
		return nil
	}
	if _, err := a.db.Wish(ctx, store.Wish{Kind: store.WishScan, Mirror: after.ID, Who: "a change by " + who()}); err != nil {
		return fmt.Errorf("%s is changed, but a scan could not be asked for: %w", after.Name, err)
	}
	a.say("next: mbctl scan %s (until then it is credited with what was found before; a daemon scans it by itself)", after.Name)
	return nil
}

// scanWishes gives what was asked for, before a scan begins.
func (a *app) scanWishes(ctx context.Context, o *scanner.Options) ([]store.Wish, error) {
	if o.DryRun {
		return nil, nil
	}
	return a.db.Wishes(ctx)
}

// grantScans takes those wishes away that the scans have granted, so that no
// daemon does them again, and none is left where there is no daemon.
func (a *app) grantScans(ctx context.Context, wishes []store.Wish, mirrors []mirror.Mirror, reports []scanner.Report, subtree string) error {
	scanned := map[string]bool{}
	for _, r := range reports {
		scanned[r.Mirror] = r.Err == nil && r.Skipped == ""
	}
	ids := map[mirror.ID]bool{}
	for _, m := range mirrors {
		ids[m.ID] = scanned[m.Name]
	}
	for _, w := range wishes {
		if w.Kind != store.WishScan || !ids[w.Mirror] || !mirror.Below(w.Subtree, subtree) {
			continue
		}
		if err := a.db.Grant(ctx, w); err != nil {
			return err
		}
	}
	return nil
}
