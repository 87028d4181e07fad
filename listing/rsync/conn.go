package rsync

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"
)

// conn is a connection whose reads and writes end after a time of silence.
type conn struct {
	net.Conn
	timeout time.Duration
	until   time.Time // when not zero: no operation lasts longer
}

// dial connects. Cancelling ctx closes the connection at once; close must be
// called.
func dial(ctx context.Context, address string, timeout time.Duration) (c *conn, close func(), err error) {
	d := net.Dialer{Timeout: timeout}
	nc, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, nil, err
	}
	stop := context.AfterFunc(ctx, func() { nc.Close() })
	return &conn{Conn: nc, timeout: timeout}, func() {
		stop()
		nc.Close()
	}, nil
}

func (c *conn) deadline() time.Time {
	d := time.Now().Add(c.timeout)
	if !c.until.IsZero() && c.until.Before(d) {
		return c.until
	}
	return d
}

func (c *conn) Read(p []byte) (int, error) {
	c.SetReadDeadline(c.deadline())
	n, err := c.Conn.Read(p)
	return n, c.explain(err)
}

func (c *conn) Write(p []byte) (int, error) {
	c.SetWriteDeadline(c.deadline())
	n, err := c.Conn.Write(p)
	return n, c.explain(err)
}

func (c *conn) explain(err error) error {
	if err == nil || !errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	if !c.until.IsZero() && !time.Now().Before(c.until) {
		return fmt.Errorf("the server took too long: %w", err)
	}
	return fmt.Errorf("the server was silent for %s: %w", c.timeout, err)
}
