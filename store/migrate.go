package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/golang-migrate/migrate/v4"
	"github.com/golang-migrate/migrate/v4/database"
	"github.com/golang-migrate/migrate/v4/source/iofs"

	schema "github.com/caddy-mirrorbrain/caddy-mirrorbrain/sql"
)

// Prepare makes the database usable: it sets up an empty one and upgrades a
// SQLite file. A PostgreSQL schema that is too old is ErrSchemaOld; one that is
// newer will do when it is marked as fit for this program, else ErrSchemaNew.
func (s *Store) Prepare(ctx context.Context) error {
	const doing = "preparing the database"
	p := s.file
	if p != "" && !s.readOnly {
		if _, err := os.Stat(p); errors.Is(err, fs.ErrNotExist) {
			return s.setUp(ctx, doing)
		}
	}
	have, oldest, err := s.schema(ctx)
	if err != nil {
		return fail(doing, deadline(ctx, err))
	}
	want, err := s.latest()
	if err != nil {
		return fail(doing, err)
	}
	switch {
	case have == want:
		return nil
	case have > want && oldest <= want:
		return nil
	case have > want:
		return fmt.Errorf("%s: %w: it has number %d, this program knows %d: install a newer one", doing, ErrSchemaNew, have, want)
	case s.readOnly && have == 0:
		return fmt.Errorf("%s: %w: it is empty, and opened for reading only", doing, ErrSchemaOld)
	case have != 0 && (p == "" || s.readOnly):
		return fmt.Errorf(`%s: %w: it has number %d, this program needs %d: run "mbctl db migrate"`, doing, ErrSchemaOld, have, want)
	}
	return s.setUp(ctx, doing)
}

// Migrate brings the schema up to date and gives the names of the steps taken,
// or with dryRun of those it would take.
func (s *Store) Migrate(ctx context.Context, dryRun bool) (steps []string, err error) {
	const doing = "migrating the database"
	have := 0
	if p := s.file; p == "" || exists(p) {
		if have, _, err = s.schema(ctx); err != nil {
			return nil, fail(doing, deadline(ctx, err))
		}
	}
	all, err := s.steps()
	if err != nil {
		return nil, fail(doing, err)
	}
	for _, name := range all {
		if number(name) > have {
			steps = append(steps, strings.TrimSuffix(name, ".up.sql"))
		}
	}
	if dryRun || len(steps) == 0 {
		return steps, nil
	}
	return steps, s.setUp(ctx, doing)
}

// setUp runs all steps that are missing, in one transaction.
func (s *Store) setUp(ctx context.Context, doing string) error {
	if s.readOnly {
		return fail(doing, ErrReadOnly)
	}
	if p := s.file; p != "" {
		unlock, err := s.makeFile(ctx, p)
		if err != nil {
			return fail(doing, err)
		}
		defer unlock()
		defer shareFiles(p)
	}
	src, err := iofs.New(schema.Migrations, s.d.name)
	if err != nil {
		return fail(doing, err)
	}
	defer src.Close()
	r := &runner{ctx: ctx, s: s}
	m, err := migrate.NewWithInstance("embedded", src, s.d.name, r)
	if err != nil {
		return fail(doing, err)
	}
	m.LockTimeout = math.MaxInt64 // ctx ends the waiting
	err = m.Up()
	r.abandon()
	if err != nil && !errors.Is(err, migrate.ErrNoChange) {
		return fail(doing, deadline(ctx, err))
	}
	return nil
}

// makeFile creates an empty SQLite database under the lock file.
func (s *Store) makeFile(ctx context.Context, p string) (unlock func(), err error) {
	if folder, err := userFolder(); err == nil && path.Dir(p) == folder {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return nil, fmt.Errorf("folder for the database: %w", err)
		}
	}
	if unlock, err = lockFile(ctx, p); err != nil {
		return nil, err
	}
	if err = createFile(p); err == nil {
		shareFiles(p)
		// Not possible within a transaction, and kept in the file.
		_, err = s.db.ExecContext(ctx, "PRAGMA journal_mode = WAL")
	}
	if err != nil {
		unlock()
		return nil, err
	}
	shareFiles(p)
	return unlock, nil
}

// schemaTimeout is how long a database may take to say which schema it has. It
// is the first question of every program, and through a pooler a server that
// hangs is connected to like any other.
const schemaTimeout = 20 * time.Second

