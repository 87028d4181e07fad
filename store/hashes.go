package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// ZSyncPart is the length of a part of zsync's block sums. Every part but a
// file's last one has it.
const ZSyncPart = 1 << 20 // bytes

// Hashes are what a run found out about one version.
type Hashes struct {
	ID mirror.FileID
	// Digests of the version; nil: those that are stored are right, and only the
	// signature is new.
	Digests *mirror.Digests
	// Signature takes the place of Digests.Signature.
	Signature *mirror.Signature
	// Asc and Sig are the versions of the files beside it in which a signature
	// was looked for; 0: there was none.
	Asc, Sig mirror.FileID
	// Sums are the last part of the sums for zsync, and Part is its number. The
	// parts before it were stored by PutZSyncPart.
	Sums []byte
	Part int
}

// PutHashes stores digests and signatures under the lease of a run, and gives
// up its claims on their versions. A version that has digests already has them
// replaced; one that is not known (any more) is left out.
func (s *Store) PutHashes(ctx context.Context, l Lease, list []Hashes) error {
	for some := range slices.Chunk(list, listChunk) {
		_, err := s.visible(ctx, "storing digests", func(t *tx) error {
			if err := t.holds(ctx, l); err != nil {
				return err
			}
			return t.putHashes(ctx, some)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) putHashes(ctx context.Context, list []Hashes) error {
	ids := make([]mirror.FileID, len(list))
	for i := range list {
		ids[i] = list[i].ID
	}
	known, err := t.knownFiles(ctx, ids)
	if err != nil {
		return err
	}
	slices.Sort(known)
	var whole []Hashes
	for i := range list {
		h := &list[i]
		if _, ok := slices.BinarySearch(known, h.ID); !ok {
			continue
		}
		if h.Digests != nil {
			whole = append(whole, *h)
		} else if err := t.putSignature(ctx, h); err != nil {
			return err
		}
	}
	if err := t.replaceHashes(ctx, whole); err != nil {
		return err
	}
	_, err = t.ExecContext(ctx, "DELETE FROM hash_claim WHERE file IN ("+idList(ids)+")")
	return err
}

func (t *tx) putSignature(ctx context.Context, h *Hashes) error {
	suffix, data := signatureColumns(h.Signature)
	_, err := t.ExecContext(ctx, `UPDATE file_hash SET suffix = $1, signature = $2, asc_file = $3, sig_file = $4, revision = $5
		WHERE file = $6`, suffix, data, int64(h.Asc), int64(h.Sig), t.head.Revision, int64(h.ID))
	if err != nil {
		return err
	}
	// So that nodes see that something is new.
	_, err = t.ExecContext(ctx, "UPDATE digest SET revision = $1 WHERE file = $2", t.head.Revision, int64(h.ID))
	return err
}

const hashColumns = "file, revision, piece_length, zsync_block, zsync_seq, zsync_rsum, zsync_checksum, asc_file, sig_file, " +
	"md5, sha1, sha512, info_v1, info_v2, merkle_root, suffix, signature, sha1_pieces, sha256_pieces, piece_layer"

func (t *tx) replaceHashes(ctx context.Context, list []Hashes) error {
	if len(list) == 0 {
		return nil
	}
	ids := make([]mirror.FileID, len(list))
	digests, hashes := make([][]any, len(list)), make([][]any, len(list))
	for i := range list {
		h := &list[i]
		ids[i] = h.ID
		digests[i] = []any{int64(h.ID), h.Digests.SHA256[:], t.head.Revision}
		hashes[i] = hashRow(h, t.head.Revision)
		if err := t.endZSync(ctx, h); err != nil {
			return err
		}
	}
	for _, table := range []string{"digest", "file_hash"} {
		if _, err := t.ExecContext(ctx, "DELETE FROM "+table+" WHERE file IN ("+idList(ids)+")"); err != nil {
			return err
		}
	}
	if err := t.d.insert(ctx, t, "digest", []string{"file", "sha256", "revision"}, digests); err != nil {
		return err
	}
	return t.d.insert(ctx, t, "file_hash", strings.Split(hashColumns, ", "), hashes)
}

// hashRow gives the values of hashColumns.
func hashRow(h *Hashes, revision int64) []any {
	d := h.Digests
	suffix, signature := signatureColumns(h.Signature)
	v1, v2, root := []byte{}, []byte{}, []byte{}
	if d.Torrent.V1 != [20]byte{} {
		v1 = d.Torrent.V1[:]
	}
	if d.Torrent.V2 != [32]byte{} {
		v2 = d.Torrent.V2[:]
	}
	if d.Pieces.Root != [32]byte{} {
		root = d.Pieces.Root[:]
	}
	return []any{
		int64(h.ID), revision, d.Pieces.Length,
		int64(d.ZSync.BlockSize), int64(d.ZSync.SeqMatches), int64(d.ZSync.RsumBytes), int64(d.ZSync.ChecksumBytes),
		int64(h.Asc), int64(h.Sig), d.MD5[:], d.SHA1[:], d.SHA512[:], v1, v2, root, suffix, signature,
		notNull(d.Pieces.SHA1), notNull(d.Pieces.SHA256), notNull(d.Pieces.Layer),
	}
}

func signatureColumns(s *mirror.Signature) (suffix string, data []byte) {
	if s == nil {
		return "", []byte{}
	}
	return s.Suffix, notNull(s.Data)
}

func notNull(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// PutZSyncPart stores a part of the sums for zsync of a version that is being
// hashed. They become visible with PutHashes.
func (s *Store) PutZSyncPart(ctx context.Context, l Lease, id mirror.FileID, part int, sums []byte) error {
	const doing = "storing sums for zsync"
	if len(sums) != ZSyncPart {
		return fail(doing, fmt.Errorf("a part has %d bytes", len(sums)))
	}
	return s.update(ctx, doing, func(t *tx) error {
		if err := t.holds(ctx, l); err != nil {
			return err
		}
		return t.putZSyncPart(ctx, id, part, sums)
	})
}

func (t *tx) putZSyncPart(ctx context.Context, id mirror.FileID, part int, sums []byte) error {
	_, err := t.ExecContext(ctx, "INSERT INTO zsync_part (file, part, sums) SELECT id, CAST($1 AS bigint), CAST($2 AS "+t.d.bytes+`)
		FROM file WHERE id = $3 ON CONFLICT (file, part) DO UPDATE SET sums = excluded.sums`, int64(part), sums, int64(id))
	return err
}

// endZSync stores the last part and deletes what an earlier run left behind it.
func (t *tx) endZSync(ctx context.Context, h *Hashes) error {
	parts := 0
	if h.Digests.ZSync.BlockSize > 0 {
		parts = h.Part
		if len(h.Sums) > 0 {
			if err := t.putZSyncPart(ctx, h.ID, h.Part, h.Sums); err != nil {
				return err
			}
			parts++
		}
	}
	_, err := t.ExecContext(ctx, "DELETE FROM zsync_part WHERE file = $1 AND part >= $2", int64(h.ID), int64(parts))
	return err
}
