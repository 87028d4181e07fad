// Command demo shows the main job on a real tree: three mirrors on loopback,
// scanned by rsync, FTP and HTTP, and a Caddy that sends each client to one
// that has the file. It runs bin/mbctl and bin/caddy as a user would, prints
// what it runs, and leaves nothing behind. `make demo` builds and starts it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

func main() {
	dir := flag.String("dir", "", "the `folder` to publish (default: the Go installation's own source tree)")
	once := flag.Bool("once", false, "make the demo's own requests, print what came back, and end; exit 0 only if all was right")
	port := flag.Int("port", 8080, "port of the redirector; another one is taken when it is not free")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *dir, *once, *port)
	stop()
	if err != nil && ctx.Err() == nil {
		fmt.Fprintf(os.Stderr, "\ndemo: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, dir string, once bool, port int) (err error) {
	if dir == "" {
		if dir, err = goSource(ctx); err != nil {
			return err
		}
	}
	work, err := os.MkdirTemp("", "mirrorbrain-demo-")
	if err != nil {
		return err
	}
	d := &demo{work: work, source: dir}
	defer d.close()
	if err := d.prepare(ctx, port); err != nil {
		return err
	}
	if err := d.publish(ctx); err != nil {
		return err
	}
	if once {
		return d.check(ctx)
	}
	d.explain()
	<-ctx.Done()
	fmt.Println("\nstopping; everything the demo made is removed")
	return nil
}

// goSource is the source tree of the Go installation, which everybody who can
// build this has.
func goSource(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return "", fmt.Errorf("asking go for its source tree: %w (name a folder with DIR=)", err)
	}
	root := filepath.Join(strings.TrimSpace(string(out)), "src")
	if _, err := os.Stat(filepath.Join(root, "fmt", "print.go")); err != nil {
		return "", fmt.Errorf("the Go installation (%s) has no source tree: name a folder with DIR=", runtime.Version())
	}
	return filepath.EvalSymlinks(root)
}

// say prints a line of the story.
func say(format string, args ...any) { fmt.Printf(format+"\n", args...) }
