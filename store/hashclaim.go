package store

import (
	"context"
	"slices"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// ClaimHashes takes versions to hash for the run that has the lease, so that no
// other run hashes them at the same time. It gives those of rows that are the
// run's now, and the number of those that another run is at work on. What was
// hashed, replaced or removed since rows was read is neither.
func (s *Store) ClaimHashes(ctx context.Context, l Lease, rows []HashRow) (mine []HashRow, others int, err error) {
	for some := range slices.Chunk(rows, listChunk) {
		got, busy, err := s.claim(ctx, l, some)
		if err != nil {
			return nil, 0, err
		}
		mine, others = append(mine, got...), others+busy
	}
	return mine, others, nil
}

func (s *Store) claim(ctx context.Context, l Lease, rows []HashRow) (mine []HashRow, others int, err error) {
	ids := make([]mirror.FileID, len(rows))
	for i := range rows {
		ids[i] = rows[i].ID
	}
	err = s.update(ctx, "claiming files to hash", func(t *tx) error {
		mine, others = nil, 0
		if err := t.holds(ctx, l); err != nil {
			return err
		}
		// A claim is worth as much as the lease of its run. In one order, so
		// that runs which claim the same versions wait for each other in turn.
		claimed, err := t.idSet(ctx, `INSERT INTO hash_claim (file, token)
			SELECT id, CAST($1 AS bigint) FROM file WHERE gone = 0 AND id IN (`+idList(ids)+`) ORDER BY id
			ON CONFLICT (file) DO UPDATE SET token = excluded.token
			WHERE NOT EXISTS (SELECT 1 FROM lease l WHERE l.token = hash_claim.token AND l.until > `+t.d.now+`)
			RETURNING file`, l.Token)
		if err != nil {
			return err
		}
		live, err := t.idSet(ctx, "SELECT id FROM file WHERE gone = 0 AND id IN ("+idList(ids)+")")
		if err != nil {
			return err
		}
		others = len(live) - len(claimed)
		stored, err := t.hashRevisions(ctx, ids)
		if err != nil {
			return err
		}
		for i := range rows {
			if claimed[rows[i].ID] && stored[rows[i].ID] == rows[i].Hashed {
				mine = append(mine, rows[i])
			}
		}
		return nil
	})
	return mine, others, err
}

func (t *tx) idSet(ctx context.Context, query string, args ...any) (map[mirror.FileID]bool, error) {
	rows, err := t.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	set := make(map[mirror.FileID]bool)
	for rows.Next() {
		var id mirror.FileID
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		set[id] = true
	}
	return set, rows.Err()
}

// hashRevisions says when the digests of versions were stored.
func (t *tx) hashRevisions(ctx context.Context, ids []mirror.FileID) (map[mirror.FileID]int64, error) {
	rows, err := t.QueryContext(ctx, "SELECT file, revision FROM file_hash WHERE file IN ("+idList(ids)+")")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	at := make(map[mirror.FileID]int64)
	for rows.Next() {
		var id mirror.FileID
		var revision int64
		if err := rows.Scan(&id, &revision); err != nil {
			return nil, err
		}
		at[id] = revision
	}
	return at, rows.Err()
}

// ReleaseClaims gives up what a run claimed and did not hash, and then its
// lease. That the lease was lost already is no error.
func (s *Store) ReleaseClaims(ctx context.Context, l Lease) error {
	err := s.update(ctx, "giving up claims on files to hash", func(t *tx) error {
		_, err := t.ExecContext(ctx, "DELETE FROM hash_claim WHERE token = $1", l.Token)
		return err
	})
	if err != nil {
		return err
	}
	return s.Release(ctx, l)
}
