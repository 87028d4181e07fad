package store

import (
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

func (s *Store) openSQLite(path string) error {
	// Read-only transactions begin deferred, all others immediate: a
	// transaction that turned from reading to writing could fail halfway.
	q := url.Values{"_txlock": {"immediate"}, "_pragma": {
		"busy_timeout(5000)", "foreign_keys(1)", "synchronous(NORMAL)", "cache_size(-16000)", "temp_store(MEMORY)",
		"journal_size_limit(67108864)",
	}}
	dsn := (&url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: q.Encode()}).String()
	connector, err := newSQLiteConnector(path, dsn)
	if err != nil {
		return fmt.Errorf("database %s: %w", path, err)
	}
	s.d = &sqliteDialect
	s.file = path
	s.db = sql.OpenDB(connector)
	s.db.SetMaxIdleConns(4)
	s.writing = make(chan struct{}, 1)
	s.describe = "SQLite " + path
	s.waiter = newWaiter(func(w *waiter) { w.watch(s.db) })
	return nil
}

// sqlitePath takes what follows "sqlite:" in a URL.
func sqlitePath(rest string) (string, error) {
	u, err := url.Parse("sqlite:" + rest)
	if err != nil {
		return "", fmt.Errorf("database URL %q: %w", "sqlite:"+rest, err)
	}
	if u.Host != "" || !filepath.IsAbs(filepath.FromSlash(u.Path)) || u.RawQuery != "" {
		return "", fmt.Errorf("database URL %q: must be sqlite:///absolute/path.db", "sqlite:"+rest)
	}
	return filepath.Clean(filepath.FromSlash(u.Path)), nil
}

// sqliteURL is the reverse of sqlitePath.
func sqliteURL(path string) string {
	return (&url.URL{Scheme: "sqlite", Path: filepath.ToSlash(path)}).String()
}

func isBusy(err error) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	return ok && e.Code()&0xff == sqlite3.SQLITE_BUSY
}
