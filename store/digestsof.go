package store

import (
	"context"
	"crypto/md5" //nolint:gosec // what buckets tell
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// SHA256Of gives the SHA-256 of versions, as far as they were hashed.
func (s *Store) SHA256Of(ctx context.Context, ids []mirror.FileID) (map[mirror.FileID][sha256.Size]byte, error) {
	known := make(map[mirror.FileID][sha256.Size]byte)
	err := s.digestsOf(ctx, "SELECT file, sha256 FROM digest", ids, func(id mirror.FileID, sum []byte) error {
		if len(sum) != sha256.Size {
			return fmt.Errorf("the digest of file version %d has %d bytes", id, len(sum))
		}
		known[id] = [sha256.Size]byte(sum)
		return nil
	})
	return known, err
}

// MD5Of gives the MD5 of versions, as far as they were hashed.
func (s *Store) MD5Of(ctx context.Context, ids []mirror.FileID) (map[mirror.FileID][md5.Size]byte, error) {
	known := make(map[mirror.FileID][md5.Size]byte)
	err := s.digestsOf(ctx, "SELECT file, md5 FROM file_hash", ids, func(id mirror.FileID, sum []byte) error {
		if len(sum) != md5.Size {
			return fmt.Errorf("the MD5 of file version %d has %d bytes", id, len(sum))
		}
		known[id] = [md5.Size]byte(sum)
		return nil
	})
	return known, err
}

// digestsOf calls each with what the query selects of versions.
func (s *Store) digestsOf(ctx context.Context, query string, ids []mirror.FileID, each func(mirror.FileID, []byte) error) error {
	for some := range slices.Chunk(ids, listChunk) {
		if err := s.eachDigest(ctx, query+" WHERE file IN ("+idList(some)+")", each); err != nil {
			return fail("reading digests", deadline(ctx, err))
		}
	}
	return nil
}

func (s *Store) eachDigest(ctx context.Context, query string, each func(mirror.FileID, []byte) error) error {
	rows, err := s.db.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id mirror.FileID
		var sum []byte
		if err := rows.Scan(&id, &sum); err != nil {
			return err
		}
		if err := each(id, sum); err != nil {
			return err
		}
	}
	return rows.Err()
}
