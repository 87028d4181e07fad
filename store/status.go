package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// shareDays is for how many days, today included, Share says what was sent.
const shareDays = 30

// MirrorStatus is what a list of mirrors says of one.
type MirrorStatus struct {
	Mirror mirror.Mirror // private fields, too
	// State is the present one. Since is the zero time where that was not
	// recorded yet.
	State mirror.StateChange
	// LastRun is the last full scan, LastGood the last one that was accepted;
	// zero: none is remembered.
	LastRun, LastGood mirror.Run
	Share             mirror.Share // of the last 30 days, today included
}

// Status gives what a list of mirrors says, sorted by name, as of at by the
// database's clock. However many mirrors there are, the database is asked half a
// dozen questions. maxScanAge is as of mirror.Mirror.State.
func (s *Store) Status(ctx context.Context, maxScanAge time.Duration) (list []MirrorStatus, at time.Time, err error) {
	err = s.read(ctx, func(n *Snapshot) error {
		if at, err = n.clock(); err != nil {
			return err
		}
		list, err = n.status(at, maxScanAge)
		return err
	})
	return list, at, fail("reading the status of the mirrors", deadline(ctx, err))
}

func (n *Snapshot) status(now time.Time, maxScanAge time.Duration) (list []MirrorStatus, err error) {
	states, err := lastStates(n.ctx, n.q)
	if err != nil {
		return nil, err
	}
	last, err := lastRuns(n.ctx, n.q, "")
	if err != nil {
		return nil, err
	}
	good, err := lastRuns(n.ctx, n.q, " AND ok")
	if err != nil {
		return nil, err
	}
	shares, err := shares(n.ctx, n.q, now)
	if err != nil {
		return nil, err
	}
	err = eachMirror(n.ctx, n.q, "gone = 0 ORDER BY name", nil, func(m mirror.Mirror, _ bool) error {
		list = append(list, MirrorStatus{
			Mirror: m, State: presentState(&m, states[m.ID], now, maxScanAge),
			LastRun: last[m.ID], LastGood: good[m.ID], Share: shares[m.ID],
		})
		return nil
	})
	return list, err
}

// presentState is the state of a mirror now, with what was recorded of it.
func presentState(m *mirror.Mirror, recorded mirror.StateChange, now time.Time, maxScanAge time.Duration) mirror.StateChange {
	c := mirror.StateChange{At: now}
	if c.State, c.Reason = m.PublicState(now, maxScanAge); c.State == recorded.State {
		c.At, c.Since = recorded.At, recorded.Since
	}
	return c
}

// lastRuns gives the last scan of each mirror, of those that only selects.
func lastRuns(ctx context.Context, q querier, only string) (map[mirror.ID]mirror.Run, error) {
	all := map[mirror.ID]mirror.Run{}
	err := eachRun(ctx, q, `SELECT r.mirror, r.at, r.took, r.ok, r.protocol, r.held, r.files, r.response, r.error FROM mirror m
		JOIN scan_run r ON r.mirror = m.id AND r.at = (SELECT max(at) FROM scan_run WHERE mirror = m.id`+only+`)
		WHERE m.gone = 0`, nil, func(id mirror.ID, r mirror.Run) { all[id] = r })
	return all, err
}

// Shares gives what was sent to each mirror in the last 30 days of UTC, today
// included, as part of what was sent to all, those that are deleted, too.
func (s *Store) Shares(ctx context.Context) (map[mirror.ID]mirror.Share, error) {
	var all map[mirror.ID]mirror.Share
	err := s.read(ctx, func(n *Snapshot) error {
		now, err := n.clock()
		if err != nil {
			return err
		}
		all, err = shares(ctx, n.q, now)
		return err
	})
	return all, fail("reading what was sent to mirrors", deadline(ctx, err))
}

func shares(ctx context.Context, q querier, now time.Time) (map[mirror.ID]mirror.Share, error) {
	all := map[mirror.ID]mirror.Share{}
	var requests, bytes float64
	err := eachRow(ctx, q, `SELECT mirror, CAST(sum(requests) AS bigint), CAST(sum(bytes) AS bigint)
		FROM mirror_traffic WHERE day > $1 GROUP BY mirror`, func(rows *sql.Rows) error {
		var id mirror.ID
		var one mirror.Share
		err := rows.Scan(&id, &one.Requests, &one.Bytes)
		all[id] = one
		requests += float64(one.Requests)
		bytes += float64(one.Bytes)
		return err
	}, int64(mirror.DayOf(now))-shareDays)
	for id, one := range all {
		if requests > 0 {
			one.OfRequests = float64(one.Requests) / requests
		}
		if bytes > 0 {
			one.OfBytes = float64(one.Bytes) / bytes
		}
		all[id] = one
	}
	return all, err
}

// MaxHistory is how many runs, and how many changes, a History has at most.
const MaxHistory = 1000

// History is what is remembered of a mirror, the oldest first.
type History struct {
	Changes []mirror.StateChange
	// Runs are thinned out where there are too many: evenly, but failures stay
	// before others.
	Runs []mirror.Run
}

// MirrorHistory gives what is remembered of a mirror since a time. The state that
// it had at since comes first among the changes, although that began before.
func (s *Store) MirrorHistory(ctx context.Context, id mirror.ID, since time.Time) (History, error) {
	var h History
	err := s.read(ctx, func(n *Snapshot) error {
		err := eachState(ctx, n.q, `SELECT `+stateColumns+` FROM mirror_state WHERE mirror = $1
			AND at >= coalesce((SELECT max(at) FROM mirror_state WHERE mirror = $1 AND at <= $2), 0) ORDER BY at DESC LIMIT $3`,
			[]any{int64(id), nanos(since), int64(MaxHistory)}, func(_ mirror.ID, c mirror.StateChange) { h.Changes = append(h.Changes, c) })
		if err != nil {
			return err
		}
		h.Runs, err = runs(ctx, n.q, id, nanos(since))
		return err
	})
	slices.Reverse(h.Changes)
	h.Runs = thinned(h.Runs, MaxHistory)
	return h, fail(fmt.Sprintf("reading the history of mirror %d", id), deadline(ctx, err))
}

// thinned gives at most limit of the runs: of each of as many equal parts of
// them the last one that failed, or else the last one.
func thinned(all []mirror.Run, limit int) []mirror.Run {
	if len(all) <= limit {
		return all
	}
	out := make([]mirror.Run, 0, limit)
	for i := range limit {
		part := all[i*len(all)/limit : (i+1)*len(all)/limit]
		pick := part[len(part)-1]
		for _, r := range slices.Backward(part) {
			if !r.OK {
				pick = r
				break
			}
		}
		out = append(out, pick)
	}
	return out
}

// clock is the database's now.
func (n *Snapshot) clock() (time.Time, error) {
	var ns int64
	err := n.q.QueryRowContext(n.ctx, "SELECT "+n.d.now).Scan(&ns)
	return instant(ns), err
}
