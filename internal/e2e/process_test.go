package e2e

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// process is a running program, which ends with the test or the test process.
type process struct {
	*exec.Cmd
	log   string // file with its output
	ended chan struct{}
	err   error // of Wait, once ended
}

// starter starts processes from one thread that lives as long as the test
// process: the kernel sends a parent-death signal when the thread ends.
var starter = sync.OnceValue(func() chan<- func() {
	jobs := make(chan func())
	go func() {
		runtime.LockOSThread()
		for job := range jobs {
			job()
		}
	}()
	return jobs
})

func startCmd(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	result := make(chan error)
	starter() <- func() { result <- cmd.Start() }
	return <-result
}

// startProcess runs a server until the test ends. Its output is shown when the
// test fails.
func startProcess(t testing.TB, env []string, log, program string, args ...string) *process {
	t.Helper()
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	check(t, err)
	defer out.Close()
	p := &process{Cmd: exec.Command(program, args...), log: log, ended: make(chan struct{})}
	p.Stdout, p.Stderr = out, out
	p.Env = append(os.Environ(), env...)
	check(t, startCmd(p.Cmd))
	go func() {
		p.err = p.Wait()
		close(p.ended)
	}()
	t.Cleanup(p.kill)
	return p
}

func (p *process) alive() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// stop asks the process to end, and waits.
func (p *process) stop(t testing.TB) {
	t.Helper()
	_ = p.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-p.ended:
	case <-time.After(20 * time.Second):
		t.Errorf("%s does not end 20 s after SIGTERM", filepath.Base(p.Path))
		p.kill()
	}
}

func (p *process) kill() {
	_ = syscall.Kill(-p.Process.Pid, syscall.SIGKILL) // it may have ended
	<-p.ended
}

// output is what the process has written so far.
func (p *process) output() string {
	b, _ := os.ReadFile(p.log) // no file: nothing was written
	return string(b)
}

// result is what came of a program that ran to its end.
type result struct {
	stdout, stderr string
	code           int
	took           time.Duration
}

// command is a program under way.
type command struct {
	cmd      *exec.Cmd
	out, err bytes.Buffer
	began    time.Time
	cancel   context.CancelFunc
}

// commandTime is how long a command may take before it counts as hung.
const commandTime = 90 * time.Second

func startCommand(t testing.TB, env []string, program string, args ...string) *command {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), commandTime)
	c := &command{cmd: exec.CommandContext(ctx, program, args...), began: time.Now(), cancel: cancel}
	c.cmd.Env = append(os.Environ(), env...)
	c.cmd.Stdout, c.cmd.Stderr = &c.out, &c.err
	check(t, startCmd(c.cmd))
	t.Cleanup(cancel)
	return c
}

// wait waits for the end and gives what came of it.
func (c *command) wait(t testing.TB) result {
	t.Helper()
	defer c.cancel()
	err := c.cmd.Wait()
	r := result{stdout: c.out.String(), stderr: c.err.String(), took: time.Since(c.began)}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		if r.code = exit.ExitCode(); r.took >= commandTime {
			t.Fatalf("%s: killed after %v\n%s%s", strings.Join(c.cmd.Args, " "), r.took, r.stdout, r.stderr)
		}
	} else if err != nil {
		t.Fatalf("%s: %v", strings.Join(c.cmd.Args, " "), err)
	}
	return r
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// eventually waits until fn gives "", else the test fails with its last words.
// It returns how long that took.
func eventually(t testing.TB, limit time.Duration, fn func() string) time.Duration {
	t.Helper()
	start := time.Now()
	for {
		why := fn()
		if why == "" {
			return time.Since(start)
		}
		if time.Since(start) > limit {
			t.Fatalf("still after %v: %s", limit, why)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
