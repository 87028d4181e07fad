// Package redistest runs a real redis-server for tests, on a Unix socket in a
// folder of its own. It ends with the test, and also when the test process is
// killed. Where there is no such program, tests are skipped, or fail if CI is set.
package redistest

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

const startTimeout = time.Minute

// Server is a running Redis, without persistence.
type Server struct {
	Socket string // path
	dir    string
	guard  *exec.Cmd
	pipe   io.WriteCloser
}

// The guard reads from a pipe of ours, which ends when we do, however that
// happens; then it kills the server and removes its folder.
const guardScript = `dir=$1; shift
"$@" >"$dir/log" 2>&1 </dev/null &
pid=$!
read -r word
kill -KILL $pid; wait $pid
rm -rf "$dir"`

// Start runs a server until the test ends. password "" is none.
func Start(t testing.TB, password string) *Server {
	t.Helper()
	program, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("redis-server is needed: %v", err)
		}
		t.Skip("redis-server is not installed")
	}
	dir, err := os.MkdirTemp("", "mbredis") // short, for it holds a socket
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Socket: filepath.Join(dir, "s"), dir: dir}
	args := []string{
		"-c", guardScript, "guard", dir, program,
		"--port", "0", "--unixsocket", s.Socket, "--dir", dir, "--save", "", "--appendonly", "no", "--daemonize", "no",
	}
	if password != "" {
		args = append(args, "--requirepass", password)
	}
	s.guard = exec.Command("/bin/sh", args...)
	s.guard.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for the test
	if s.pipe, err = s.guard.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := s.guard.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	c := s.Client(password)
	defer c.Close()
	for end := time.Now().Add(startTimeout); ; time.Sleep(20 * time.Millisecond) {
		err := c.Ping(context.Background()).Err()
		if err == nil {
			return s
		}
		if time.Now().After(end) {
			log, _ := os.ReadFile(filepath.Join(dir, "log")) // for the message only
			t.Fatalf("redis-server does not answer: %v\n%s", err, log)
		}
	}
}

// URL is the server's, without a password.
func (s *Server) URL() string { return "unix://" + s.Socket }

// Client is a connection to database 0.
func (s *Server) Client(password string) *redis.Client {
	return redis.NewClient(&redis.Options{Network: "unix", Addr: s.Socket, Password: password, DisableIdentity: true})
}

// Stop ends the server at once; it may be called several times.
func (s *Server) Stop() {
	_ = s.pipe.Close()
	_ = s.guard.Wait()
}
