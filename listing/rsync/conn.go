package rsync

import (
	"context"
	"crypto/tls"
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
func (l *Lister) dial(ctx context.Context) (c *conn, close func(), err error) {
	nc, err := l.dialer.Dial(ctx, "tcp", l.target.address())
	if err != nil {
		return nil, nil, err
	}
	raw := nc
	stop := context.AfterFunc(ctx, func() { raw.Close() })
	closeConn := func() {
		stop()
		raw.Close()
	}
	if l.target.secure {
		if nc, err = l.secure(ctx, nc); err != nil {
			closeConn()
			return nil, nil, err
		}
	}
	return &conn{Conn: nc, timeout: l.options.Timeout}, closeConn, nil
}

// secure makes TLS of a connection, as rsync-ssl does.
func (l *Lister) secure(ctx context.Context, nc net.Conn) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, l.options.ContactTimeout)
	defer cancel()
	t := tls.Client(nc, &tls.Config{ServerName: l.target.host, MinVersion: tls.VersionTLS12, RootCAs: l.roots})
	if err := t.HandshakeContext(ctx); err != nil {
		return nil, fmt.Errorf("TLS handshake: %w", err)
	}
	return t, nil
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
