package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// querier is what reads need: a *sql.DB, *sql.Conn or *sql.Tx.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// CreateMirror stores a new mirror and fills in its ID and, unless set,
// Created. ErrExists: there is one of this name.
func (s *Store) CreateMirror(ctx context.Context, m *mirror.Mirror, who string) error {
	if err := mirror.ValidName(m.Name); err != nil {
		return err
	}
	created := *m
	_, err := s.visible(ctx, "creating mirror "+m.Name, func(t *tx) error {
		id, err := t.draw(ctx, "mirror", 1)
		if err != nil {
			return err
		}
		created.ID = mirror.ID(id)
		if m.Created.IsZero() {
			created.Created = instant(t.now)
		}
		var row mirrorRow
		row.fill(&created)
		q := "INSERT INTO mirror (" + mirrorColumnList + ", id, revision) VALUES " + placeholders(1, len(mirrorColumns)+2)
		if _, err := t.ExecContext(ctx, q, append(row.values(), id, t.head.Revision)...); err != nil {
			return nameTaken(err)
		}
		return t.event(ctx, Event{Mirror: created.ID, MirrorName: m.Name, Who: who, What: "created"})
	})
	if err == nil {
		*m = created
	}
	return err
}

// nameTaken turns the violated unique index into ErrExists.
func nameTaken(err error) error {
	if errors.Is(classify(err), ErrConflict) {
		return ErrExists
	}
	return err
}

// UpdateMirror reads the mirror, lets change work on it and writes it back,
// with its row locked from beginning to end; change must be quick and must not
// use the store. Nothing is written when nothing changed. what says in the log
// what was done, the changed fields follow by
// themselves; "" logs nothing (for what no person did).
func (s *Store) UpdateMirror(ctx context.Context, id mirror.ID, who, what string, change func(*mirror.Mirror) error) (mirror.Mirror, error) {
	var after mirror.Mirror
	_, err := s.visible(ctx, fmt.Sprintf("changing mirror %d", id), func(t *tx) error {
		var err error
		after, err = t.changeMirror(ctx, id, who, what, change)
		return err
	})
	if err != nil {
		return mirror.Mirror{}, err
	}
	return after, nil
}

func (t *tx) changeMirror(ctx context.Context, id mirror.ID, who, what string, change func(*mirror.Mirror) error) (mirror.Mirror, error) {
	m, err := t.lockMirror(ctx, id)
	if err != nil {
		return m, err
	}
	var before, after mirrorRow
	before.fill(&m)
	if err := change(&m); err != nil {
		return m, err
	}
	m.ID = id
	if err := mirror.ValidName(m.Name); err != nil {
		return m, err
	}
	after.fill(&m)
	diff := changed(&before, &after)
	if len(diff) == 0 {
		return m, errNothing
	}
	if err := t.writeMirror(ctx, &after); err != nil || what == "" {
		return m, nameTaken(err)
	}
	return m, t.event(ctx, Event{Mirror: id, MirrorName: m.Name, Who: who, What: what, Detail: strings.Join(diff, "; ")})
}

func (t *tx) lockMirror(ctx context.Context, id mirror.ID) (mirror.Mirror, error) {
	var row mirrorRow
	err := t.QueryRowContext(ctx, "SELECT "+mirrorColumnList+" FROM mirror WHERE id = $1 AND gone = 0"+t.d.forUpdate, int64(id)).
		Scan(row.pointers()...)
	if errors.Is(err, sql.ErrNoRows) {
		return mirror.Mirror{}, fmt.Errorf("mirror %d: %w", id, ErrNotFound)
	} else if err != nil {
		return mirror.Mirror{}, err
	}
	row.m.ID = id
	return row.mirror()
}

func (t *tx) writeMirror(ctx context.Context, row *mirrorRow) error {
	n := len(mirrorColumns)
	q := fmt.Sprintf("UPDATE mirror SET (%s, revision) = %s WHERE id = $%d", mirrorColumnList, placeholders(1, n+1), n+2)
	_, err := t.ExecContext(ctx, q, append(row.values(), t.head.Revision, int64(row.m.ID))...)
	return err
}

// DeleteMirror removes a mirror, its holdings and its history; what was logged
// stays. A mark stays for a week, so that the nodes hear of it.
func (s *Store) DeleteMirror(ctx context.Context, id mirror.ID, who string) error {
	_, err := s.visible(ctx, fmt.Sprintf("deleting mirror %d", id), func(t *tx) error {
		m, err := t.lockMirror(ctx, id)
		if err != nil {
			return err
		}
		_, err = t.ExecContext(ctx, "UPDATE mirror SET gone = $1, revision = $2 WHERE id = $3", t.now, t.head.Revision, int64(id))
		if err != nil {
			return err
		}
		for _, table := range []string{"holdings", "scan_run", "mirror_state"} {
			if _, err := t.ExecContext(ctx, "DELETE FROM "+table+" WHERE mirror = $1", int64(id)); err != nil {
				return err
			}
		}
		return t.event(ctx, Event{Mirror: id, MirrorName: m.Name, Who: who, What: "deleted"})
	})
	return err
}

