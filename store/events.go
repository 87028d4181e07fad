package store

import (
	"context"
	"fmt"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// AddEvent logs something; At 0 is now.
func (s *Store) AddEvent(ctx context.Context, e Event) error {
	return s.update(ctx, "logging an event", func(t *tx) (err error) {
		if t.now = nanos(e.At); t.now == 0 {
			if t.now, err = t.clock(ctx); err != nil {
				return err
			}
		}
		return t.event(ctx, e)
	})
}

// event logs e at the transaction's time.
func (t *tx) event(ctx context.Context, e Event) error {
	_, err := t.ExecContext(ctx, "INSERT INTO event (at, mirror, mirror_name, who, what, detail) VALUES ($1, $2, $3, $4, $5, $6)",
		t.now, int64(e.Mirror), text(e.MirrorName), text(e.Who), text(e.What), text(e.Detail))
	return err
}

// EventWish says which events are wanted; the zero value: the newest of all.
type EventWish struct {
	Mirror mirror.ID // of this mirror alone; 0: all
	Name   string    // of mirrors that had this name then, deleted ones too; "": all
	After  time.Time // later ones alone; zero: all
	Limit  int       // at most so many, the newest; 0: 100
}

// Events gives the newest events first, at most limit (0: 100), of one mirror
// or with id 0 of all.
func (s *Store) Events(ctx context.Context, id mirror.ID, limit int) ([]Event, error) {
	return s.EventsOf(ctx, EventWish{Mirror: id, Limit: limit})
}

// EventsOf gives the events of a wish, the newest first.
func (s *Store) EventsOf(ctx context.Context, w EventWish) ([]Event, error) {
	if w.Limit <= 0 {
		w.Limit = 100
	}
	where, args := "1 = 1", []any{int64(w.Limit)}
	only := func(condition string, value any) {
		args = append(args, value)
		where += fmt.Sprintf(" AND %s $%d", condition, len(args))
	}
	if w.Mirror != 0 {
		only("mirror =", int64(w.Mirror))
	}
	if w.Name != "" {
		only("mirror_name =", text(w.Name))
	}
	if !w.After.IsZero() {
		only("at >", nanos(w.After))
	}
	all, err := s.events(ctx, "SELECT at, mirror, mirror_name, who, what, detail FROM event WHERE "+where+" ORDER BY id DESC LIMIT $1", args)
	return all, fail("reading the events", deadline(ctx, err))
}

func (s *Store) events(ctx context.Context, q string, args []any) ([]Event, error) {
	rows, err := s.db.QueryContext(ctx, q, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Event
	for rows.Next() {
		var e Event
		var at int64
		if err := rows.Scan(&at, &e.Mirror, &e.MirrorName, &e.Who, &e.What, &e.Detail); err != nil {
			return nil, err
		}
		e.At = instant(at)
		all = append(all, e)
	}
	return all, rows.Err()
}
