package store

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// Digests gives what `mbctl hash` stored of a version. ErrNotFound: it was not
// hashed, or is not known (any more).
func (s *Store) Digests(ctx context.Context, id mirror.FileID) (mirror.Digests, error) {
	d, err := s.digests(ctx, id)
	if err != nil {
		return mirror.Digests{}, fail(fmt.Sprintf("reading the digests of file version %d", id), deadline(ctx, err))
	}
	return d, nil
}

func (s *Store) digests(ctx context.Context, id mirror.FileID) (d mirror.Digests, err error) {
	var sha256, md5, sha1, sha512, v1, v2, root, signature []byte
	var suffix string
	p, z := &d.Pieces, &d.ZSync
	err = s.db.QueryRowContext(ctx, `SELECT d.sha256, h.piece_length, h.zsync_block, h.zsync_seq, h.zsync_rsum, h.zsync_checksum,
			h.md5, h.sha1, h.sha512, h.info_v1, h.info_v2, h.merkle_root, h.suffix, h.signature, h.sha1_pieces, h.sha256_pieces, h.piece_layer
		FROM digest d JOIN file_hash h ON h.file = d.file WHERE d.file = $1`, int64(id)).
		Scan(&sha256, &p.Length, &z.BlockSize, &z.SeqMatches, &z.RsumBytes, &z.ChecksumBytes,
			&md5, &sha1, &sha512, &v1, &v2, &root, &suffix, &signature, &p.SHA1, &p.SHA256, &p.Layer)
	if err != nil {
		return d, err
	}
	for _, c := range []struct {
		to, from []byte
		optional bool
	}{
		{d.MD5[:], md5, false},
		{d.SHA1[:], sha1, false},
		{d.SHA256[:], sha256, false},
		{d.SHA512[:], sha512, false},
		{d.Torrent.V1[:], v1, true},
		{d.Torrent.V2[:], v2, true},
		{p.Root[:], root, true},
	} {
		if c.optional && len(c.from) == 0 {
			continue
		}
		if len(c.from) != len(c.to) {
			return d, fmt.Errorf("a digest of %d bytes has %d in the database", len(c.to), len(c.from))
		}
		copy(c.to, c.from)
	}
	if suffix != "" {
		d.Signature = &mirror.Signature{Suffix: suffix, Data: signature}
	}
	for _, b := range []*[]byte{&p.SHA1, &p.SHA256, &p.Layer} {
		if len(*b) == 0 {
			*b = nil
		}
	}
	return d, nil
}

// ZSyncSums writes the sums for zsync of a version to w, a part at a time.
// ErrNotFound: it has none. Sums that are incomplete in the database are an
// error, too; w may have got some of them by then.
func (s *Store) ZSyncSums(ctx context.Context, id mirror.FileID, w io.Writer) error {
	err := s.zsyncSums(ctx, id, w)
	return fail(fmt.Sprintf("reading the sums for zsync of file version %d", id), deadline(ctx, err))
}

func (s *Store) zsyncSums(ctx context.Context, id mirror.FileID, w io.Writer) error {
	var size, block, bytes int64
	err := s.db.QueryRowContext(ctx, `SELECT f.size, h.zsync_block, h.zsync_rsum + h.zsync_checksum
		FROM file_hash h JOIN file f ON f.id = h.file WHERE h.file = $1`, int64(id)).Scan(&size, &block, &bytes)
	if err != nil {
		return err
	}
	if block <= 0 {
		return ErrNotFound
	}
	left := (size + block - 1) / block * bytes
	for part := int64(0); left > 0; part++ {
		var sums []byte
		err := s.db.QueryRowContext(ctx, "SELECT sums FROM zsync_part WHERE file = $1 AND part = $2", int64(id), part).Scan(&sums)
		switch {
		case errors.Is(classify(err), ErrNotFound):
			return fmt.Errorf("part %d is missing in the database: run 'mbctl hash --force' for the file", part)
		case err != nil:
			return err
		case int64(len(sums)) != min(left, ZSyncPart):
			return fmt.Errorf("part %d has %d bytes in the database: run 'mbctl hash --force' for the file", part, len(sums))
		}
		if _, err := w.Write(sums); err != nil {
			return fmt.Errorf("passing them on: %w", err)
		}
		left -= int64(len(sums))
	}
	return nil
}
