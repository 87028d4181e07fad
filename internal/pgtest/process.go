//go:build unix

package pgtest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"strings"
	"syscall"
)

// serverUser gives the user to run servers as: PostgreSQL and pgbouncer refuse
// root. nil: as we are.
func serverUser() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err1 == nil && err2 == nil {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
		}
	}
	return nil, errors.New("running as root, and there is no user postgres or nobody to run a server as")
}

// folder makes a temporary folder that belongs to the server's user. Its name
// is short, as it holds a unix socket.
func folder() (string, error) {
	dir, err := os.MkdirTemp("", "mbpg")
	if err != nil {
		return "", err
	}
	cred, err := serverUser()
	if err == nil && cred != nil {
		err = os.Chown(dir, int(cred.Uid), int(cred.Gid))
	}
	return dir, err
}

// run runs a program of PostgreSQL's to its end as the server's user.
func run(name string, args ...string) error {
	p, err := program(name)
	if err != nil {
		return err
	}
	cmd := exec.Command(p, args...)
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	if cmd.SysProcAttr, err = attributes(); err != nil {
		return err
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, out)
	}
	return nil
}

func attributes() (*syscall.SysProcAttr, error) {
	cred, err := serverUser()
	// A group of its own: Ctrl-C at the terminal is for the test process.
	return &syscall.SysProcAttr{Credential: cred, Setpgid: true}, err
}

// server is a running program with a shell as its guard. The guard reads from
// a pipe of ours, which ends when we do, however that happens; then it kills
// the program and removes its folder. (A parent-death signal would be sent when
// the thread ends that started the program, which in Go may be any time.)
type server struct {
	pid   int
	guard *exec.Cmd
	pipe  io.WriteCloser
}

const guardScript = `dir=$1 sig=$2; shift 2
"$@" >>"$dir/log" 2>&1 </dev/null &
pid=$!
echo $pid
read -r word
kill -CONT $pid 2>/dev/null; kill -$sig $pid 2>/dev/null
wait $pid
[ "$word" = keep ] || rm -rf "$dir"`

// serve starts a program whose files are in dir. sig ends it at once.
func serve(dir, sig, name string, args ...string) (*server, error) {
	p, err := program(name)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("/bin/sh", append([]string{"-c", guardScript, "guard", dir, sig, p}, args...)...)
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	if cmd.SysProcAttr, err = attributes(); err != nil {
		return nil, err
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	return &server{pid: pid, guard: cmd, pipe: in}, err
}

// alive reports whether the program runs (the guard has not reaped it, so a
// zombie counts as ended).
func (s *server) alive() bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(s.pid) + "/stat")
	if err != nil {
		return !errors.Is(err, os.ErrNotExist) || syscall.Kill(s.pid, 0) == nil
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(rest, "Z")
}

// end lets the guard kill the program; keep leaves the folder.
func (s *server) end(keep bool) {
	if keep {
		_, _ = io.WriteString(s.pipe, "keep\n") // a guard that is gone has nothing to do
	}
	_ = s.pipe.Close()
	_ = s.guard.Wait()
}

// children gives the processes started by pid.
func children(pid int) (pids []int) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	for _, e := range entries {
		child, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		stat, err := os.ReadFile("/proc/" + e.Name() + "/stat")
		if err != nil {
			continue
		}
		// pid (name) state ppid; the name may hold anything.
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		if len(fields) > 1 && fields[1] == strconv.Itoa(pid) {
			pids = append(pids, child)
		}
	}
	return pids
}

// freePort gives a TCP port on loopback that nothing listens on.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
