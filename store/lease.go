package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Acquire takes the lease called name for ttl, unless another has it: then the
// error is a *LeasedError. Holder tells people who is at work. All comparisons
// are by the database's clock.
func (s *Store) Acquire(ctx context.Context, name, holder string, ttl time.Duration) (Lease, error) {
	l := Lease{Name: name, Holder: text(holder), Token: randomInt64()}
	err := s.update(ctx, "acquiring the lease "+name, func(t *tx) error {
		var until int64
		err := t.QueryRowContext(ctx, `INSERT INTO lease (name, holder, token, until) VALUES ($1, $2, $3, `+s.d.now+` + $4)
			ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, token = excluded.token, until = excluded.until
			WHERE lease.until <= `+s.d.now+`
			RETURNING until`, l.Name, l.Holder, l.Token, int64(ttl)).Scan(&until)
		l.Until = instant(until)
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		held := &LeasedError{Name: name}
		err = t.QueryRowContext(ctx, "SELECT holder, until FROM lease WHERE name = $1", name).Scan(&held.Holder, &until)
		if err != nil {
			return err
		}
		held.Until = instant(until)
		return held
	})
	if err != nil {
		return Lease{}, err
	}
	return l, nil
}

// Renew lets the lease end ttl from now. ErrLeaseLost: it is another's, or ran
// out, and what was done under it may be undone.
func (s *Store) Renew(ctx context.Context, l *Lease, ttl time.Duration) error {
	return s.update(ctx, "renewing the lease "+l.Name, func(t *tx) error {
		var until int64
		err := t.QueryRowContext(ctx, `UPDATE lease SET until = `+s.d.now+` + $1
			WHERE name = $2 AND token = $3 AND until > `+s.d.now+` RETURNING until`, int64(ttl), l.Name, l.Token).Scan(&until)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrLeaseLost
		}
		if err == nil {
			l.Until = instant(until)
		}
		return err
	})
}

// Release gives the lease back. That it was lost already is no error.
func (s *Store) Release(ctx context.Context, l Lease) error {
	return s.update(ctx, "releasing the lease "+l.Name, func(t *tx) error {
		_, err := t.ExecContext(ctx, "DELETE FROM lease WHERE name = $1 AND token = $2", l.Name, l.Token)
		return err
	})
}

// Leases gives the leases that are held now, by name.
func (s *Store) Leases(ctx context.Context) ([]Lease, error) {
	all, err := s.leases(ctx)
	return all, fail("reading the leases", deadline(ctx, err))
}

func (s *Store) leases(ctx context.Context) ([]Lease, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT name, holder, until FROM lease WHERE until > "+s.d.now+" ORDER BY name")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Lease
	for rows.Next() {
		var l Lease
		var until int64
		if err := rows.Scan(&l.Name, &l.Holder, &until); err != nil {
			return nil, err
		}
		l.Until = instant(until)
		all = append(all, l)
	}
	return all, rows.Err()
}

// Keep renews the lease in the background until stop is called, which does not
// release it. When the lease is lost, or could not be renewed before its end,
// the returned context is cancelled with the cause ErrLeaseLost. l must not be
// changed meanwhile.
func (s *Store) Keep(ctx context.Context, l *Lease, ttl time.Duration) (kept context.Context, stop func()) {
	kept, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	lease := *l
	go func() {
		defer close(done)
		// Our own clock, from before the last renewal was asked for: never later
		// than the database's end of it.
		end := time.Now().Add(ttl)
		for {
			select {
			case <-time.After(ttl / 3):
			case <-kept.Done():
				return
			}
			began := time.Now()
			attempt, free := context.WithDeadline(kept, end)
			err := s.Renew(attempt, &lease, ttl)
			free()
			switch {
			case err == nil:
				end = began.Add(ttl)
			case errors.Is(err, ErrLeaseLost):
				cancel(ErrLeaseLost)
				return
			case !time.Now().Before(end):
				cancel(fmt.Errorf("%w: %w", ErrLeaseLost, err))
				return
			default:
				s.log.Debug("renewing a lease failed, will be tried again", "lease", lease.Name, "error", err)
			}
		}
	}()
	return kept, func() { cancel(context.Canceled); <-done }
}

// holds makes sure, until the transaction ends, that the lease is still ours.
func (t *tx) holds(ctx context.Context, l Lease) error {
	var one int
	err := t.QueryRowContext(ctx, "SELECT 1 FROM lease WHERE name = $1 AND token = $2 AND until > "+t.d.now+t.d.forUpdate,
		l.Name, l.Token).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return ErrLeaseLost
	}
	return err
}
