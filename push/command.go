package push

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// byCommand pushes with a command line of the operator's.
type byCommand struct{ line string }

func (byCommand) how() string { return "exec" }

func parseCommand(line string) (pusher, error) {
	if strings.TrimSpace(line) == "" || strings.IndexByte(line, 0) >= 0 {
		return nil, fmt.Errorf("push %q: names no command", "exec:"+line)
	}
	return byCommand{line}, nil
}

// push runs the command line, which is the operator's own. What it is about is in its environment, where
// nothing is expanded.
func (c byCommand) push(ctx context.Context, m *mirror.Mirror, o *Options) (string, error) {
	first := ""
	if len(m.HTTP) > 0 {
		first = m.HTTP[0]
	}
	cmd := exec.CommandContext(ctx, "sh", "-c", c.line)
	cmd.Env = append(os.Environ(), "MIRROR="+m.Name, "MIRROR_URL="+first, "SUBTREE="+o.Subtree)
	out, err := run(ctx, cmd)
	return out, told(out, err)
}

// killAfter is how long what was told to end may take.
const killAfter = 5 * time.Second

// run runs a program without input, in a group of its own that is ended as a
// whole, and gives the end of what it said.
func run(ctx context.Context, cmd *exec.Cmd) (string, error) {
	var out tail
	cmd.Stdout, cmd.Stderr = &out, &out
	ownGroup(cmd)
	// A child that left the group may keep the output open: it is not waited for.
	cmd.WaitDelay = killAfter
	err := cmd.Run()
	switch {
	case ctx.Err() != nil:
		killGroup(cmd)
	case errors.Is(err, exec.ErrWaitDelay):
		err = nil // it ended well, and left something behind that goes on
	}
	return out.String(), err
}

// told adds to an exit code what was said last.
func told(out string, err error) error {
	if err == nil || out == "" {
		return err
	}
	if _, ok := errors.AsType[*exec.ExitError](err); ok {
		return fmt.Errorf("%w: %s", err, lastLine(out))
	}
	return err
}

func lastLine(out string) string {
	out = strings.TrimRight(out, "\r\n \t")
	return strings.TrimSpace(out[strings.LastIndexByte(out, '\n')+1:])
}

// maxOutput is how much is kept of what a mirror says.
const maxOutput = 8 << 10

// tail keeps the end of what is written.
type tail struct{ b []byte }

func (t *tail) Write(p []byte) (int, error) {
	n := len(p)
	p = p[max(0, n-maxOutput):]
	if over := len(t.b) + len(p) - maxOutput; over > 0 {
		t.b = append(t.b[:0], t.b[over:]...)
	}
	t.b = append(t.b, p...)
	return n, nil
}

func (t *tail) String() string { return string(t.b) }
