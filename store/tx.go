package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/binary"
	"errors"
	"time"
)

// writeTimeout ends writes of callers that set no deadline. Transactions are
// short; one that takes longer is waiting for a server that hangs.
const writeTimeout = 2 * time.Minute

// errNothing, returned from a transaction's function, rolls back without an error.
var errNothing = errors.New("nothing to do")

// tx is a write transaction.
type tx struct {
	*sql.Tx
	conn *sql.Conn
	d    *dialect
	head Head  // of this transaction; zero when it is not a visible one
	now  int64 // database's clock at its beginning, ns; only in a visible one
}

// update runs fn in a write transaction.
func (s *Store) update(ctx context.Context, doing string, fn func(*tx) error) error {
	if s.readOnly {
		return fail(doing, ErrReadOnly)
	}
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, writeTimeout)
		defer cancel()
	}
	if s.writing != nil {
		select {
		case s.writing <- struct{}{}:
			defer func() { <-s.writing }()
		case <-ctx.Done():
			return fail(doing, ctx.Err())
		}
	}
	err := s.inTx(ctx, fn)
	if errors.Is(err, errNothing) {
		return nil
	}
	return fail(doing, deadline(ctx, err))
}

func (s *Store) inTx(ctx context.Context, fn func(*tx) error) error {
	bound, c := newCommittable(ctx)
	defer c.end()
	conn, t, err := s.begin(bound, nil)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer t.Rollback()
	if err = fn(&tx{Tx: t, conn: conn, d: s.d}); err == nil {
		if err = c.commits(ctx); err == nil {
			err = t.Commit()
		}
	}
	if s.reset != nil && errors.Is(classify(err), ErrReadOnly) {
		s.reset() // this was the primary once; new connections look for the present one
	}
	return err
}

// commitGrace is how long a commit that was sent may take to be answered after
// its caller lost interest.
const commitGrace = 5 * time.Second

// committable bounds a transaction by its caller's context up to the commit,
// which it lets finish: a commit broken off may have taken place, and then
// nobody would know of, say, the lease that it took.
type committable struct {
	cancel context.CancelFunc
	detach func() bool
}

// newCommittable gives the context for the transaction, which ends with ctx.
func newCommittable(ctx context.Context) (context.Context, *committable) {
	bound, cancel := context.WithCancel(context.WithoutCancel(ctx))
	return bound, &committable{cancel: cancel, detach: context.AfterFunc(ctx, cancel)}
}

// commits says that the commit follows; an error: it must not, ctx is done.
func (c *committable) commits(ctx context.Context) error {
	if !c.detach() {
		return context.Cause(ctx)
	}
	c.detach = context.AfterFunc(ctx, func() { time.AfterFunc(commitGrace, c.cancel) })
	return nil
}

func (c *committable) end() {
	c.detach()
	c.cancel()
}

// staleConns is how many connections of the pool may turn out to be dead.
const staleConns = 20

// begin starts a transaction. Nothing was done when that fails, so it is tried
// again when a connection that had lain in the pool was dead, and on SQLite
// when other processes write for longer than the driver's busy timeout.
func (s *Store) begin(ctx context.Context, o *sql.TxOptions) (*sql.Conn, *sql.Tx, error) {
	for attempt := 0; ; attempt++ {
		conn, err := s.db.Conn(ctx)
		if err != nil {
			return nil, nil, err
		}
		t, err := conn.BeginTx(ctx, o)
		if err == nil {
			return conn, t, nil
		}
		_ = conn.Close() // what is wrong with it is known
		again := isBusy(err) || s.file == "" && attempt < staleConns && errors.Is(classify(err), ErrUnreachable)
		if !again || ctx.Err() != nil {
			return nil, nil, err
		}
	}
}

// visible runs fn in a write transaction that nodes will see: it begins by
// raising the head, whose row lock puts such transactions in a row.
func (s *Store) visible(ctx context.Context, doing string, fn func(*tx) error) (Head, error) {
	var head Head
	err := s.update(ctx, doing, func(t *tx) error {
		if err := t.raise(ctx); err != nil {
			return err
		}
		head = t.head
		return fn(t)
	})
	if err != nil {
		return Head{}, err
	}
	return head, nil
}

// raise draws the next position.
func (t *tx) raise(ctx context.Context) error {
	t.head.Stamp = randomInt64()
	err := t.QueryRowContext(ctx, "UPDATE head SET revision = revision + 1, stamp = $1 RETURNING revision, "+t.d.now, t.head.Stamp).
		Scan(&t.head.Revision, &t.now)
	if err != nil {
		return err
	}
	_, err = t.ExecContext(ctx, "INSERT INTO change (revision, stamp, at) VALUES ($1, $2, $3)", t.head.Revision, t.head.Stamp, t.now)
	if err != nil || t.d.notify == "" {
		return err
	}
	_, err = t.ExecContext(ctx, t.d.notify)
	return err
}

// draw takes n numbers from a counter and gives the first.
func (t *tx) draw(ctx context.Context, counter string, n int) (int64, error) {
	var last int64
	err := t.QueryRowContext(ctx, "UPDATE counter SET value = value + $1 WHERE name = $2 RETURNING value", int64(n), counter).Scan(&last)
	return last - int64(n) + 1, err
}

// clock reads the database's clock, ns since the epoch.
func (t *tx) clock(ctx context.Context) (now int64, err error) {
	err = t.QueryRowContext(ctx, "SELECT "+t.d.now).Scan(&now)
	return now, err
}

// deadline makes an error that came of ctx's deadline say so: drivers report
// the closed connection instead.
func deadline(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil {
		return err
	}
	if classify(err) != nil && !errors.Is(classify(err), ErrUnreachable) {
		return err
	}
	switch cause := context.Cause(ctx); {
	case errors.Is(err, cause):
		return err
	case errors.Is(err, context.Canceled): // a transaction's own context was, because ctx ended
		return cause
	default:
		return errors.Join(cause, err)
	}
}

// randomInt64 is never 0 and never negative.
func randomInt64() int64 {
	var b [8]byte
	for {
		_, _ = rand.Read(b[:]) // never fails (crypto/rand)
		if v := int64(binary.LittleEndian.Uint64(b[:]) >> 1); v != 0 {
			return v
		}
	}
}

// nanos and instant turn times into columns and back; the zero time is 0.
func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func instant(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns)
}