// schema gives the number of the database's schema, 0 for an empty database,
// and the oldest program it is still fit for.
func (s *Store) schema(ctx context.Context) (have, oldest int, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, schemaTimeout, fmt.Errorf("no answer for %v: %w", schemaTimeout, context.DeadlineExceeded))
	defer cancel()
	defer func() { err = deadline(ctx, err) }()
	var n int
	if err := s.db.QueryRowContext(ctx, s.d.hasTable, versionTable).Scan(&n); err != nil || n == 0 {
		return 0, 0, err
	}
	if err := s.db.QueryRowContext(ctx, "SELECT version FROM "+versionTable).Scan(&have); err != nil {
		return 0, 0, err
	}
	err = s.db.QueryRowContext(ctx, "SELECT oldest_schema FROM schema_info").Scan(&oldest)
	return have, oldest, err
}

// steps lists the embedded migrations in order.
func (s *Store) steps() ([]string, error) {
	entries, err := fs.ReadDir(schema.Migrations, s.d.name)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".up.sql") {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

func (s *Store) latest() (int, error) {
	names, err := s.steps()
	if err != nil || len(names) == 0 {
		return 0, err
	}
	return number(names[len(names)-1]), nil
}

func number(name string) int {
	n, _, _ := strings.Cut(name, "_")
	v, _ := strconv.Atoi(n) // a name without a number is 0 and never run
	return v
}

func exists(p string) bool {
	_, err := os.Stat(p)
	return err == nil
}

const versionTable = "schema_version"

// runner is golang-migrate's database driver for both databases. The library's
// own ones write the version in a transaction apart from the migration's (so a
// crash between them leaves a "dirty" schema for people to repair), lock SQLite
// within one process only, and PostgreSQL with a session lock, which pgbouncer
// in transaction mode does not keep. Here Lock begins one transaction, in which
// everything happens, and Unlock commits it.
type runner struct {
	ctx    context.Context //nolint:containedctx // the driver interface has no contexts
	s      *Store
	conn   *sql.Conn
	tx     *sql.Tx
	failed bool
}

var _ database.Driver = (*runner)(nil)

func (r *runner) Open(string) (database.Driver, error) { return r, nil }
func (r *runner) Close() error                         { return nil }
func (r *runner) Drop() error                          { return errors.New("not done by this program") }

func (r *runner) Lock() (err error) {
	if r.conn, r.tx, err = r.s.begin(r.ctx, nil); err != nil {
		return err
	}
	if r.s.d.migrating != "" {
		if _, err = r.tx.ExecContext(r.ctx, r.s.d.migrating); err != nil {
			r.abandon()
		}
	}
	return err
}

func (r *runner) Unlock() error {
	if r.failed {
		r.abandon()
		return nil
	}
	err := r.seed()
	if err == nil {
		err = r.tx.Commit()
	}
	r.abandon()
	return err
}

// abandon rolls back what is not committed.
func (r *runner) abandon() {
	if r.tx != nil {
		_ = r.tx.Rollback()
		r.tx = nil
	}
	if r.conn != nil {
		_ = r.conn.Close()
		r.conn = nil
	}
}

func (r *runner) Run(migration io.Reader) error {
	script, err := io.ReadAll(migration)
	if err == nil {
		// Without arguments both drivers take many statements at once.
		_, err = r.tx.ExecContext(r.ctx, string(script))
	}
	r.failed = r.failed || err != nil
	return err
}

func (r *runner) SetVersion(version int, dirty bool) error {
	if dirty {
		return nil // nobody else sees the transaction before it is whole
	}
	_, err := r.tx.ExecContext(r.ctx, "CREATE TABLE IF NOT EXISTS "+versionTable+" (version bigint NOT NULL)")
	if err == nil {
		_, err = r.tx.ExecContext(r.ctx, "DELETE FROM "+versionTable)
	}
	if err == nil {
		_, err = r.tx.ExecContext(r.ctx, "INSERT INTO "+versionTable+" (version) VALUES ($1)", int64(version))
	}
	r.failed = r.failed || err != nil
	return err
}

func (r *runner) Version() (version int, dirty bool, err error) {
	defer func() { r.failed = r.failed || err != nil }()
	var n int
	if err := r.tx.QueryRowContext(r.ctx, r.s.d.hasTable, versionTable).Scan(&n); err != nil {
		return 0, false, err
	}
	if n == 0 {
		return database.NilVersion, false, nil
	}
	err = r.tx.QueryRowContext(r.ctx, "SELECT version FROM "+versionTable).Scan(&version)
	return version, false, err
}

// seed draws what is random in a new database.
func (r *runner) seed() error {
	var key [16]byte
	_, _ = rand.Read(key[:]) // never fails (crypto/rand)
	res, err := r.tx.ExecContext(r.ctx, `INSERT INTO head (one, revision, stamp, hash_key)
		SELECT 1, 1, $1, $2 WHERE NOT EXISTS (SELECT 1 FROM head)`, randomInt64(), key[:])
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return err
	}
	_, err = r.tx.ExecContext(r.ctx, "INSERT INTO change (revision, stamp, at) SELECT revision, stamp, $1 FROM head", time.Now().UnixNano())
	return err
}
