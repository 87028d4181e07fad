package store

import (
	"context"
	"fmt"
	"net/netip"
)

// ASTable is what is known of the networks of the Internet.
type ASTable struct {
	Source   string // where it is from, for people
	Prefixes func(yield func(Prefix) error) error
	Names    func(yield func(ASName) error) error // each number once; nil: none
}

// ReplacePrefixes is ReplaceASTable for a table without names.
func (s *Store) ReplacePrefixes(ctx context.Context, source string, next func(yield func(Prefix) error) error) (n int, err error) {
	return s.ReplaceASTable(ctx, ASTable{Source: source, Prefixes: next})
}

// ReplaceASTable replaces the prefix table, and the names with it: they are
// written beside the old ones in batches, and then take their place at once.
// Nothing changes when the table has no prefixes, or breaks off.
func (s *Store) ReplaceASTable(ctx context.Context, table ASTable) (n int, err error) {
	const doing = "replacing the prefix table"
	var generation int64
	err = s.update(ctx, doing, func(t *tx) error {
		generation, err = t.draw(ctx, "prefix_generation", 1)
		return err
	})
	if err != nil {
		return 0, err
	}
	n, err = s.writePrefixes(ctx, doing, generation, table.Prefixes)
	if err == nil && n == 0 {
		err = fmt.Errorf("%s: %s has no prefixes", doing, table.Source)
	}
	if err == nil && table.Names != nil {
		err = s.writeNames(ctx, doing, generation, table.Names)
	}
	if err == nil {
		err = s.switchPrefixes(ctx, doing, table.Source, generation, n)
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
	w := rowWriter{s: s, doing: doing, table: "asn_prefix", columns: []string{"generation", "prefix", "asn"}}
	err = next(func(p Prefix) error {
		if !p.Prefix.IsValid() {
			return fmt.Errorf("%s: an invalid prefix", doing)
		}
		return w.add(ctx, generation, p.Prefix.Masked().String(), int64(p.ASN))
	})
	if err == nil {
		err = w.flush(ctx)
	}
	return w.written, err
}

func (s *Store) writeNames(ctx context.Context, doing string, generation int64, next func(yield func(ASName) error) error) error {
	w := rowWriter{s: s, doing: doing, table: "asn_name", columns: []string{"generation", "asn", "name", "country"}}
	err := next(func(n ASName) error {
		return w.add(ctx, generation, int64(n.ASN), text(n.Name), text(n.Country))
	})
	if err != nil {
		return err
	}
	return w.flush(ctx)
}

// rowWriter inserts rows that nobody reads yet, in batches of a transaction each.
type rowWriter struct {
	s            *Store
	doing, table string
	columns      []string
	rows         [][]any
	written      int
}

func (w *rowWriter) add(ctx context.Context, values ...any) error {
	w.rows = append(w.rows, values)
	if len(w.rows) < MaxBatch {
		return nil
	}
	return w.flush(ctx)
}

func (w *rowWriter) flush(ctx context.Context) error {
	if len(w.rows) == 0 {
		return nil
	}
	err := w.s.update(ctx, w.doing, func(t *tx) error {
		return t.d.insert(ctx, t, w.table, w.columns, w.rows)
	})
	w.written += len(w.rows)
	w.rows = w.rows[:0]
	return err
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
		for _, table := range []string{"asn_prefix", "asn_name"} {
			if _, err := t.ExecContext(ctx, "DELETE FROM "+table+" WHERE "+where, generation); err != nil {
				return err
			}
		}
		return nil
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
