package store

import (
	"context"
	"errors"
	"fmt"
	"os"

	"modernc.org/sqlite"
)

// tables are all of ours. A database may hold others'.
var tables = []string{
	"alias", "alt_mtime", "asn_import", "asn_name", "asn_prefix", "change", "counter", "digest", "event", "file", "file_hash", "folder",
	"folder_stat", "hash_claim", "head", "holdings", "index_state", "job", "large_file", "lease", "marker", "mirror", "mirror_state", "mirror_traffic", "node",
	"purged", "scan_run", "schema_info", versionTable, "setting", "wish", "zsync_part",
}

// TableSize is what a table takes up.
type TableSize struct {
	Name  string
	Rows  int64
	Bytes int64 // with its indexes; -1: not known
}

// Sizes gives the size of each table, and that of all of them with what the
// database keeps beside them: for SQLite the file.
func (s *Store) Sizes(ctx context.Context) (list []TableSize, total int64, err error) {
	const doing = "reading the sizes of the tables"
	for _, name := range tables {
		t := TableSize{Name: name}
		if err := s.db.QueryRowContext(ctx, "SELECT count(*) FROM "+name).Scan(&t.Rows); err != nil {
			return nil, 0, fail(doing, deadline(ctx, err))
		}
		if t.Bytes, err = s.tableBytes(ctx, name); err != nil {
			return nil, 0, fail(doing, deadline(ctx, err))
		}
		list = append(list, t)
		total += max(0, t.Bytes)
	}
	if s.file != "" {
		total = 0
		for _, suffix := range []string{"", "-wal"} {
			if fi, err := os.Stat(s.file + suffix); err == nil {
				total += fi.Size()
			}
		}
	}
	return list, total, nil
}

func (s *Store) tableBytes(ctx context.Context, name string) (n int64, err error) {
	err = s.db.QueryRowContext(ctx, s.d.tableSize, name).Scan(&n)
	if _, ok := errors.AsType[*sqlite.Error](err); ok && ctx.Err() == nil {
		return -1, nil // SQLite was built without the table that tells
	}
	return n, err
}

// Compact gives back the space of deleted rows, and renews what the query
// planner knows. Others read and write meanwhile, but SQLite's writers wait.
func (s *Store) Compact(ctx context.Context) error {
	const doing = "compacting the database"
	if s.readOnly {
		return fail(doing, ErrReadOnly)
	}
	if s.file != "" {
		return fail(doing, deadline(ctx, s.compactSQLite(ctx)))
	}
	for _, name := range tables {
		if _, err := s.db.ExecContext(ctx, "VACUUM (ANALYZE) "+name); err != nil {
			return fail(fmt.Sprintf("%s: table %s", doing, name), deadline(ctx, err))
		}
	}
	return nil
}

// compactSQLite writes the file anew when a tenth of it is empty: less is soon
// used again, and the whole file is copied.
func (s *Store) compactSQLite(ctx context.Context) error {
	select {
	case s.writing <- struct{}{}:
		defer func() { <-s.writing }()
	case <-ctx.Done():
		return ctx.Err()
	}
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	var pages, free int64
	if err := conn.QueryRowContext(ctx, "SELECT page_count, freelist_count FROM pragma_page_count, pragma_freelist_count").Scan(&pages, &free); err != nil {
		return err
	}
	if free*10 >= pages {
		if _, err := conn.ExecContext(ctx, "VACUUM"); err != nil {
			return err
		}
	}
	for _, q := range []string{"ANALYZE", "PRAGMA wal_checkpoint(TRUNCATE)"} {
		if _, err := conn.ExecContext(ctx, q); err != nil {
			return err
		}
	}
	return nil
}
