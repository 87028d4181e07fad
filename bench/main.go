// Command bench measures the module and mbctl beside their peers, in one run
// and interleaved, and prints ratios: Caddy's redir and browse, the rsync program's
// own listing, and the programs that compute one digest each. `make bench` builds
// and starts it; the table that it prints is what docs/performance.md shows.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"
)

// options of a run.
type options struct {
	files, bigFiles     int
	mirrors, bigMirrors int
	rounds              int
	round               time.Duration
	scanFiles           int
	manyMirrors         int
	manyFiles           int
	pairs               int
	hashMiB             int
	cacheRequests       int
	only                string
}

func main() {
	var o options
	flag.IntVar(&o.files, "files", 100_000, "files of the smaller tree")
	flag.IntVar(&o.mirrors, "mirrors", 60, "mirrors of the smaller tree")
	flag.IntVar(&o.bigFiles, "big-files", 10_000_000, "files of the larger tree; 0 leaves it out")
	flag.IntVar(&o.bigMirrors, "big-mirrors", 200, "mirrors of the larger tree")
	flag.IntVar(&o.rounds, "rounds", 5, "rounds of load on each server")
	flag.DurationVar(&o.round, "round", 5*time.Second, "length of a round")
	flag.IntVar(&o.scanFiles, "scan-files", 1_000_000, "files of the tree that is indexed and scanned; 0 leaves it out")
	flag.IntVar(&o.hashMiB, "hash-mib", 256, "size in MiB of each of three large files that are hashed; 0 leaves it out")
	flag.IntVar(&o.manyMirrors, "many-mirrors", 50, "mirrors that are scanned in one run; 0 leaves it out")
	flag.IntVar(&o.manyFiles, "many-files", 100_000, "files of each of them")
	flag.IntVar(&o.pairs, "pairs", 3, "how often a scan and the bare listing are timed")
	flag.IntVar(&o.cacheRequests, "cache-requests", 1_000_000, "requests to mirrors with caches; 0 leaves them out")
	flag.StringVar(&o.only, "only", "", "only this part: requests, listings, scan, scans, hash or policies")
	bare := flag.Bool("list", false, "list the URLs that follow, and do nothing else")
	jobs := flag.Int("j", 1, "URLs listed at once")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	var err error
	if *bare {
		err = listAll(ctx, flag.Args(), *jobs)
	} else {
		err = run(ctx, o)
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	work, err := os.MkdirTemp("", "mirrorbrain-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if err := os.Chmod(work, 0o755); err != nil { //nolint:gosec // the tree must be readable by others to be indexed
		return err
	}
	printMachine()
	for _, part := range []struct {
		name    string
		wanted  bool
		measure func(context.Context, string, options) error
	}{
		{"requests", true, measureRequests},
		{"listings", true, measureListings},
		{"scan", o.scanFiles > 0, measureScan},
		{"scans", o.manyMirrors > 0, measureScans},
		{"hash", o.hashMiB > 0, measureHash},
		{"policies", true, measurePolicies},
	} {
		if part.wanted && (o.only == "" || o.only == part.name) {
			if err := part.measure(ctx, work, o); err != nil {
				return err
			}
		}
	}
	return nil
}
