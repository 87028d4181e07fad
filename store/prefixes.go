package store

import (
	"context"
	"fmt"
	"net/netip"
)

// ReplacePrefixes replaces the prefix table by what next yields: it is written
// beside the old one in batches, and then takes its place at once. Nothing
// changes when next fails or yields nothing.
func (s *Store) ReplacePrefixes(ctx context.Context, source string, next func(yield func(Prefix) error) error) (n int, err error) {
	const doing = "replacing the prefix table"
	var generation int64
	err = s.update(ctx, doing, func(t *tx) error {
		generation, err = t.draw(ctx, "prefix_generation", 1)
		return err
	})
	if err != nil {
		return 0, err
	}
	n, err = s.writePrefixes(ctx, doing, generation, next)
	if err == nil && n == 0 {
		err = fmt.Errorf("%s: %s has no prefixes", doing, source)
	}
	if err == nil {
		err = s.switchPrefixes(ctx, doing, source, generation, n)
	}
	if err != nil {
		s.dropPrefixes(context.WithoutCancel(ctx), "generation = $1", generation)
		return 0, err
	}
	// Lower generations are the one before, and what imports that died left.
	s.dropPrefixes(ctx, "generation < $1", generation)
	return n, nil
}

func (s *Store) writePrefixes(ctx context.Context, doing string, generation int64, next func(yield func(Prefix) error) error) (n int, err error) {
	rows := make([][]any, 0, MaxBatch)
	flush := func() error {
		if len(rows) == 0 {
			return nil
		}
		err := s.update(ctx, doing, func(t *tx) error {
			return t.d.insert(ctx, t, "asn_prefix", []string{"generation", "prefix", "asn"}, rows)
		})
		n += len(rows)
		rows = rows[:0]
		return err
	}
	err = next(func(p Prefix) error {
		if !p.Prefix.IsValid() {
			return fmt.Errorf("%s: an invalid prefix", doing)
		}
		rows = append(rows, []any{generation, p.Prefix.Masked().String(), int64(p.ASN)})
		if len(rows) < MaxBatch {
			return nil
		}
		return flush()
	})
	if err != nil {
		return n, err
	}
	return n, flush()
}

func (s *Store) switchPrefixes(ctx context.Context, doing, source string, generation int64, n int) error {
	_, err := s.visible(ctx, doing, func(t *tx) error {
		res, err := t.ExecContext(ctx, "UPDATE head SET prefix_generation = $1 WHERE prefix_generation < $1", generation)
		if err != nil {
			return err
		}
		// A later import has won, and may have deleted our rows already.
		if done, err := res.RowsAffected(); err != nil {
			return err
		} else if done == 0 {
			return fmt.Errorf("another import began later and is done: %w", ErrConflict)
		}
		_, err = t.ExecContext(ctx, "INSERT INTO asn_import (generation, source, at, prefixes) VALUES ($1, $2, $3, $4)",
			generation, text(source), t.now, int64(n))
		return err
	})
	return err
}

// dropPrefixes deletes rows nobody reads; what fails is left to the next import.
func (s *Store) dropPrefixes(ctx context.Context, where string, generation int64) {
	err := s.update(ctx, "deleting the former prefix table", func(t *tx) error {
		_, err := t.ExecContext(ctx, "DELETE FROM asn_prefix WHERE "+where, generation)
		return err
	})
	if err != nil {
		s.log.Warn("the former prefix table stays until the next import", "error", err)
	}
}

// Prefixes streams the prefix table.
func (n *Snapshot) Prefixes(fn func(Prefix) error) error {
	rows, err := n.q.QueryContext(n.ctx, "SELECT prefix, asn FROM asn_prefix WHERE generation = $1", n.generation)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var raw string
		var asn int64
		if err := rows.Scan(&raw, &asn); err != nil {
			return err
		}
		p, err := netip.ParsePrefix(raw)
		if err != nil {
			return fmt.Errorf("prefix table: %w", err)
		}
		if err := fn(Prefix{Prefix: p, ASN: uint32(asn)}); err != nil {
			return err
		}
	}
	return rows.Err()
}
