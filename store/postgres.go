package store

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
)

// connectTimeout is how long one host may take to answer, unless the URL says
// otherwise.
const connectTimeout = 5 * time.Second

func (s *Store) openPostgres(dbURL string, o Options) error {
	conf, err := postgresConfig(dbURL, o)
	if err != nil {
		return err
	}
	// Connects in the background at most, as no minimum of connections is set.
	pool, err := pgxpool.NewWithConfig(context.Background(), conf)
	if err != nil {
		return fmt.Errorf("database URL %q: %w", redact(dbURL), err)
	}
	s.d = &postgres
	s.db = stdlib.OpenDBFromPool(pool)
	s.reset = pool.Reset
	s.closers = append(s.closers, func() error { closePool(pool); return nil })
	s.describe = "PostgreSQL " + redact(dbURL)
	s.waiter = newWaiter(func(w *waiter) { w.listen(conf.ConnConfig, s.log) })
	return nil
}

// closeTimeout is how long Close waits for the farewell to a server.
const closeTimeout = 3 * time.Second

// closePool closes all connections; those to a server that hangs take longer,
// and nobody waits for them.
func closePool(pool *pgxpool.Pool) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		pool.Close()
	}()
	select {
	case <-done:
	case <-time.After(closeTimeout):
	}
}

func postgresConfig(dbURL string, o Options) (*pgxpool.Config, error) {
	conf, err := pgxpool.ParseConfig(withSessionAttrs(dbURL, o.ReadOnly))
	if err != nil {
		return nil, err // pgx hides the password
	}
	conf.MaxConns = int32(o.MaxConns)
	conf.MaxConnIdleTime = 5 * time.Minute
	cc := conf.ConnConfig
	// No prepared statements: pgbouncer in transaction mode gives every
	// transaction another server connection.
	cc.DefaultQueryExecMode = pgx.QueryExecModeExec
	cc.StatementCacheCapacity, cc.DescriptionCacheCapacity = 0, 0
	if cc.ConnectTimeout == 0 {
		cc.ConnectTimeout = connectTimeout
	}
	dialer := &net.Dialer{
		Timeout:         cc.ConnectTimeout,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3},
	}
	cc.DialFunc = dialer.DialContext
	if cc.RuntimeParams["application_name"] == "" {
		cc.RuntimeParams["application_name"] = "mirrorbrain"
	}
	return conf, nil
}

// withSessionAttrs sets which of several hosts will do, unless the user said
// it: writers need one that takes writes, readers any that answers.
func withSessionAttrs(dbURL string, readOnly bool) string {
	const attr = "target_session_attrs"
	if os.Getenv("PGTARGETSESSIONATTRS") != "" {
		return dbURL
	}
	u, err := url.Parse(dbURL)
	if err != nil {
		// net/url refuses the port lists that pgx takes ("h1:1,h2:2").
		if readOnly || !strings.Contains(dbURL, ",") || strings.Contains(dbURL, attr+"=") {
			return dbURL
		}
		if strings.Contains(dbURL, "?") {
			return dbURL + "&" + attr + "=read-write"
		}
		return dbURL + "?" + attr + "=read-write"
	}
	q := u.Query()
	if readOnly || q.Has(attr) || !strings.Contains(u.Host+q.Get("host"), ",") {
		return dbURL
	}
	q.Set(attr, "read-write")
	u.RawQuery = q.Encode()
	return u.String()
}
