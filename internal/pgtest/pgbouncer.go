//go:build unix

package pgtest

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// PgBouncer starts a pgbouncer in transaction mode before the server of dsn,
// and gives the URL of the same database through it.
func PgBouncer(t testing.TB, dsn string) string {
	t.Helper()
	need(t, missing("pgbouncer"))
	u, err := url.Parse(dsn)
	need(t, err)
	dir, err := folder()
	need(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	port, err := freePort()
	need(t, err)
	target := fmt.Sprintf("host=%s port=%s user=%s", u.Hostname(), u.Port(), u.User.Username())
	if pw, ok := u.User.Password(); ok {
		target += " password=" + pw
	}
	conf := filepath.Join(dir, "pgbouncer.ini")
	// Few server connections, so that transactions of one client do change them.
	need(t, os.WriteFile(conf, []byte(`[databases]
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
`), 0o644))
	s, err := serve(dir, "KILL", "pgbouncer", conf)
	need(t, err)
	t.Cleanup(func() { s.end(false) })
	addr := "127.0.0.1:" + strconv.Itoa(port)
	for end := time.Now().Add(startTimeout); ; time.Sleep(20 * time.Millisecond) {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			conn.Close()
			break
		}
		if !s.alive() || time.Now().After(end) {
			log, _ := os.ReadFile(filepath.Join(dir, "log")) // for the message only
			t.Fatalf("pgbouncer does not start: %v\n%s", err, log)
		}
	}
	u.Host = addr
	u.RawQuery = "sslmode=disable"
	return u.String()
}
