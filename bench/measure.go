package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// measured is one run of a program.
type measured struct {
	wall, cpu time.Duration
	peak      int64 // largest resident set, bytes
}

// measure runs a program to its end.
func measure(ctx context.Context, env []string, name string, args ...string) (measured, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), env...)
	log, err := os.CreateTemp("", "bench")
	if err != nil {
		return measured{}, err
	}
	defer os.Remove(log.Name())
	defer log.Close()
	if name != "rsync" { // a listing of a million lines is not kept
		cmd.Stdout, cmd.Stderr = log, log
	}
	began := time.Now()
	var peak int64
	if err = cmd.Start(); err == nil {
		peak, err = watch(cmd)
	}
	took := time.Since(began)
	if err != nil {
		out, _ := os.ReadFile(log.Name())
		return measured{}, fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, tail(out, 2000))
	}
	return measured{wall: took, cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), peak: peak}, nil
}

// watch waits for a program's end and gives its largest resident set. The
// kernel's own figure (ru_maxrss) is of no use: it counts what this process had
// when it started the program.
func watch(cmd *exec.Cmd) (peak int64, err error) {
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case err := <-ended:
			return peak, err
		case <-time.After(20 * time.Millisecond):
			_, p := memory(cmd.Process.Pid)
			peak = max(peak, p)
		}
	}
}

// middle is the run of median length.
func middle(runs []measured) measured {
	s := slices.Clone(runs)
	slices.SortFunc(s, func(a, b measured) int { return int(a.wall - b.wall) })
	return s[len(s)/2]
}
