// Command mbctl keeps the database of the mirrorbrain Caddy module: which files
// the origin has, which mirrors there are, and which mirror holds which file.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	os.Exit(run())
}

// run is main with a return value, so that deferred functions run before exit.
func run() int {
	// The first signal ends what is running in good order (leases released,
	// batches complete); a second one kills at once.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	return execute(ctx, os.Args[1:], streams{in: os.Stdin, out: os.Stdout, err: os.Stderr})
}
