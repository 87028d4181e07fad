package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// Wait returns after d, or earlier when a notification says that the database
// changed. Nothing may be concluded from its return but that it is worth
// looking. It is meant for one follower: with several, one gets the notice.
func (s *Store) Wait(ctx context.Context, d time.Duration) {
	s.waiter.start()
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-s.waiter.news:
	case <-t.C:
	case <-ctx.Done():
	}
}

// waiter watches for changes in the background from the first Wait on.
type waiter struct {
	news   chan struct{} // holds one: there is something to read
	run    func(*waiter)
	ctx    context.Context //nolint:containedctx // of the background loop it owns
	cancel context.CancelFunc
	once   sync.Once
	done   chan struct{}
}

func newWaiter(run func(*waiter)) *waiter {
	w := &waiter{news: make(chan struct{}, 1), run: run, done: make(chan struct{})}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	return w
}

func (w *waiter) start() {
	w.once.Do(func() {
		go func() {
			defer close(w.done)
			w.run(w)
		}()
	})
}

// stop ends the loop; a waiter that never started will not start.
func (w *waiter) stop() {
	w.cancel()
	w.once.Do(func() { close(w.done) })
	<-w.done
}

func (w *waiter) tell() {
	select {
	case w.news <- struct{}{}:
	default:
	}
}

// sleep waits for d or the end.
func (w *waiter) sleep(d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-w.ctx.Done():
		return false
	}
}

const (
	pingEvery   = 30 * time.Second // finds connections that died in silence
	pingTimeout = 10 * time.Second
	listenRetry = 2 * time.Second
	// A hot standby refuses LISTEN; it may be promoted some day.
	listenRefused = time.Minute
)

// listen waits for PostgreSQL's notifications on a connection of its own, a
// new one after every failure. Notifications of the time between are lost, so
// every new connection counts as news.
func (w *waiter) listen(conf *pgx.ConnConfig, log *slog.Logger) {
	for w.ctx.Err() == nil {
		err := w.listenOnce(conf)
		if w.ctx.Err() != nil {
			return
		}
		pause := listenRetry
		if errors.Is(classify(err), ErrReadOnly) {
			pause = listenRefused
		}
		log.Debug("listening for changes ended, polling goes on", "error", err)
		w.sleep(pause)
	}
}

func (w *waiter) listenOnce(conf *pgx.ConnConfig) error {
	conn, err := pgx.ConnectConfig(w.ctx, conf)
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = conn.Close(ctx)
	}()
	ctx, cancel := context.WithTimeout(w.ctx, pingTimeout)
	_, err = conn.Exec(ctx, "LISTEN mirrorbrain")
	cancel()
	if err != nil {
		return err
	}
	w.tell()
	for {
		ctx, cancel := context.WithTimeout(w.ctx, pingEvery)
		_, err := conn.WaitForNotification(ctx)
		quiet := ctx.Err() != nil && w.ctx.Err() == nil
		cancel()
		switch {
		case err == nil:
			w.tell()
		case quiet && !conn.IsClosed():
			ctx, cancel := context.WithTimeout(w.ctx, pingTimeout)
			err := conn.Ping(ctx)
			cancel()
			if err != nil {
				return err
			}
		default:
			return err
		}
	}
}

// watchEvery is how often SQLite is asked whether another connection wrote;
// the answer comes from shared memory.
const watchEvery = 100 * time.Millisecond

// watch polls PRAGMA data_version on a connection of its own.
func (w *waiter) watch(db *sql.DB) {
	for w.ctx.Err() == nil {
		w.watchOnce(db)
		w.sleep(time.Second)
	}
}

// stillThere gives a connection up whose file was replaced.
func stillThere(conn any) error {
	if c, ok := conn.(*sqliteConn); ok && c.moved() {
		return driver.ErrBadConn
	}
	return nil
}

func (w *waiter) watchOnce(db *sql.DB) {
	conn, err := db.Conn(w.ctx)
	if err != nil {
		return
	}
	defer conn.Close()
	for last := int64(-1); ; {
		var version int64
		if err := conn.Raw(stillThere); err != nil {
			w.tell()
			return
		}
		if err := conn.QueryRowContext(w.ctx, "PRAGMA data_version").Scan(&version); err != nil {
			return
		}
		if version != last {
			last = version
			w.tell()
		}
		if !w.sleep(watchEvery) {
			return
		}
	}
}
