package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
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

// measureScan indexes a large tree and scans it from an rsync daemon, beside
// what the rsync program takes for the bare listing.
func measureScan(ctx context.Context, work string, o options) error {
	root := filepath.Join(work, "large")
	fmt.Fprintf(os.Stderr, "making a tree of %d files\n", o.scanFiles)
	if err := os.Mkdir(root, 0o755); err != nil { //nolint:gosec // must be readable by others to be indexed
		return err
	}
	if err := makeTree(root, o.scanFiles); err != nil {
		return err
	}
	daemon, module, err := startRsync(ctx, work, root)
	if err != nil {
		return err
	}
	defer daemon.stop()
	env := []string{"MIRRORBRAIN_DATABASE=sqlite://" + filepath.Join(work, "scan.db")}
	fmt.Printf("| %s files | wall s | against rsync | CPU s | peak memory |\n| --- | ---: | ---: | ---: | ---: |\n", short(o.scanFiles))
	row := func(name string, m measured, ratio string) {
		fmt.Printf("| %s | %.1f | %s | %.1f | %d MiB |\n", name, m.wall.Seconds(), ratio, m.cpu.Seconds(), m.peak>>20)
	}
	for _, name := range []string{"mbctl index, first run", "mbctl index, nothing changed"} {
		m, err := measure(ctx, env, "bin/mbctl", "index", root)
		if err != nil {
			return err
		}
		row(name, m, "")
	}
	if _, err := measure(ctx, env, "bin/mbctl", "new", "local", "-H", daemon.url+"/", "-R", module, "--ipv4"); err != nil {
		return err
	}
	var listings, scans []measured
	var ratios []float64
	for range 3 {
		list, err := measure(ctx, nil, "rsync", "--list-only", "-r", module)
		if err != nil {
			return err
		}
		scan, err := measure(ctx, env, "bin/mbctl", "scan", "local")
		if err != nil {
			return err
		}
		listings, scans = append(listings, list), append(scans, scan)
		ratios = append(ratios, scan.wall.Seconds()/list.wall.Seconds())
	}
	slices.Sort(ratios)
	row("rsync --list-only -r", middle(listings), "1.00")
	row("mbctl scan by rsync", middle(scans), fmt.Sprintf("%.2f", ratios[len(ratios)/2]))
	return nil
}

// middle is the run of median length.
func middle(runs []measured) measured {
	s := slices.Clone(runs)
	slices.SortFunc(s, func(a, b measured) int { return int(a.wall - b.wall) })
	return s[len(s)/2]
}

// startRsync serves root as the module "pub", and by a Caddy over HTTP, which
// the scan's proof asks.
func startRsync(ctx context.Context, work, root string) (*server, string, error) {
	port, err := freePort()
	if err != nil {
		return nil, "", err
	}
	conf := filepath.Join(work, "rsyncd.conf")
	text := fmt.Sprintf("address = 127.0.0.1\nuse chroot = no\nlog file = %s\n", filepath.Join(work, "rsyncd.log"))
	if os.Getuid() == 0 {
		text += "uid = 0\ngid = 0\n"
	}
	text += fmt.Sprintf("[pub]\npath = %s\n", root)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		return nil, "", err
	}
	daemon := exec.CommandContext(ctx, "rsync", "--daemon", "--no-detach", "--port", fmt.Sprint(port), "--config", conf)
	daemon.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := daemon.Start(); err != nil {
		return nil, "", err
	}
	web, err := startCaddy(ctx, work, "large-web", "", "root * "+root+"\n\tfile_server")
	if err != nil {
		return nil, "", err
	}
	return web, fmt.Sprintf("rsync://127.0.0.1:%d/pub/", port), web.waitFor(ctx, fmt.Sprintf("tcp://127.0.0.1:%d", port), 10*time.Second)
}
