package store

import (
	"context"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// AddTraffic adds what a node sent to mirrors to what all nodes sent, in one
// short transaction, and gives the sums of the running periods of all mirrors.
// What is of mirrors that are deleted is left out, and days that have not begun by
// the database's clock are taken for today: they would count for every period until
// then. An error means that nothing was added, except where the connection broke at
// the commit, of which nobody knows whether it took place.
func (s *Store) AddTraffic(ctx context.Context, entries []mirror.Traffic) (sums []mirror.Sums, err error) {
	if len(entries) == 0 {
		return s.Traffic(ctx)
	}
	err = s.update(ctx, "adding up what was sent to mirrors", func(t *tx) error {
		now, err := t.clock(ctx)
		if err != nil {
			return err
		}
		today := mirror.DayOf(instant(now))
		for _, e := range entries { // sorted, so that nodes do not wait for each other in a circle
			// The types are given: PostgreSQL takes unknown ones in a list for text.
			_, err := t.ExecContext(ctx, `INSERT INTO mirror_traffic (mirror, day, requests, bytes)
				SELECT id, CAST($2 AS bigint), CAST($3 AS bigint), CAST($4 AS bigint) FROM mirror WHERE id = $1 AND gone = 0
				ON CONFLICT (mirror, day) DO UPDATE SET
					requests = mirror_traffic.requests + excluded.requests, bytes = mirror_traffic.bytes + excluded.bytes`,
				int64(e.Mirror), int64(min(e.Day, today)), e.Requests, e.Bytes)
			if err != nil {
				return err
			}
		}
		sums, err = trafficSums(ctx, t, t.d)
		return err
	})
	if err != nil {
		return nil, err
	}
	return sums, nil
}

// Traffic gives what was sent to mirrors in the running day and month of UTC, by
// the database's clock; mirrors without any are left out.
func (s *Store) Traffic(ctx context.Context) ([]mirror.Sums, error) {
	sums, err := trafficSums(ctx, s.db, s.d)
	return sums, fail("reading what was sent to mirrors", deadline(ctx, err))
}

func trafficSums(ctx context.Context, q querier, d *dialect) ([]mirror.Sums, error) {
	var ns int64
	if err := q.QueryRowContext(ctx, "SELECT "+d.now).Scan(&ns); err != nil {
		return nil, err
	}
	now := instant(ns)
	today, month := mirror.DayOf(now), mirror.MonthOf(now)
	rows, err := q.QueryContext(ctx, `SELECT mirror,
			CAST(sum(CASE WHEN day >= $1 THEN requests ELSE 0 END) AS bigint),
			CAST(sum(CASE WHEN day >= $1 THEN bytes ELSE 0 END) AS bigint),
			CAST(sum(requests) AS bigint), CAST(sum(bytes) AS bigint)
		FROM mirror_traffic WHERE day >= $2 GROUP BY mirror ORDER BY mirror`, int64(today), int64(month))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []mirror.Sums
	for rows.Next() {
		s := mirror.Sums{Today: today, Month: month}
		if err := rows.Scan(&s.Mirror, &s.DayRequests, &s.DayBytes, &s.MonthRequests, &s.MonthBytes); err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, rows.Err()
}
