// Package mirrortest starts real mirror servers for tests: nginx, Apache,
// lighttpd and vsftpd from the system's packages, each with a private
// configuration in a temporary folder, on a free port of a loopback address,
// serving a given folder; pyftpdlib, and an FTP server written in Go, for what
// vsftpd has not (MLSD). Everything is stopped and removed when the test ends.
//
// A program that is not installed skips the test, unless the environment
// variable CI is set: then the test fails.
package mirrortest

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Options shape a server; the zero value is a plain public mirror on 127.0.0.1.
type Options struct {
	// Host is the loopback address to listen on, for instance "127.0.0.2".
	// Default: 127.0.0.1.
	Host string
	// Port to listen on. Default: a free one. Servers that are started again
	// (see Server.Stop) name the port of the first start.
	Port int
	// Config is put into the server's configuration, in the place that concerns
	// the served folder (nginx: server, Apache: Directory, lighttpd and
	// vsftpd: the whole file).
	Config string
	// Env are further environment variables, as "TZ=Europe/Berlin".
	Env []string
	// User and Password protect the tree where they are set (GoFTP only).
	User, Password string
	// Cert and Key are PEM files that make the server speak TLS (vsftpd: AUTH
	// TLS; GoFTP: AUTH TLS; nginx: https).
	Cert, Key string
}

func (o Options) withDefaults(t testing.TB) Options {
	t.Helper()
	if o.Host == "" {
		o.Host = "127.0.0.1"
	}
	if o.Port == 0 {
		o.Port = FreePort(t, o.Host)
	}
	return o
}

func one(opts []Options) Options {
	if len(opts) == 0 {
		return Options{}
	}
	return opts[0]
}

// Server is a running server.
type Server struct {
	// URL is the base URL of the served folder, with a trailing slash.
	URL string
	// Host and Port are where it listens.
	Host string
	Port int

	stop func()
	once sync.Once
	log  string
}

// Stop ends the server before the test does. It may be called twice.
func (s *Server) Stop() { s.once.Do(s.stop) }

// Log is what the server wrote to its error log and output so far.
func (s *Server) Log() string {
	b, _ := os.ReadFile(s.log) // no file: nothing was written
	return string(b)
}

// FreePort finds a TCP port that nobody listens on at host.
func FreePort(t testing.TB, host string) int {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Fatalf("finding a free port on %s: %v", host, err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// Program finds a program of the system, in sbin too, or skips the test (fails
// it when CI is set).
func Program(t testing.TB, name string) string {
	t.Helper()
	for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/sbin", "/usr/local/sbin", "/sbin") {
		p := filepath.Join(dir, name)
		if st, err := os.Stat(p); err == nil && !st.IsDir() && st.Mode()&0o111 != 0 {
			return p
		}
	}
	if os.Getenv("CI") != "" {
		t.Fatalf("%s is not installed", name)
	}
	t.Skipf("%s is not installed", name)
	return ""
}

// Readable opens the folders above dir, as far as they are temporary ones, to
// the unprivileged users that servers started by root run as.
func Readable(t testing.TB, dir string) {
	t.Helper()
	tmp := filepath.Clean(os.TempDir())
	for p := filepath.Clean(dir); strings.HasPrefix(p, tmp+string(filepath.Separator)); p = filepath.Dir(p) {
		st, err := os.Stat(p)
		if err != nil {
			t.Fatalf("opening %s to the server: %v", p, err)
		}
		if st.Mode().Perm()&0o055 != 0o055 {
			if err := os.Chmod(p, st.Mode().Perm()|0o055); err != nil {
				t.Fatalf("opening %s to the server: %v", p, err)
			}
		}
	}
}

// start runs a program that stays in the foreground until it is told to end,
// and waits until it accepts connections.
func start(t testing.TB, o Options, work string, argv ...string) *Server {
	t.Helper()
	logName := filepath.Join(work, "log")
	out, err := os.OpenFile(logName, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatalf("starting %s: %v", argv[0], err)
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = work
	cmd.Env = append(os.Environ(), o.Env...)
	cmd.Stdout, cmd.Stderr = out, out
	// A group of its own, so that its children can be ended with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	err = cmd.Start()
	out.Close()
	if err != nil {
		t.Fatalf("starting %s: %v", argv[0], err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // how it ended does not matter: the tests notice
		close(ended)
	}()

	s := &Server{Host: o.Host, Port: o.Port, log: logName}
	s.stop = func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
		}
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // children that outlived it
		<-ended
	}
	t.Cleanup(s.Stop)
	if err := waitListening(o.addr(), ended); err != nil {
		t.Fatalf("starting %s: %v\n%s", argv[0], err, s.Log())
	}
	return s
}

func (o Options) addr() string { return net.JoinHostPort(o.Host, strconv.Itoa(o.Port)) }

func waitListening(addr string, ended <-chan struct{}) error {
	deadline := time.Now().Add(20 * time.Second)
	for {
		c, err := net.DialTimeout("tcp", addr, time.Second)
		if err == nil {
			return c.Close()
		}
		select {
		case <-ended:
			return errors.New("it ended at once")
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("not listening on %s: %w", addr, err)
		}
	}
}

// writeConfig writes a configuration file into the server's work folder.
func writeConfig(t testing.TB, work, name, text string) string {
	t.Helper()
	file := filepath.Join(work, name)
	if err := os.WriteFile(file, bytes.TrimLeft([]byte(text), "\n"), 0o644); err != nil {
		t.Fatalf("writing the server's configuration: %v", err)
	}
	return file
}

// workDir makes a folder for a server's files.
func workDir(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	Readable(t, dir)
	return dir
}