// Mirrors gives all mirrors sorted by name.
func (s *Store) Mirrors(ctx context.Context) ([]mirror.Mirror, error) {
	var all []mirror.Mirror
	err := eachMirror(ctx, s.db, "gone = 0 ORDER BY name", nil, func(m mirror.Mirror, _ bool) error {
		all = append(all, m)
		return nil
	})
	return all, fail("reading the mirrors", deadline(ctx, err))
}

// Mirror gives the mirror of exactly this name, or ErrNotFound.
func (s *Store) Mirror(ctx context.Context, name string) (mirror.Mirror, error) {
	found := mirror.Mirror{}
	err := eachMirror(ctx, s.db, "gone = 0 AND name = $1", []any{text(name)}, func(m mirror.Mirror, _ bool) error {
		found = m
		return nil
	})
	if err == nil && found.ID == 0 {
		err = ErrNotFound
	}
	return found, fail("mirror "+name, deadline(ctx, err))
}

func eachMirror(ctx context.Context, q querier, where string, args []any, fn func(m mirror.Mirror, deleted bool) error) error {
	rows, err := q.QueryContext(ctx, "SELECT "+mirrorColumnList+", id, gone FROM mirror WHERE "+where, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var row mirrorRow
		var id, gone int64
		if err := rows.Scan(append(row.pointers(), &id, &gone)...); err != nil {
			return err
		}
		row.m.ID = mirror.ID(id)
		m, err := row.mirror()
		if err != nil {
			return err
		}
		if err := fn(m, gone != 0); err != nil {
			return err
		}
	}
	return rows.Err()
}

// HoldingsOf gives what a mirror has, empty bitmaps when nothing is known.
func (s *Store) HoldingsOf(ctx context.Context, id mirror.ID) (Holdings, error) {
	h, _, err := holdingsOf(ctx, s.db, id, "")
	return h, fail(fmt.Sprintf("reading the holdings of mirror %d", id), deadline(ctx, err))
}

// holdingsOf reads a row of holdings; found says whether there is one.
func holdingsOf(ctx context.Context, q querier, id mirror.ID, lock string) (h Holdings, found bool, err error) {
	var held, exact []byte
	err = q.QueryRowContext(ctx, "SELECT held, exact FROM holdings WHERE mirror = $1"+lock, int64(id)).Scan(&held, &exact)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return h, false, err
	}
	found = err == nil
	h.Mirror = id
	if h.Held, err = unpacked(held); err != nil {
		return h, false, fmt.Errorf("mirror %d: held: %w", id, err)
	}
	if h.Exact, err = unpacked(exact); err != nil {
		return h, false, fmt.Errorf("mirror %d: exact: %w", id, err)
	}
	return h, found, nil
}

// putHoldings writes a row of holdings.
func (t *tx) putHoldings(ctx context.Context, h Holdings) error {
	held, err := packed(h.Held)
	if err != nil {
		return err
	}
	exact, err := packed(h.Exact)
	if err != nil {
		return err
	}
	_, err = t.ExecContext(ctx, `INSERT INTO holdings (mirror, held, exact, revision) VALUES ($1, $2, $3, $4)
		ON CONFLICT (mirror) DO UPDATE SET held = excluded.held, exact = excluded.exact, revision = excluded.revision`,
		int64(h.Mirror), held, exact, t.head.Revision)
	return err
}

// SetHeld adds to and takes from a mirror's holdings by hand; either may be nil.
func (s *Store) SetHeld(ctx context.Context, id mirror.ID, add, remove *roaring.Bitmap, who string) error {
	return s.EditHeld(ctx, id, add, remove, who, "files by hand")
}

// EditHeld is SetHeld with the word for the log that says what was done.
func (s *Store) EditHeld(ctx context.Context, id mirror.ID, add, remove *roaring.Bitmap, who, what string) error {
	add, remove = orEmpty(add), orEmpty(remove)
	_, err := s.visible(ctx, fmt.Sprintf("changing the holdings of mirror %d", id), func(t *tx) error {
		m, err := t.lockMirror(ctx, id)
		if err != nil {
			return err
		}
		h, _, err := holdingsOf(ctx, t, id, t.d.forUpdate)
		if err != nil {
			return err
		}
		before := h.Held.Clone()
		h.Held.AndNot(remove)
		h.Exact.AndNot(remove)
		h.Held.Or(add)
		if before.Equals(h.Held) {
			return errNothing
		}
		if err := t.putHoldings(ctx, h); err != nil {
			return err
		}
		return t.event(ctx, Event{
			Mirror: id, MirrorName: m.Name, Who: who, What: what,
			Detail: fmt.Sprintf("%d added, %d taken away", h.Held.GetCardinality()-h.Held.AndCardinality(before),
				before.GetCardinality()-before.AndCardinality(h.Held)),
		})
	})
	return err
}
