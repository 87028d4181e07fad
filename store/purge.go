package store

import (
	"context"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// keepChanges is how long positions, marks of deleted mirrors and aliases, and
// the ids of deleted versions are kept: a node that was away for longer reads
// everything afresh.
const keepChanges = 7 * 24 * time.Hour

// MinKeepVersions is the shortest time that replaced and removed versions
// should be kept: nodes that were away for less must still learn from their
// rows what is gone.
const MinKeepVersions = keepChanges

// Purge deletes versions that were replaced or removed longer than
// keepVersions ago, with their digests, and what is kept for a week.
func (s *Store) Purge(ctx context.Context, keepVersions time.Duration) (PurgeStats, error) {
	var st PurgeStats
	for {
		n, err := s.purgeVersions(ctx, keepVersions)
		st.Versions += n
		if err != nil {
			return st, err
		}
		if n < MaxBatch {
			break
		}
	}
	err := s.update(ctx, "deleting what is out of date", func(t *tx) error {
		now, err := t.clock(ctx)
		if err != nil {
			return err
		}
		before := now - int64(keepChanges)
		for _, step := range []struct {
			q string
			n *int64
		}{
			{"DELETE FROM change WHERE at < $1 AND revision < (SELECT revision FROM head)", &st.Changes},
			{"DELETE FROM mirror WHERE gone <> 0 AND gone < $1", &st.Mirrors},
			{"DELETE FROM alias WHERE gone <> 0 AND gone < $1", &st.Aliases},
			{"DELETE FROM purged WHERE at < $1", nil},
			{"DELETE FROM lease WHERE until < $1", nil},
		} {
			res, err := t.ExecContext(ctx, step.q, before)
			if err != nil {
				return err
			}
			if step.n == nil {
				continue
			}
			if *step.n, err = res.RowsAffected(); err != nil {
				return err
			}
		}
		return nil
	})
	return st, err
}

// purgeVersions deletes up to a batch of versions and takes them out of all
// holdings. Those that folder_stat still counts wait for the next index run.
func (s *Store) purgeVersions(ctx context.Context, keep time.Duration) (n int64, err error) {
	_, err = s.visible(ctx, "deleting old versions", func(t *tx) error {
		ids, err := t.oldVersions(ctx, t.now-int64(keep))
		if err != nil {
			return err
		}
		n = int64(ids.GetCardinality())
		if n == 0 {
			return errNothing
		}
		raw, err := packed(ids)
		if err != nil {
			return err
		}
		if _, err := t.ExecContext(ctx, "INSERT INTO purged (at, ids) VALUES ($1, $2)", t.now, raw); err != nil {
			return err
		}
		if err := t.dropFromHoldings(ctx, ids); err != nil {
			return err
		}
		it := ids.ManyIterator()
		chunk := make([]uint32, listChunk)
		for k := it.NextMany(chunk); k > 0; k = it.NextMany(chunk) {
			if _, err := t.ExecContext(ctx, "DELETE FROM file WHERE id IN ("+idList(chunk[:k])+")"); err != nil {
				return err
			}
		}
		return nil
	})
	return n, err
}

func (t *tx) oldVersions(ctx context.Context, before int64) (*roaring.Bitmap, error) {
	rows, err := t.QueryContext(ctx, `SELECT id FROM file WHERE gone <> 0 AND gone <= $1
		AND revision <= (SELECT revision FROM index_state) ORDER BY gone LIMIT $2`, before, int64(MaxBatch))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	ids := roaring.New()
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids.Add(uint32(id))
	}
	return ids, rows.Err()
}

func (t *tx) dropFromHoldings(ctx context.Context, ids *roaring.Bitmap) error {
	mirrors, err := t.mirrorsWithHoldings(ctx)
	if err != nil {
		return err
	}
	for _, id := range mirrors {
		h, found, err := holdingsOf(ctx, t, id, t.d.forUpdate)
		if err != nil {
			return err
		}
		if !found || !h.Held.Intersects(ids) {
			continue
		}
		h.Held.AndNot(ids)
		h.Exact.AndNot(ids)
		if err := t.putHoldings(ctx, h); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) mirrorsWithHoldings(ctx context.Context) (ids []mirror.ID, err error) {
	rows, err := t.QueryContext(ctx, "SELECT mirror FROM holdings ORDER BY mirror")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id mirror.ID
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// purgedIDs gives the ids deleted during the last week.
func (t *tx) purgedIDs(ctx context.Context) (*roaring.Bitmap, error) {
	rows, err := t.QueryContext(ctx, "SELECT ids FROM purged")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := roaring.New()
	for rows.Next() {
		var raw []byte
		if err := rows.Scan(&raw); err != nil {
			return nil, err
		}
		ids, err := unpacked(raw)
		if err != nil {
			return nil, err
		}
		all.Or(ids)
	}
	return all, rows.Err()
}
