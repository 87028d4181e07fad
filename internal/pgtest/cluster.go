//go:build unix

package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

const superuser = "mirrorbrain"

// Cluster is a PostgreSQL server of its own, on loopback.
type Cluster struct {
	dir    string // holds data, socket and log
	port   int
	server *server
}

// Start makes and starts a cluster for one test, which may stop and freeze it.
func Start(t testing.TB) *Cluster {
	t.Helper()
	need(t, missing("initdb", "postgres"))
	c, err := start()
	need(t, err)
	t.Cleanup(c.remove)
	return c
}

func start() (*Cluster, error) {
	dir, err := folder()
	if err != nil {
		return nil, err
	}
	c := &Cluster{dir: dir}
	err = run("initdb", "-D", c.data(), "-U", superuser, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--wal-segsize=4")
	if err == nil {
		err = c.launch()
	}
	if err != nil {
		c.remove()
		return nil, err
	}
	return c, nil
}

func (c *Cluster) data() string { return filepath.Join(c.dir, "data") }

// launch starts the server on a free port, or on the one it had.
func (c *Cluster) launch() (err error) {
	for attempt := range 3 {
		if c.port == 0 || attempt > 0 {
			if c.port, err = freePort(); err != nil {
				return err
			}
		}
		args := []string{"-D", c.data(), "-p", strconv.Itoa(c.port), "-k", c.dir, "-h", "127.0.0.1"}
		for _, set := range []string{
			"fsync=off", "full_page_writes=off", "synchronous_commit=off", "max_connections=200", "shared_buffers=32MB",
			"max_wal_size=256MB", "min_wal_size=32MB", "wal_keep_size=64MB", "wal_receiver_status_interval=1s", "logging_collector=off",
		} {
			args = append(args, "-c", set)
		}
		if c.server, err = serve(c.dir, "QUIT", "postgres", args...); err != nil {
			return err
		}
		if err = c.ready(); err == nil {
			return nil
		}
		c.server.end(true)
		c.server = nil
	}
	return err
}

// ready waits until the server answers.
func (c *Cluster) ready() error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, c.URL("postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		if !c.server.alive() || ctx.Err() != nil {
			log, _ := os.ReadFile(filepath.Join(c.dir, "log")) // for the message only
			return fmt.Errorf("PostgreSQL does not start: %w\n%s", err, log)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// Addr is host and port of the server.
func (c *Cluster) Addr() string { return "127.0.0.1:" + strconv.Itoa(c.port) }

// URL is that of a database in the cluster.
func (c *Cluster) URL(database string) string {
	u := url.URL{Scheme: "postgres", User: url.User(superuser), Host: c.Addr(), Path: "/" + database, RawQuery: "sslmode=disable"}
	return u.String()
}

// Database makes a fresh database and gives its URL.
func (c *Cluster) Database(t testing.TB) string {
	t.Helper()
	return database(t, c.URL("postgres"), false)
}

// Stop shuts the server down, ending all sessions. It can be started again.
func (c *Cluster) Stop(t testing.TB) {
	t.Helper()
	if err := syscall.Kill(c.server.pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(startTimeout); c.server.alive(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("PostgreSQL does not stop")
		}
	}
	c.server.end(true)
	c.server = nil
}

// Start starts a stopped server again, on the same port.
func (c *Cluster) Start(t testing.TB) {
	t.Helper()
	if err := c.launch(); err != nil {
		t.Fatal(err)
	}
}

// Freeze stops all of the server's processes where they are (SIGSTOP), until
// Thaw. The kernel goes on accepting connections for it.
func (c *Cluster) Freeze(t testing.TB) { t.Helper(); c.signal(t, syscall.SIGSTOP) }

// Thaw lets a frozen server go on (SIGCONT).
func (c *Cluster) Thaw(t testing.TB) { t.Helper(); c.signal(t, syscall.SIGCONT) }

func (c *Cluster) signal(t testing.TB, sig syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(c.server.pid, sig); err != nil {
		t.Fatal(err)
	}
	for _, pid := range children(c.server.pid) {
		if err := syscall.Kill(pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
			t.Fatal(err)
		}
	}
}

// Standby makes and starts a hot standby that follows c.
func (c *Cluster) Standby(t testing.TB) *Cluster {
	t.Helper()
	need(t, missing("pg_basebackup"))
	dir, err := folder()
	need(t, err)
	s := &Cluster{dir: dir}
	t.Cleanup(s.remove)
	need(t, run("pg_basebackup", "-D", s.data(), "-R", "-X", "stream", "-c", "fast", "--no-sync",
		"-h", "127.0.0.1", "-p", strconv.Itoa(c.port), "-U", superuser))
	need(t, s.launch())
	return s
}

// Promote makes a standby a server that takes writes.
func (c *Cluster) Promote(t testing.TB) {
	t.Helper()
	if err := execute(c.URL("postgres"), "SELECT pg_promote(true, 60)"); err != nil {
		t.Fatal(err)
	}
}

// remove kills the server and removes its files.
func (c *Cluster) remove() {
	if c.server != nil {
		for _, pid := range children(c.server.pid) {
			_ = syscall.Kill(pid, syscall.SIGCONT) // it may be gone
		}
		c.server.end(false)
		c.server = nil
	}
	_ = os.RemoveAll(c.dir)
}
