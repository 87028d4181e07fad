package programtest

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// Result is what came of a program that ran to its end.
type Result struct {
	Stdout, Stderr string
	Code           int // its exit status
	Took           time.Duration
}

// Command is a program under way.
type Command struct {
	*exec.Cmd

	out, err bytes.Buffer
	began    time.Time
	cancel   context.CancelFunc
}

// commandTime is how long a command may take before it counts as hung.
const commandTime = 90 * time.Second

// Begin starts a program. env is added to the environment.
func Begin(t testing.TB, env []string, program string, args ...string) *Command {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), commandTime)
	c := &Command{Cmd: exec.CommandContext(ctx, program, args...), began: time.Now(), cancel: cancel}
	c.Env = append(os.Environ(), env...)
	c.Stdout, c.Stderr = &c.out, &c.err
	if err := startCmd(c.Cmd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cancel)
	return c
}

// End waits for the end and gives what came of it.
func (c *Command) End(t testing.TB) Result {
	t.Helper()
	defer c.cancel()
	err := c.Wait()
	r := Result{Stdout: c.out.String(), Stderr: c.err.String(), Took: time.Since(c.began)}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		if r.Code = exit.ExitCode(); r.Took >= commandTime {
			t.Fatalf("%s: killed after %v\n%s%s", strings.Join(c.Args, " "), r.Took, r.Stdout, r.Stderr)
		}
	} else if err != nil {
		t.Fatalf("%s: %v", strings.Join(c.Args, " "), err)
	}
	return r
}

// Eventually waits until fn gives "", else the test fails with its last words.
// It returns how long that took.
func Eventually(t testing.TB, limit time.Duration, fn func() string) time.Duration {
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
