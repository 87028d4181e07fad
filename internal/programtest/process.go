package programtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Process is a running program, which ends with the test or the test process.
type Process struct {
	*exec.Cmd

	// Err is what came of it; to be read once it is not alive.
	Err error

	log   string // file with its output
	ended chan struct{}
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

// Start runs a server until the test ends; what it writes goes to the end of the
// file log. env is added to the environment.
func Start(t testing.TB, env []string, log, program string, args ...string) *Process {
	t.Helper()
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	p := &Process{Cmd: exec.Command(program, args...), log: log, ended: make(chan struct{})}
	p.Stdout, p.Stderr = out, out
	p.Env = append(os.Environ(), env...)
	if err := startCmd(p.Cmd); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.Err = p.Wait()
		close(p.ended)
	}()
	t.Cleanup(p.Kill)
	return p
}

// Alive reports whether it still runs.
func (p *Process) Alive() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// Stop asks the process to end, and waits.
func (p *Process) Stop(t testing.TB) {
	t.Helper()
	_ = p.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-p.ended:
	case <-time.After(20 * time.Second):
		t.Errorf("%s does not end 20 s after SIGTERM", filepath.Base(p.Path))
		p.Kill()
	}
}

// Kill ends it and its children at once.
func (p *Process) Kill() {
	_ = syscall.Kill(-p.Process.Pid, syscall.SIGKILL) // it may have ended
	<-p.ended
}

// Output is what the process has written so far.
func (p *Process) Output() string {
	b, _ := os.ReadFile(p.log) // no file: nothing was written
	return string(b)
}
