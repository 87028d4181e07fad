// Package rsynctest runs real rsync daemons for tests, on a loopback address
// and with a configuration of their own.
package rsynctest

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Module is one module of a daemon.
type Module struct {
	Name string
	Path string // absolute
	// Users maps user names to passwords. When it is not empty, the module
	// wants one of them.
	Users map[string]string
	// Extra holds further lines of rsyncd.conf for the module, such as
	// "list = no" or "uid = nobody". They win over what Start writes: the
	// module is read only, not in a chroot, and runs as the test's own user.
	Extra []string
}

// Config is a whole daemon.
type Config struct {
	Modules []Module
	// Address is the address to listen on. Default: 127.0.0.1.
	Address string
	// Port is the port to listen on. Default: a free one.
	Port int
	// Global holds further lines for the global part of rsyncd.conf, such as
	// "motd file = /path".
	Global []string
}

// Server is a running daemon.
type Server struct {
	Address string // without port
	Port    int

	log  string // path of the log file
	stop func()
}

// Program returns the rsync to test with. Without one the test is skipped, or
// fails where CI is set.
func Program(t testing.TB) string {
	t.Helper()
	path, err := exec.LookPath("rsync")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("rsync is needed: %v", err)
		}
		t.Skip("rsync is not installed")
	}
	return path
}

// Start runs a daemon with the modules until the test ends.
func Start(t testing.TB, modules ...Module) *Server {
	t.Helper()
	return StartConfig(t, Config{Modules: modules})
}

// StartConfig runs a daemon as configured until the test ends.
func StartConfig(t testing.TB, c Config) *Server {
	t.Helper()
	program := Program(t)
	if c.Address == "" {
		c.Address = "127.0.0.1"
	}
	dir := t.TempDir()
	// A port found free can be taken by others before rsync binds it.
	var err error
	for range 10 {
		s := &Server{Address: c.Address, Port: c.Port, log: filepath.Join(dir, "log")}
		if s.Port == 0 {
			if s.Port, err = freePort(c.Address); err != nil {
				t.Fatalf("finding a free port for rsync: %v", err)
			}
		}
		if err = s.run(program, dir, c); err == nil {
			t.Cleanup(s.Stop)
			return s
		}
		if c.Port != 0 {
			break
		}
	}
	t.Fatalf("starting rsync: %v", err)
	return nil
}

// Addr is the daemon's host:port.
func (s *Server) Addr() string { return net.JoinHostPort(s.Address, fmt.Sprint(s.Port)) }

// URL is the rsync URL of a module, with a trailing slash. The module may be
// followed by a path.
func (s *Server) URL(module string) string {
	return "rsync://" + s.Addr() + "/" + strings.Trim(module, "/") + "/"
}

// UserURL is URL with user and password.
func (s *Server) UserURL(module, user, password string) string {
	return "rsync://" + user + ":" + password + "@" + strings.TrimPrefix(s.URL(module), "rsync://")
}

// Log returns what the daemon has logged so far.
func (s *Server) Log() string {
	b, _ := os.ReadFile(s.log)
	return string(b)
}

// Stop ends the daemon at once; it may be called several times. The test's end
// calls it too.
func (s *Server) Stop() { s.stop() }

// run starts the program and waits until it greets.
func (s *Server) run(program, dir string, c Config) error {
	conf := filepath.Join(dir, "rsyncd.conf")
	text, err := s.configText(dir, c)
	if err != nil {
		return err
	}
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		return err
	}
	cmd := exec.Command(program, "--daemon", "--no-detach", "--config="+conf)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // connections are children
	var output strings.Builder
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		return err
	}
	exited := make(chan struct{})
	go func() {
		cmd.Wait()
		close(exited)
	}()
	s.stop = sync.OnceFunc(func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		<-exited
	})
	deadline := time.Now().Add(15 * time.Second)
	for {
		select {
		case <-exited:
			return fmt.Errorf("rsync --daemon ended: %s%s", output.String(), s.Log())
		default:
		}
		err := s.greets()
		if err == nil {
			// Another test's daemon may have got the port; ours logs requests.
			if log := s.Log(); log == "" || strings.Contains(log, "module-list request") {
				return nil
			}
			err = fmt.Errorf("port %d is taken", s.Port)
		}
		if time.Now().After(deadline) {
			s.stop()
			return fmt.Errorf("rsync --daemon does not answer: %w", err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// greets asks for the module list, which leaves no complaint in the log.
func (s *Server) greets() error {
	conn, err := net.DialTimeout("tcp", s.Addr(), time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	r := bufio.NewReader(conn)
	line, err := r.ReadString('\n')
	if err != nil {
		return err
	}
	if !strings.HasPrefix(line, "@RSYNCD: ") {
		return fmt.Errorf("not a greeting: %q", line)
	}
	if _, err := conn.Write([]byte("@RSYNCD: 29\n#list\n")); err != nil {
		return err
	}
	for {
		line, err := r.ReadString('\n')
		if err != nil || strings.HasPrefix(line, "@RSYNCD: EXIT") {
			return nil
		}
	}
}

func (s *Server) configText(dir string, c Config) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "address = %s\nport = %d\nlog file = %s\n", s.Address, s.Port, s.log)
	fmt.Fprintf(&b, "lock file = %s\nuse chroot = no\nread only = yes\nreverse lookup = no\n", filepath.Join(dir, "lock"))
	if os.Getuid() == 0 {
		// Folders of tests are closed to nobody, rsync's own default.
		b.WriteString("uid = root\ngid = root\n")
	}
	for _, line := range c.Global {
		fmt.Fprintln(&b, line)
	}
	for i, m := range c.Modules {
		fmt.Fprintf(&b, "[%s]\npath = %s\n", m.Name, m.Path)
		if len(m.Users) > 0 {
			secrets := filepath.Join(dir, fmt.Sprintf("secrets%d", i))
			if err := writeSecrets(secrets, m.Users); err != nil {
				return "", err
			}
			fmt.Fprintf(&b, "auth users = %s\nsecrets file = %s\n", strings.Join(names(m.Users), ", "), secrets)
		}
		for _, line := range m.Extra {
			fmt.Fprintln(&b, line)
		}
	}
	return b.String(), nil
}

func writeSecrets(path string, users map[string]string) error {
	var b strings.Builder
	for _, user := range names(users) {
		fmt.Fprintf(&b, "%s:%s\n", user, users[user])
	}
	return os.WriteFile(path, []byte(b.String()), 0o600)
}

func names(users map[string]string) []string {
	all := make([]string, 0, len(users))
	for user := range users {
		all = append(all, user)
	}
	slices.Sort(all)
	return all
}

func freePort(address string) (int, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
