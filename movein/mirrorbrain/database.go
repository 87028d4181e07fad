// Package mirrorbrain reads the database and the configuration file of a
// MirrorBrain: 2.17 to 2.19, and openSUSE's of 2020. Which tables and columns
// there are is looked up, since installations were changed by hand and stopped
// between versions.
package mirrorbrain

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/movein"
)

const (
	connectTimeout = 15 * time.Second
	queryTimeout   = 5 * time.Minute // of a table of mirrors, or a page of digests
)

// Database is a connection to a MirrorBrain's database. It only reads.
type Database struct {
	conn    *pgx.Conn
	tx      pgx.Tx              // read only; everything is asked in it
	name    string              // URL without password
	columns map[string][]string // by table
}

// Open connects to the database at dbURL.
func Open(ctx context.Context, dbURL string) (*Database, error) {
	d := &Database{name: movein.RedactURL(dbURL)}
	conf, err := pgx.ParseConfig(dbURL)
	if err != nil {
		return nil, fmt.Errorf("database of MirrorBrain: %w", err) // pgx hides the password
	}
	if conf.ConnectTimeout == 0 {
		conf.ConnectTimeout = connectTimeout
	}
	// Results as text: types of extensions (iprange) have no other form for us.
	conf.DefaultQueryExecMode = pgx.QueryExecModeExec
	conf.RuntimeParams["client_encoding"] = "UTF8"
	conf.RuntimeParams["application_name"] = "mbctl import mirrorbrain"
	if d.conn, err = pgx.ConnectConfig(ctx, conf); err != nil {
		return nil, d.fail("cannot be reached", err)
	}
	// Settings of a transaction, since a pooler may give the session to others.
	if d.tx, err = d.conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}); err == nil {
		_, err = d.tx.Exec(ctx, "SET LOCAL timezone TO 'UTC'")
	}
	// A database without an encoding holds bytes, which the server would refuse
	// to give out as UTF-8.
	if err == nil && d.conn.PgConn().ParameterStatus("server_encoding") == "SQL_ASCII" {
		_, err = d.tx.Exec(ctx, "SET LOCAL client_encoding TO 'SQL_ASCII'")
	}
	if err != nil {
		err = d.fail("cannot be read", err)
	} else {
		err = d.look(ctx)
	}
	if err != nil {
		d.Close() //nolint:contextcheck // the farewell has a time limit of its own
		return nil, err
	}
	return d, nil
}

// Name is the database's URL without its password.
func (d *Database) Name() string { return d.name }

// Close ends the connection.
func (d *Database) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	_ = d.conn.Close(ctx) // nothing was written
}

// fail says that it is the other system's database that failed. The error is of
// no kind that would be taken for ours.
func (d *Database) fail(doing string, err error) error {
	if pe, ok := errors.AsType[*pgconn.PgError](err); ok {
		err = fmt.Errorf("%s (SQLSTATE %s)", pe.Message, pe.Code)
	}
	return fmt.Errorf("database of MirrorBrain %s: %s: %w", d.name, doing, err)
}

// look finds the tables and views, and their columns.
func (d *Database) look(ctx context.Context) error {
	d.columns = map[string][]string{}
	err := d.each(ctx, `SELECT table_name::text, column_name::text FROM information_schema.columns
		WHERE table_schema = ANY (current_schemas(false)) ORDER BY table_name, ordinal_position`, func(v []*string) error {
		if v[0] != nil && v[1] != nil {
			d.columns[*v[0]] = append(d.columns[*v[0]], *v[1])
		}
		return nil
	})
	if err != nil {
		return d.fail("looking at its tables", err)
	}
	if len(d.columns["server"]) == 0 {
		return fmt.Errorf("database of MirrorBrain %s: has no table \"server\" that this user may see: is it the right database?", d.name)
	}
	return nil
}

func (d *Database) has(table, column string) bool {
	return slices.Contains(d.columns[table], column)
}

// each runs a query all of whose columns are text.
func (d *Database) each(ctx context.Context, query string, fn func(v []*string) error) error {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	rows, err := d.tx.Query(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	v := make([]*string, len(rows.FieldDescriptions()))
	to := make([]any, len(v))
	for i := range v {
		to[i] = &v[i]
	}
	for rows.Next() {
		if err := rows.Scan(to...); err != nil {
			return err
		}
		if err := fn(v); err != nil {
			return err
		}
	}
	return rows.Err()
}

// row is a row of a table by column. NULL, and a column that is not there, are
// "" for get.
type row map[string]*string

func (r row) get(column string) string {
	if v := r[column]; v != nil {
		return *v
	}
	return ""
}

func (r row) truth(column string) bool { return r.get(column) == "true" || r.get(column) == "t" }

// table reads a table's columns, as far as it has them, in the order of the
// first.
func (d *Database) table(ctx context.Context, table string, columns ...string) (list []row, err error) {
	var have, casts []string
	for _, c := range columns {
		if d.has(table, c) {
			have = append(have, c)
			casts = append(casts, "CAST("+pgx.Identifier{c}.Sanitize()+" AS text)")
		}
	}
	if len(have) == 0 {
		return nil, nil
	}
	query := "SELECT " + strings.Join(casts, ", ") + " FROM " + pgx.Identifier{table}.Sanitize() + " ORDER BY " + pgx.Identifier{have[0]}.Sanitize()
	err = d.each(ctx, query, func(v []*string) error {
		r := row{}
		for i, c := range have {
			r[c] = v[i]
		}
		list = append(list, r)
		return nil
	})
	if err != nil {
		return nil, d.fail("reading the table "+table, err)
	}
	return list, nil
}
