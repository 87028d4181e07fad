package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// SHA256Of gives the SHA-256 of versions, as far as they were hashed.
func (s *Store) SHA256Of(ctx context.Context, ids []mirror.FileID) (map[mirror.FileID][32]byte, error) {
	known := make(map[mirror.FileID][32]byte)
	for some := range slices.Chunk(ids, listChunk) {
		if err := s.sha256Of(ctx, some, known); err != nil {
			return nil, fail("reading digests", deadline(ctx, err))
		}
	}
	return known, nil
}

func (s *Store) sha256Of(ctx context.Context, ids []mirror.FileID, known map[mirror.FileID][32]byte) error {
	rows, err := s.db.QueryContext(ctx, "SELECT file, sha256 FROM digest WHERE file IN ("+idList(ids)+")")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id mirror.FileID
		var raw []byte
		if err := rows.Scan(&id, &raw); err != nil {
			return err
		}
		if len(raw) != 32 {
			return fmt.Errorf("the digest of file version %d has %d bytes", id, len(raw))
		}
		known[id] = [32]byte(raw)
	}
	return rows.Err()
}
