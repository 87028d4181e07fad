package store

import (
	"context"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// SettleQuotas compares what was sent to mirrors with their quotas, and notes
// with the mirrors whose quota is spent or is not any more, because a new period
// began or the quota was changed. It writes, and raises the revision, only where
// something changes. who is for the log.
//
// It is no part of AddTraffic's transaction: visible ones begin with the head's
// lock, and an addition holds locks on mirrors' rows by then. Whatever comes
// between the two is settled the next time, by whichever node.
func (s *Store) SettleQuotas(ctx context.Context, who string) error {
	found, err := unsettled(ctx, s.db, s.d)
	if err != nil || len(found) == 0 {
		return fail("comparing quotas", deadline(ctx, err))
	}
	_, err = s.visible(ctx, "noting which quotas are spent", func(t *tx) error {
		found, err := unsettled(ctx, t, t.d)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return errNothing
		}
		for _, id := range found {
			if err := t.settle(ctx, id, who); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}

// settle turns a mirror's mark over.
func (t *tx) settle(ctx context.Context, id mirror.ID, who string) error {
	m, err := t.changeMirror(ctx, id, who, "", func(m *mirror.Mirror) error {
		m.Quota.Spent = !m.Quota.Spent
		return nil
	})
	if err != nil {
		return err
	}
	what := "quota spent"
	if !m.Quota.Spent {
		what = "quota renewed"
	}
	return t.event(ctx, Event{Mirror: id, MirrorName: m.Name, Who: who, What: what, Detail: m.Quota.String()})
}

// unsettled gives the mirrors whose quota is marked as spent and is not, or the
// other way round.
func unsettled(ctx context.Context, q querier, d *dialect) ([]mirror.ID, error) {
	sums, err := trafficSums(ctx, q, d)
	if err != nil {
		return nil, err
	}
	byID := make(map[mirror.ID]*mirror.Sums, len(sums))
	for i := range sums {
		byID[sums[i].Mirror] = &sums[i]
	}
	rows, err := q.QueryContext(ctx, `SELECT id, quota_bytes, quota_period, quota_spent FROM mirror
		WHERE gone = 0 AND (quota_bytes > 0 OR quota_spent) ORDER BY id`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []mirror.ID
	for rows.Next() {
		var id mirror.ID
		var quota mirror.Quota
		if err := rows.Scan(&id, &quota.Bytes, &quota.Period, &quota.Spent); err != nil {
			return nil, err
		}
		sum := byID[id]
		if spent := sum != nil && sum.SpentBy(quota); spent != quota.Spent {
			found = append(found, id)
		}
	}
	return found, rows.Err()
}
