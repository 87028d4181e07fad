// Package quiet makes network connections give up when the other side stays
// silent.
package quiet

import (
	"net"
	"time"
)

// Wrap gives c, on which any single read or write fails that takes longer than
// timeout.
func Wrap(c net.Conn, timeout time.Duration) net.Conn { return &conn{c, timeout} }

type conn struct {
	net.Conn
	timeout time.Duration
}

func (c *conn) Read(b []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(c.timeout)); err != nil {
		return 0, err
	}
	return c.Conn.Read(b)
}

func (c *conn) Write(b []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(c.timeout)); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}
