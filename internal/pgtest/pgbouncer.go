//go:build unix

package pgtest

import (
	"cmp"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"
)

// bouncer is a running pgbouncer.
type bouncer struct {
	addr   string
	dir    string
	server *server
}

var sharedBouncer struct {
	sync.Once
	*bouncer
	err error
}

// NewBounced is New, but the URL leads through a pgbouncer in transaction mode.
func NewBounced(t testing.TB) string {
	t.Helper()
	dsn := New(t)
	sharedBouncer.Do(func() {
		if sharedBouncer.err = missing("pgbouncer"); sharedBouncer.err == nil {
			sharedBouncer.bouncer, sharedBouncer.err = startBouncer(dsn)
		}
	})
	need(t, sharedBouncer.err)
	return sharedBouncer.through(t, dsn)
}

// PgBouncer starts a pgbouncer in transaction mode before the server of dsn,
// and gives the URL of the same database through it.
func PgBouncer(t testing.TB, dsn string) string {
	t.Helper()
	need(t, missing("pgbouncer"))
	b, err := startBouncer(dsn)
	need(t, err)
	t.Cleanup(b.remove)
	return b.through(t, dsn)
}

func (b *bouncer) through(t testing.TB, dsn string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	need(t, err)
	u.Host = b.addr
	u.RawQuery = "sslmode=disable"
	return u.String()
}

func (b *bouncer) remove() {
	if b.server != nil {
		b.server.end(false)
	}
	_ = os.RemoveAll(b.dir)
}

func startBouncer(dsn string) (b *bouncer, err error) {
	u, err := url.Parse(dsn)
	if err != nil {
		return nil, err
	}
	b = &bouncer{}
	defer func() {
		if err != nil {
			b.remove()
		}
	}()
	if b.dir, err = folder(); err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	target := fmt.Sprintf("host=%s port=%s user=%s", u.Hostname(), cmp.Or(u.Port(), "5432"), u.User.Username())
	if pw, ok := u.User.Password(); ok {
		target += " password=" + pw
	}
	conf := filepath.Join(b.dir, "pgbouncer.ini")
	// Few server connections, so that a client's transactions change between them.
	err = os.WriteFile(conf, []byte(`[databases]
* = `+target+`
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = `+strconv.Itoa(port)+`
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 4
max_client_conn = 300
server_round_robin = 1
server_idle_timeout = 5
`), 0o644)
	if err != nil {
		return nil, err
	}
	if b.server, err = serve(b.dir, "KILL", "pgbouncer", conf); err != nil {
		return nil, err
	}
	b.addr = "127.0.0.1:" + strconv.Itoa(port)
	return b, b.ready()
}

// ready waits until it accepts connections.
func (b *bouncer) ready() error {
	for end := time.Now().Add(startTimeout); ; time.Sleep(20 * time.Millisecond) {
		conn, err := net.Dial("tcp", b.addr)
		if err == nil {
			return conn.Close()
		}
		if !b.server.alive() || time.Now().After(end) {
			log, _ := os.ReadFile(filepath.Join(b.dir, "log")) // for the message only
			return fmt.Errorf("pgbouncer does not start: %w\n%s", err, log)
		}
	}
}
