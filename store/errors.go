package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// What callers branch on.
var (
	ErrNotFound    = errors.New("not found")
	ErrExists      = errors.New("exists already")
	ErrLeased      = errors.New("another is at work on this")
	ErrLeaseLost   = errors.New("the lease was lost to another, or ran out")
	ErrConflict    = errors.New("the database changed meanwhile")
	ErrReadOnly    = errors.New("database is read-only")
	ErrUnreachable = errors.New("database unreachable")
	ErrFull        = errors.New("the disk of the database cannot be written to: it is full, or a quota or limit was reached")
	// ErrSchemaOld: the schema must be upgraded with "mbctl db migrate" first.
	ErrSchemaOld = errors.New("database schema is too old")
	// ErrSchemaNew: the database was upgraded beyond what this program knows.
	ErrSchemaNew = errors.New("database schema is too new for this program")
)

// fail adds to err what was being done and which kind of error it is.
func fail(doing string, err error) error {
	if err == nil {
		return nil
	}
	if kind := classify(err); kind != nil && !errors.Is(err, kind) {
		return fmt.Errorf("%s: %w: %w", doing, kind, err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// ours are the errors that say already what they are.
var ours = []error{ErrNotFound, ErrExists, ErrLeased, ErrLeaseLost, ErrConflict, ErrReadOnly, ErrUnreachable, ErrFull, ErrSchemaOld, ErrSchemaNew}

// classify gives the sentinel that err amounts to, or nil.
func classify(err error) error {
	if err == nil {
		return nil
	}
	for _, kind := range ours {
		if errors.Is(err, kind) {
			return kind
		}
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return classifyPostgres(e.Code)
	}
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return classifySQLite(e.Code())
	}
	if errors.Is(err, context.Canceled) {
		return nil
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return ErrUnreachable
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return ErrUnreachable
	}
	for _, e := range []error{
		context.DeadlineExceeded, os.ErrDeadlineExceeded, driver.ErrBadConn, sql.ErrConnDone,
		io.EOF, io.ErrUnexpectedEOF, net.ErrClosed,
	} {
		if errors.Is(err, e) {
			return ErrUnreachable
		}
	}
	if errors.Is(err, sql.ErrNoRows) || errors.Is(err, pgx.ErrNoRows) {
		return ErrNotFound
	}
	if strings.Contains(err.Error(), "conn closed") { // pgconn does not export this one
		return ErrUnreachable
	}
	return nil
}

// classifyPostgres goes by SQLSTATE (PostgreSQL documentation, appendix A).
func classifyPostgres(code string) error {
	switch {
	case code == "23505":
		return ErrConflict
	case code == "25006":
		return ErrReadOnly
	case code == "53100":
		return ErrFull
	case strings.HasPrefix(code, "08"), // connection exceptions
		strings.HasPrefix(code, "57P"), // shutting down, starting up
		code == "53300",                // too many connections
		code == "57014",                // cancelled, which we do only at a deadline
		code == "40001", code == "40P01":
		return ErrUnreachable
	case strings.HasPrefix(code, "28"), code == "3D000": // wrong password, no such database
		return ErrUnreachable
	}
	return nil
}

// classifySQLite goes by (extended) result code.
func classifySQLite(code int) error {
	switch code {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		return ErrConflict
	case sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE: // what becomes of a quota, or of a limit of the process
		return ErrFull
	}
	switch code & 0xff {
	case sqlite3.SQLITE_READONLY:
		return ErrReadOnly
	case sqlite3.SQLITE_FULL:
		return ErrFull
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR,
		sqlite3.SQLITE_INTERRUPT:
		return ErrUnreachable
	}
	return nil
}

// text makes s fit for a text column: PostgreSQL takes neither NUL nor what is
// not UTF-8, and messages of servers may hold both.
func text(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(s, "\x00", "\uFFFD")
	}
	return s
}
