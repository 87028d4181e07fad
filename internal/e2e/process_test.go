package e2e

import (
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/programtest"
)

// process is a running program, which ends with the test or the test process.
type process = programtest.Process

// startProcess runs a server until the test ends.
func startProcess(t testing.TB, env []string, log, program string, args ...string) *process {
	t.Helper()
	return programtest.Start(t, env, log, program, args...)
}

// result is what came of a program that ran to its end.
type result struct {
	stdout, stderr string
	code           int
	took           time.Duration
}

// command is a program under way.
type command struct {
	cmd *programtest.Command
}

func startCommand(t testing.TB, env []string, program string, args ...string) *command {
	t.Helper()
	return &command{programtest.Begin(t, env, program, args...)}
}

// wait waits for the end and gives what came of it.
func (c *command) wait(t testing.TB) result {
	t.Helper()
	r := c.cmd.End(t)
	return result{r.Stdout, r.Stderr, r.Code, r.Took}
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
	return programtest.Eventually(t, limit, fn)
}
