package store

import (
	"context"
	"database/sql/driver"
	"fmt"
	"os"
)

// sqliteConn is a connection that knows its file. When another file has taken
// its place (a backup was put back while we run), the connection is given up:
// it would go on showing the file that has no name any more.
type sqliteConn struct {
	rawSQLite

	path string
	file os.FileInfo // as it was when the connection was about to be opened
}

// rawSQLite is what database/sql uses of the driver's connection.
type rawSQLite interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

func wrapSQLite(conn driver.Conn, path string, file os.FileInfo) (driver.Conn, error) {
	raw, ok := conn.(rawSQLite)
	if !ok {
		conn.Close()
		return nil, fmt.Errorf("database %s: the driver lacks what is needed of it", path)
	}
	return &sqliteConn{rawSQLite: raw, path: path, file: file}, nil
}

// ResetSession is called before a connection of the pool is used again.
func (c *sqliteConn) ResetSession(ctx context.Context) error {
	if c.moved() {
		return driver.ErrBadConn
	}
	return c.rawSQLite.ResetSession(ctx)
}

// moved reports whether the path names another file now. A path that names
// none says nothing: the new file may be on its way.
func (c *sqliteConn) moved() bool {
	now, err := os.Stat(c.path)
	return err == nil && !os.SameFile(c.file, now)
}
