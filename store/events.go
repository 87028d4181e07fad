package store

import (
	"context"

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

// Events gives the newest events first, at most limit (0: 100), of one mirror
// or with id 0 of all.
func (s *Store) Events(ctx context.Context, id mirror.ID, limit int) ([]Event, error) {
	if limit <= 0 {
		limit = 100
	}
	where, args := "", []any{int64(limit)}
	if id != 0 {
		where, args = " WHERE mirror = $2", append(args, int64(id))
	}
	all, err := s.events(ctx, "SELECT at, mirror, mirror_name, who, what, detail FROM event"+where+" ORDER BY id DESC LIMIT $1", args)
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
