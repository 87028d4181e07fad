package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// dialect is all in which the two databases differ within queries.
type dialect struct {
	name       string             // folder of the migrations
	now        string             // SQL for the database's clock, ns since the epoch
	forUpdate  string             // ends a SELECT whose rows are to be locked
	notify     string             // tells the others, in the transaction; "" where they see it anyway
	isolation  sql.IsolationLevel // of snapshots
	standby    string             // SQL for: is this a replica
	bytes      string             // type name
	keys       int                // pairs looked up in one statement
	contains   string             // SQL for: the bytes ? are somewhere in name
	holdsText  string             // SQL for: what textKey makes of a text, $1, may be somewhere in name, in upper or lower case (ASCII)
	textKey    func(text string) any
	hasTable   string // SQL for: is there a table $1
	tableSize  string // SQL for: bytes of table $1 with its indexes
	holdClaims string // lets nobody claim versions to hash until the transaction ends; "" where nobody else writes then
	migrating  string // first statement of a migration, "" none
	insert     func(ctx context.Context, tx *tx, table string, columns []string, rows [][]any) error
}

var postgres = dialect{
	name:       "postgres",
	bytes:      "bytea",
	keys:       500,
	contains:   "position(CAST(? AS bytea) IN name) > 0",
	holdsText:  `position(CAST($1 AS text) IN lower(encode(name, 'escape') COLLATE "C")) > 0`,
	textKey:    escapedKey,
	now:        "(extract(epoch FROM clock_timestamp()) * 1000000000)::bigint",
	forUpdate:  " FOR UPDATE",
	notify:     "NOTIFY mirrorbrain",
	isolation:  sql.LevelRepeatableRead,
	standby:    "SELECT pg_is_in_recovery()",
	hasTable:   "SELECT count(*) FROM information_schema.tables WHERE table_schema = current_schema() AND table_name = $1",
	holdClaims: "LOCK TABLE hash_claim IN SHARE MODE",
	tableSize:  "SELECT pg_total_relation_size(to_regclass(CAST($1 AS text)))",
	// Ended with the transaction, so it also works through pgbouncer in
	// transaction mode. The number is arbitrary.
	migrating: "SELECT pg_advisory_xact_lock(7307126203845226866)",
	insert:    copyRows,
}

var sqliteDialect = dialect{
	name:      "sqlite",
	bytes:     "BLOB",
	keys:      20, // the driver's time to bind grows by the square
	contains:  "instr(name, ?) > 0",
	holdsText: "instr(CAST(lower(CAST(name AS TEXT)) AS BLOB), $1) > 0", // lower and the casts leave all other bytes as they are
	textKey:   func(text string) any { return []byte(lowerASCII(text)) },
	now:       "(CAST(unixepoch('subsec') * 1000 AS INTEGER) * 1000000)",
	standby:   "SELECT 0",
	hasTable:  "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = $1",
	tableSize: "SELECT coalesce(sum(pgsize), 0) FROM dbstat WHERE name IN (SELECT name FROM sqlite_master WHERE tbl_name = $1)",
	insert:    insertRows,
}

// copyRows is PostgreSQL's COPY, within the transaction.
func copyRows(ctx context.Context, t *tx, table string, columns []string, rows [][]any) error {
	return t.conn.Raw(func(c any) error {
		_, err := c.(*stdlib.Conn).Conn().CopyFrom(ctx, pgx.Identifier{table}, columns, pgx.CopyFromRows(rows))
		return err
	})
}

// insertRows inserts with one prepared statement for some rows at once: few, as
// the driver's time to bind parameters grows by the square of their number. It
// is much worse for numbered ones, so these have no numbers.
func insertRows(ctx context.Context, t *tx, table string, columns []string, rows [][]any) error {
	const chunk = 10
	var stmt *sql.Stmt
	args := make([]any, 0, chunk*len(columns))
	for len(rows) > 0 {
		n := min(chunk, len(rows))
		if stmt == nil || n < chunk {
			q := "INSERT INTO " + table + " (" + strings.Join(columns, ", ") + ") VALUES " + rowMarks(n, len(columns))
			s, err := t.PrepareContext(ctx, q)
			if err != nil {
				return err
			}
			defer s.Close()
			stmt = s
		}
		args = args[:0]
		for _, r := range rows[:n] {
			args = append(args, r...)
		}
		if _, err := stmt.ExecContext(ctx, args...); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// rowMarks gives "(?, ?), (?, ?)" for rows 2, columns 2.
func rowMarks(rows, columns int) string {
	row := "(?" + strings.Repeat(", ?", columns-1) + ")"
	return row + strings.Repeat(", "+row, rows-1)
}

// placeholders gives "($1, $2), ($3, $4)" for rows 2, columns 2.
func placeholders(rows, columns int) string {
	var b strings.Builder
	for i := range rows * columns {
		switch {
		case i == 0:
			b.WriteByte('(')
		case i%columns == 0:
			b.WriteString("), (")
		default:
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "$%d", i+1)
	}
	b.WriteByte(')')
	return b.String()
}

// typed gives the first row of placeholders types: PostgreSQL takes those of
// the other rows of VALUES from it, and would take all for text without it.
func typed(values string, types ...string) string {
	for i, name := range types {
		p := fmt.Sprintf("$%d", i+1)
		values = strings.Replace(values, p, "CAST("+p+" AS "+name+")", 1)
	}
	return values
}

// idList gives "1, 2, 3". Numbers need no quoting, and lists of them as
// parameters are what the two databases do not share.
func idList[T ~uint32 | ~int64](ids []T) string {
	b := make([]byte, 0, 12*len(ids))
	for i, id := range ids {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = fmt.Append(b, id)
	}
	return string(b)
}
