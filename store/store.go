// Package store holds everything the database knows: the file index, mirrors
// and their holdings, leases, the prefix table. It is the only package with
// SQL in it, and the only one that imports database drivers. PostgreSQL and
// SQLite are served by one set of queries; what differs is in dialect.go.
//
// Errors can be told apart with errors.Is: ErrNotFound, ErrExists, ErrLeased,
// ErrLeaseLost, ErrConflict, ErrReadOnly, ErrSchemaOld, ErrSchemaNew, and
// ErrUnreachable for everything that a later attempt may get past.
package store

import (
	"database/sql"
	"fmt"
	"log/slog"
	"strings"
	"sync"
)

// Options of Open. The zero value is usable.
type Options struct {
	Logger   *slog.Logger // nil: nothing is logged
	MaxConns int          // connections to PostgreSQL at once; 0: 8
	// ReadOnly stores only read: they may be connected to a hot standby, and
	// never set up or upgrade a database.
	ReadOnly bool
}

// Store is one database. Its methods may be called from many goroutines.
type Store struct {
	db       *sql.DB
	d        *dialect
	log      *slog.Logger
	readOnly bool
	describe string

	file    string        // SQLite: path of the database; "" for PostgreSQL
	writing chan struct{} // SQLite: one writer at a time in this process; nil for PostgreSQL
	reset   func()        // PostgreSQL: lets go of all connections; nil for SQLite
	waiter  *waiter
	closers []func() error
	closing sync.Once
}

// Open gives the store at dbURL, "" meaning DefaultURL, without any I/O: what
// is wrong with the server shows at the first use.
func Open(dbURL string, o Options) (*Store, error) {
	if dbURL == "" {
		var err error
		if dbURL, err = DefaultURL(); err != nil {
			return nil, err
		}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.MaxConns <= 0 {
		o.MaxConns = 8
	}
	scheme, rest, ok := strings.Cut(dbURL, ":")
	if !ok {
		return nil, fmt.Errorf("database URL %q: must begin with postgres:// or sqlite:///", redact(dbURL))
	}
	s := &Store{log: o.Logger, readOnly: o.ReadOnly}
	switch scheme {
	case "postgres", "postgresql":
		return s, s.openPostgres(dbURL, o)
	case "sqlite":
		path, err := sqlitePath(rest)
		if err != nil {
			return nil, err
		}
		return s, s.openSQLite(path)
	}
	return nil, fmt.Errorf("database URL %q: must begin with postgres:// or sqlite:///", redact(dbURL))
}

// Describe names the database for people, its password hidden.
func (s *Store) Describe() string { return s.describe }

// Close ends all connections. Calls in progress fail.
func (s *Store) Close() error {
	var first error
	s.closing.Do(func() {
		s.waiter.stop()
		first = s.db.Close()
		for _, c := range s.closers {
			if err := c(); err != nil && first == nil {
				first = err
			}
		}
	})
	return first
}
