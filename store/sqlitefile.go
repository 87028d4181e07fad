package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"modernc.org/sqlite"
)

// fileMode of a database's files: processes of one group share them.
const fileMode = 0o660

// sqliteConnector opens connections to one file and keeps its companions
// (-wal, -shm) there and accessible to all who may use the database.
type sqliteConnector struct {
	driver.Connector
	path string
}

func newSQLiteConnector(path, dsn string) (*sqliteConnector, error) {
	// mode=rw: only Prepare makes a database, so that a mistyped path or a
	// volume that is not mounted is no new, empty database.
	base, err := sqlite.NewConnector(dsn + "&mode=rw")
	return &sqliteConnector{Connector: base, path: path}, err
}

// Connect opens a connection. The WAL stays when the last one is closed: made
// anew it would belong to whoever comes next, and shut out the others.
func (c *sqliteConnector) Connect(ctx context.Context) (driver.Conn, error) {
	if err := accessible(c.path); err != nil {
		return nil, err
	}
	file, err := os.Stat(c.path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	if fc, ok := conn.(sqlite.FileControl); ok {
		if _, err := fc.FileControlPersistWAL("main", 1); err != nil {
			conn.Close()
			return nil, fmt.Errorf("database %s: keeping the write-ahead log: %w", c.path, err)
		}
	}
	return wrapSQLite(conn, c.path, file)
}

// accessible says in words why the database file or its folder cannot be used.
// SQLite itself would say "unable to open" or, later, "readonly". It must not
// open the files: closing one gives up all POSIX locks that this process has on
// it, those of SQLite's connections too, and then other processes take the
// write-ahead log for theirs alone.
func accessible(path string) error {
	for _, p := range []string{path, path + "-wal", path + "-shm"} {
		err := fileUsable(p)
		switch {
		case err == nil:
		case p != path && errors.Is(err, fs.ErrNotExist):
			// SQLite makes it, in a folder that must be writable.
			if err := folderWritable(filepath.Dir(path)); err != nil {
				return err
			}
		case errors.Is(err, ErrReadOnly):
			return err
		default:
			return fmt.Errorf("%w: %w", ErrUnreachable, err)
		}
	}
	return nil
}

// createFile makes an empty database file (and its folder, where it is the
// user's default one) unless it is there.
func createFile(path string) error {
	folder := filepath.Dir(path)
	if own, err := userFolder(); err == nil && folder == own {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return fmt.Errorf("folder for the database: %w", err)
		}
	}
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	if err := folderWritable(folder); err != nil {
		return err
	}
	// One that is there by now must not be opened, see accessible.
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, fileMode)
	switch {
	case err == nil:
		return f.Close()
	case !errors.Is(err, fs.ErrExist):
		return err
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	target, err := os.Readlink(path) // a link to where nothing is yet
	if err != nil {
		return err
	}
	if !filepath.IsAbs(target) {
		target = filepath.Join(folder, target)
	}
	return createFile(target)
}

// shareFiles gives the database's files the folder's owner and group and mode
// 0660, as far as this user may. What it may not change is another's to change.
func shareFiles(path string) {
	for _, p := range []string{path, path + "-wal", path + "-shm", path + ".lock"} {
		adopt(filepath.Dir(path), p)
	}
}

// lockFile takes the lock beside the database file, which processes hold while
// they set up or upgrade it.
func lockFile(ctx context.Context, path string) (unlock func(), err error) {
	if err := folderWritable(filepath.Dir(path)); err != nil {
		return nil, err
	}
	name := path + ".lock"
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, fileMode)
	if errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("%w: %s", ErrReadOnly, permissionText(name))
	} else if err != nil {
		return nil, err
	}
	adopt(filepath.Dir(path), name)
	for {
		got, err := tryLock(f)
		if got {
			return func() { f.Close() }, nil
		}
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("locking %s: %w", name, err)
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			f.Close()
			return nil, fmt.Errorf("locking %s: another process sets the database up: %w", name, ctx.Err())
		}
	}
}
