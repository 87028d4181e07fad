package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

const (
	// keepStates is for how long states of mirrors are remembered; the last one
	// of each is for good.
	keepStates = keepRuns
	// maxStates is how many changes there are of a mirror at most, however often
	// it changes.
	maxStates = 1000
	// stateBatch is how many mirrors one transaction is for.
	stateBatch = 50
)

const (
	// oldStates are those before $1 that another has followed.
	oldStates = "at < $1 AND EXISTS (SELECT 1 FROM mirror_state l WHERE l.mirror = mirror_state.mirror AND l.at > mirror_state.at)"
	// surplusStates are those of mirror $1 beyond the newest $2.
	surplusStates = "mirror = $1 AND at <= (SELECT at FROM mirror_state WHERE mirror = $1 ORDER BY at DESC LIMIT 1 OFFSET $2)"
)

// RecordStates compares the state of every mirror at now, by maxScanAge (see
// mirror.Mirror.State), with the last one that was recorded, and records what
// differs. now zero is the database's now, which callers should leave it at:
// clocks of hosts differ. Any number of them may call it at any time, each change
// is recorded once. It writes only where something changed, and nodes need not
// know: no revision is raised.
//
// What is recorded is fit for everybody (mirror.Mirror.PublicState). Where hosts
// do not agree about maxScanAge the shortest one decides, until a new scan.
func (s *Store) RecordStates(ctx context.Context, now time.Time, maxScanAge time.Duration) error {
	const doing = "recording the states of mirrors"
	found, err := s.unrecorded(ctx, now, maxScanAge)
	if err != nil || len(found) == 0 {
		return fail(doing, deadline(ctx, err))
	}
	for some := range slices.Chunk(found, stateBatch) {
		err := s.update(ctx, doing, func(t *tx) error {
			for _, id := range some {
				if err := t.recordState(ctx, id, now, maxScanAge); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// unrecorded gives the mirrors whose state is not the one that was recorded last,
// by id: so callers that lock their rows do not wait for each other in a circle.
func (s *Store) unrecorded(ctx context.Context, now time.Time, maxScanAge time.Duration) (ids []mirror.ID, err error) {
	err = s.read(ctx, func(n *Snapshot) error {
		if now.IsZero() {
			if now, err = n.clock(); err != nil {
				return err
			}
		}
		last, err := lastStates(ctx, n.q)
		if err != nil {
			return err
		}
		return eachMirror(ctx, n.q, "gone = 0 ORDER BY id", nil, func(m mirror.Mirror, _ bool) error {
			if _, changed := nextState(&m, last[m.ID], now, maxScanAge); changed {
				ids = append(ids, m.ID)
			}
			return nil
		})
	})
	return ids, err
}

// nextState gives what is to be recorded of a mirror after last, which is zero
// where there is nothing yet.
func nextState(m *mirror.Mirror, last mirror.StateChange, now time.Time, maxScanAge time.Duration) (next mirror.StateChange, changed bool) {
	next = mirror.StateChange{At: now, Since: now}
	next.State, next.Reason = m.PublicState(now, maxScanAge)
	next.Reason = runError(next.Reason)
	switch {
	case next.State == last.State && next.Reason == last.Reason:
		return last, false
	case last.At.IsZero():
		return next, true
	case last.State == mirror.StateScanTooOld && next.State != mirror.StateScanTooOld && servesByAge(next.State) && !m.Scan.Succeeded.After(last.At):
		// Another host finds the same scan too old. Both would record in turns what
		// they think.
		return last, false
	case next.State == last.State:
		next.Since = last.Since
	}
	// The clock may have been set back, or not have moved.
	if !next.At.After(last.At) {
		next.At = last.At.Add(1)
		if next.State != last.State {
			next.Since = next.At
		}
	}
	return next, true
}

// servesByAge reports whether a state is one of those that come after
// StateScanTooOld, which a mirror has only when its scan is not too old.
func servesByAge(s mirror.State) bool {
	return s == mirror.StateUp || s == mirror.StateQuotaSpent || s == mirror.StateResting
}

// recordState records the state of a mirror, if it is still to be. The lock on
// the mirror's row lets one do so at a time.
func (t *tx) recordState(ctx context.Context, id mirror.ID, now time.Time, maxScanAge time.Duration) error {
	m, err := t.lockMirror(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return nil // deleted since
	} else if err != nil {
		return err
	}
	if now.IsZero() {
		ns, err := t.clock(ctx)
		if err != nil {
			return err
		}
		now = instant(ns)
	}
	last, err := lastState(ctx, t, id)
	if err != nil {
		return err
	}
	next, changed := nextState(&m, last, now, maxScanAge)
	if !changed {
		return nil
	}
	_, err = t.ExecContext(ctx, "INSERT INTO mirror_state (mirror, at, since, state, reason) VALUES ($1, $2, $3, $4, $5)",
		int64(id), nanos(next.At), nanos(next.Since), string(next.State), next.Reason)
	if err != nil {
		return err
	}
	_, err = t.ExecContext(ctx, "DELETE FROM mirror_state WHERE "+surplusStates, int64(id), int64(maxStates))
	return err
}

const stateColumns = "mirror, at, since, state, reason"

// lastState gives the last state that was recorded of a mirror, zero if none was.
func lastState(ctx context.Context, q querier, id mirror.ID) (mirror.StateChange, error) {
	_, c, err := scanState(q.QueryRowContext(ctx, "SELECT "+stateColumns+" FROM mirror_state WHERE mirror = $1 ORDER BY at DESC LIMIT 1", int64(id)))
	if errors.Is(err, sql.ErrNoRows) {
		return mirror.StateChange{}, nil
	}
	return c, err
}

// lastStates gives the last state that was recorded of each mirror.
func lastStates(ctx context.Context, q querier) (map[mirror.ID]mirror.StateChange, error) {
	all := map[mirror.ID]mirror.StateChange{}
	err := eachState(ctx, q, `SELECT s.mirror, s.at, s.since, s.state, s.reason FROM mirror m
		JOIN mirror_state s ON s.mirror = m.id AND s.at = (SELECT max(at) FROM mirror_state WHERE mirror = m.id)
		WHERE m.gone = 0`, nil, func(id mirror.ID, c mirror.StateChange) { all[id] = c })
	return all, err
}

func eachState(ctx context.Context, q querier, query string, args []any, fn func(mirror.ID, mirror.StateChange)) error {
	return eachRow(ctx, q, query, func(rows *sql.Rows) error {
		id, c, err := scanState(rows)
		fn(id, c)
		return err
	}, args...)
}

func scanState(row interface{ Scan(to ...any) error }) (id mirror.ID, c mirror.StateChange, err error) {
	var at, since int64
	err = row.Scan(&id, &at, &since, &c.State, &c.Reason)
	c.At, c.Since = instant(at), instant(since)
	return id, c, err
}
