package store

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// PutDigest stores the SHA-256 sum of a version. ErrNotFound: the version is
// not known (any more).
func (s *Store) PutDigest(ctx context.Context, id mirror.FileID, sha256 [32]byte) error {
	const doing = "storing a digest"
	n, err := s.putDigests(ctx, doing, []mirror.FileID{id}, map[mirror.FileID][32]byte{id: sha256})
	if err == nil && n == 0 {
		err = fail(doing, fmt.Errorf("file version %d: %w", id, ErrNotFound))
	}
	return err
}

// PutDigests stores the SHA-256 sums of many versions, in as many transactions
// as it takes. Versions that are not known (any more) are left out.
func (s *Store) PutDigests(ctx context.Context, sums map[mirror.FileID][32]byte) error {
	for ids := range slices.Chunk(slices.Sorted(maps.Keys(sums)), MaxBatch) {
		if _, err := s.putDigests(ctx, "storing digests", ids, sums); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) putDigests(ctx context.Context, doing string, ids []mirror.FileID, sums map[mirror.FileID][32]byte) (stored int, err error) {
	_, err = s.visible(ctx, doing, func(t *tx) error {
		var rows [][]any
		for some := range slices.Chunk(ids, listChunk) {
			known, err := t.knownFiles(ctx, some)
			if err != nil {
				return err
			}
			for _, id := range known {
				sum := sums[id]
				rows = append(rows, []any{int64(id), sum[:], t.head.Revision})
			}
			if _, err := t.ExecContext(ctx, "DELETE FROM digest WHERE file IN ("+idList(some)+")"); err != nil {
				return err
			}
		}
		if len(rows) == 0 {
			return errNothing
		}
		stored = len(rows)
		return t.d.insert(ctx, t, "digest", []string{"file", "sha256", "revision"}, rows)
	})
	return stored, err
}

// knownFiles gives those of the ids that are versions.
func (t *tx) knownFiles(ctx context.Context, ids []mirror.FileID) ([]mirror.FileID, error) {
	rows, err := t.QueryContext(ctx, "SELECT id FROM file WHERE id IN ("+idList(ids)+")")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var known []mirror.FileID
	for rows.Next() {
		var id mirror.FileID
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		known = append(known, id)
	}
	return known, rows.Err()
}
