package store

import (
	"context"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// DefaultKeepEvents is how long the log of changes is kept.
const DefaultKeepEvents = 365 * 24 * time.Hour

// keepTraffic is for how many days it is kept what was sent to mirrors: a year
// and the same month of the year before.
const keepTraffic = 400

// Retired counts what nobody needs any more.
type Retired struct {
	Versions int64 // replaced or removed long ago
	Changes  int64 // positions older than a week
	Mirrors  int64 // marks of deleted mirrors
	Aliases  int64 // marks of removed aliases
	Events   int64 // of the log of changes
	Parts    int64 // block sums for zsync that belong to nothing
	Prefixes int64 // of tables of announced networks that were replaced
	Traffic  int64 // days of mirrors, long past
	Names    int64 // of autonomous systems, in such tables
	Runs     int64 // scans of mirrors, long past or one of many of a day
	States   int64 // of mirrors, long past
}

const (
	// strayParts are block sums that no run is about to store the rest of, and
	// that do not count.
	strayParts = `NOT EXISTS (SELECT 1 FROM hash_claim c WHERE c.file = zsync_part.file)
		AND NOT EXISTS (SELECT 1 FROM file_hash h WHERE h.file = zsync_part.file AND h.zsync_block > 0)`
	// oldPrefixes are of generations before the present one; a later one may be
	// about to be filled.
	oldPrefixes = "generation < (SELECT prefix_generation FROM head)"
	oldTraffic  = "day < $1"
)

// CountRetired counts what Purge and Retire would delete.
func (s *Store) CountRetired(ctx context.Context, keepVersions, keepEvents time.Duration) (r Retired, err error) {
	err = s.read(ctx, func(n *Snapshot) error {
		var now int64
		if err := n.q.QueryRowContext(ctx, "SELECT "+n.d.now).Scan(&now); err != nil {
			return err
		}
		week := now - int64(keepChanges)
		for _, c := range []struct {
			to   *int64
			from string
			args []any
		}{
			{&r.Versions, "file WHERE gone <> 0 AND gone <= $1 AND revision <= (SELECT revision FROM index_state)", []any{now - int64(keepVersions)}},
			{&r.Changes, "change WHERE at < $1 AND revision < (SELECT revision FROM head)", []any{week}},
			{&r.Mirrors, "mirror WHERE gone <> 0 AND gone < $1", []any{week}},
			{&r.Aliases, "alias WHERE gone <> 0 AND gone < $1", []any{week}},
			{&r.Events, "event WHERE at < $1", []any{now - int64(keepEvents)}},
			{&r.Parts, "zsync_part WHERE " + strayParts, nil},
			{&r.Prefixes, "asn_prefix WHERE " + oldPrefixes, nil},
			{&r.Traffic, "mirror_traffic WHERE " + oldTraffic, []any{int64(mirror.DayOf(instant(now))) - keepTraffic}},
			{&r.Names, "asn_name WHERE " + oldPrefixes, nil},
			{&r.Runs, "scan_run WHERE " + pastRuns, past(now)},
			{&r.States, "mirror_state WHERE " + oldStates, []any{now - int64(keepStates)}},
		} {
			if err := n.q.QueryRowContext(ctx, "SELECT count(*) FROM "+c.from, c.args...).Scan(c.to); err != nil {
				return err
			}
		}
		return nil
	})
	return r, fail("counting what is out of date", deadline(ctx, err))
}

// Retire deletes what Purge leaves: old events, stray block sums, tables of
// networks that were replaced, days of traffic, and most of the history of mirrors.
// No catalog has any of it.
func (s *Store) Retire(ctx context.Context, keepEvents time.Duration) (r Retired, err error) {
	err = s.update(ctx, "deleting what is out of date", func(t *tx) error {
		now, err := t.clock(ctx)
		if err != nil {
			return err
		}
		if t.d.holdClaims != "" {
			if _, err := t.ExecContext(ctx, t.d.holdClaims); err != nil {
				return err
			}
		}
		for _, step := range []struct {
			to   *int64
			from string
			args []any
		}{
			{&r.Parts, "zsync_part WHERE " + strayParts, nil},
			{&r.Events, "event WHERE at < $1", []any{now - int64(keepEvents)}},
			{&r.Prefixes, "asn_prefix WHERE " + oldPrefixes, nil},
			{&r.Traffic, "mirror_traffic WHERE " + oldTraffic, []any{int64(mirror.DayOf(instant(now))) - keepTraffic}},
			{&r.Names, "asn_name WHERE " + oldPrefixes, nil},
			{&r.Runs, "scan_run WHERE " + pastRuns, past(now)},
			{&r.States, "mirror_state WHERE " + oldStates, []any{now - int64(keepStates)}},
		} {
			res, err := t.ExecContext(ctx, "DELETE FROM "+step.from, step.args...)
			if err != nil {
				return err
			}
			if *step.to, err = res.RowsAffected(); err != nil {
				return err
			}
		}
		return nil
	})
	return r, err
}
