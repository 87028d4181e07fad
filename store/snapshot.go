package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// Snapshot is one consistent view of the database. Its methods stream to
// callbacks, from which no other method of the same Snapshot may be called:
// there is one connection. An error of a callback ends the stream and is
// returned.
type Snapshot struct {
	ctx        context.Context //nolint:containedctx // lives within one call of Read
	q          *sql.Tx
	d          *dialect
	head       Head
	standby    bool
	generation int64
	key        [16]byte
	folders    *folderTree // all of them, once needed
}

// Read calls fn with a snapshot that is valid during the call.
func (s *Store) Read(ctx context.Context, fn func(*Snapshot) error) error {
	err := s.read(ctx, fn)
	return fail("reading the database", deadline(ctx, err))
}

func (s *Store) read(ctx context.Context, fn func(*Snapshot) error) error {
	conn, t, err := s.begin(ctx, &sql.TxOptions{Isolation: s.d.isolation, ReadOnly: true})
	if err != nil {
		return err
	}
	defer conn.Close()
	defer t.Rollback()
	n := &Snapshot{ctx: ctx, q: t, d: s.d}
	var key []byte
	// The first read fixes what the snapshot sees.
	err = t.QueryRowContext(ctx, "SELECT revision, stamp, hash_key, prefix_generation FROM head").
		Scan(&n.head.Revision, &n.head.Stamp, &key, &n.generation)
	if err != nil {
		return err
	}
	copy(n.key[:], key)
	if err := t.QueryRowContext(ctx, s.d.standby).Scan(&n.standby); err != nil {
		return err
	}
	return fn(n)
}

// Head is the position of the snapshot.
func (n *Snapshot) Head() Head { return n.head }

// Standby reports whether this is a replica, which may lag behind.
func (n *Snapshot) Standby() bool { return n.standby }

// Key is the SipHash key of this database, drawn at set-up.
func (n *Snapshot) Key() ([16]byte, error) { return n.key, nil }

// PrefixGeneration changes when the prefix table is replaced; 0: it is empty.
func (n *Snapshot) PrefixGeneration() (int64, error) { return n.generation, nil }

// Known reports whether this database was at h at some time of the last week.
// If not, what was read at h is of another history and must be read afresh.
func (n *Snapshot) Known(h Head) (bool, error) {
	if h == n.head {
		return true, nil
	}
	var one int
	err := n.q.QueryRowContext(n.ctx, "SELECT 1 FROM change WHERE revision = $1 AND stamp = $2", h.Revision, h.Stamp).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// Mirrors streams the mirrors changed after revision since, deleted ones too;
// since 0: all that are there.
func (n *Snapshot) Mirrors(since int64, fn func(m mirror.Mirror, deleted bool) error) error {
	where, args := "gone = 0 ORDER BY id", []any(nil)
	if since > 0 {
		where, args = "revision > $1 ORDER BY id", []any{since}
	}
	return eachMirror(n.ctx, n.q, where, args, fn)
}

// Holdings streams the holdings changed after revision since. The bitmaps are
// fn's to keep.
func (n *Snapshot) Holdings(since int64, fn func(Holdings) error) error {
	rows, err := n.q.QueryContext(n.ctx, "SELECT mirror, held, exact FROM holdings WHERE revision > $1 ORDER BY mirror", since)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var h Holdings
		var held, exact sql.RawBytes
		if err := rows.Scan(&h.Mirror, &held, &exact); err != nil {
			return err
		}
		if h.Held, err = unpacked(held); err != nil {
			return fmt.Errorf("holdings of mirror %d: %w", h.Mirror, err)
		}
		if h.Exact, err = unpacked(exact); err != nil {
			return fmt.Errorf("holdings of mirror %d: %w", h.Mirror, err)
		}
		if err := fn(h); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Aliases streams the aliases changed after revision since, removed ones too;
// since 0: all that are there.
func (n *Snapshot) Aliases(since int64, fn func(Alias) error) error {
	where, args := "gone = 0", []any(nil)
	if since > 0 {
		where, args = "revision > $1", []any{since}
	}
	tree, err := n.tree("alias", since > 0, where, args)
	if err != nil {
		return err
	}
	rows, err := n.q.QueryContext(n.ctx, "SELECT folder, name, target, is_folder, gone FROM alias WHERE "+where, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	var buf []byte
	for rows.Next() {
		var folder int64
		var name, target sql.RawBytes
		var a Alias
		if err := rows.Scan(&folder, &name, &target, &a.Folder, &a.Gone); err != nil {
			return err
		}
		if buf, err = tree.join(buf[:0], folder, name); err != nil {
			return err
		}
		a.Path, a.Target = string(buf), string(target)
		if err := fn(a); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Digests streams the SHA-256 sums stored after revision since.
func (n *Snapshot) Digests(since int64, fn func(id mirror.FileID, sha256 [32]byte) error) error {
	where, args := "", []any(nil)
	if since > 0 {
		where, args = " WHERE revision > $1", []any{since}
	}
	rows, err := n.q.QueryContext(n.ctx, "SELECT file, sha256 FROM digest"+where, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var raw sql.RawBytes
		if err := rows.Scan(&id, &raw); err != nil {
			return err
		}
		if len(raw) != 32 {
			return fmt.Errorf("digest of file %d has %d bytes", id, len(raw))
		}
		if err := fn(mirror.FileID(id), [32]byte(raw)); err != nil {
			return err
		}
	}
	return rows.Err()
}

// FileCount is the number of live files.
func (n *Snapshot) FileCount() (count int64, err error) {
	err = n.q.QueryRowContext(n.ctx, "SELECT count(*) FROM file WHERE gone = 0").Scan(&count)
	return count, err
}

// Setting gives a setting, "" when it is not set.
func (n *Snapshot) Setting(name string) (string, error) { return setting(n.ctx, n.q, name) }

// Origin is where the tree comes from; the zero Origin when it was never indexed.
func (n *Snapshot) Origin() (Origin, error) { return readOrigin(n.ctx, n.q) }
