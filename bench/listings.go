package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// listedFolders are the numbers of entries of the folders that are listed.
var listedFolders = []int{100, 2_000, 50_000}

// listedMirrors hold them.
const listedMirrors = 60

// listingForms are what folders are asked for as.
var listingForms = []struct{ name, accept string }{{"HTML", "text/html"}, {"JSON", "application/json"}}

// listedPaths gives the paths of all files, folder by folder.
func listedPaths() (paths []string) {
	for _, n := range listedFolders {
		for i := range n {
			paths = append(paths, fmt.Sprintf("%s/file-%07d.tar.gz", listedFolder(n), i))
		}
	}
	return paths
}

func listedFolder(n int) string { return fmt.Sprintf("n%d", n) }

// lister is a server that lists the folders.
type lister struct {
	name    string
	server  *server
	samples map[string][]sample // by load
}

// measureListings asks for the same folders of this module, with and without
// the index, and of Caddy's own browse. What is remembered of a folder counts as
// it does in a server; the last row is without, so that each answer is made from
// the disk, the index and the templates.
func measureListings(ctx context.Context, work string, o options) error {
	listers, stop, err := startListers(ctx, work)
	defer stop()
	if err != nil {
		return err
	}
	for _, n := range listedFolders {
		for _, form := range listingForms {
			if err := loadListers(ctx, work, listers, n, form.name, form.accept, o); err != nil {
				return err
			}
			printListings(listers, n, form.name)
		}
	}
	for i := range listers {
		rss, peak := memory(listers[i].server.pid())
		fmt.Printf("* %s: %d MiB, at most %d MiB\n", listers[i].name, rss>>20, peak>>20)
	}
	fmt.Println()
	return nil
}

// startListers makes the tree and the index of it, and starts the servers. stop
// must be called with an error too.
func startListers(ctx context.Context, work string) (listers []lister, stop func(), err error) {
	stop = func() {
		for i := range listers {
			listers[i].server.stop()
		}
	}
	paths, root := listedPaths(), filepath.Join(work, "listed")
	db, geo := filepath.Join(work, "listed.db"), filepath.Join(work, "listed.mmdb")
	if err := writeGeoIP(geo); err != nil {
		return nil, stop, err
	}
	if err := makeFiles(root, paths); err != nil {
		return nil, stop, err
	}
	fmt.Fprintf(os.Stderr, "filling a database with %d files and %d mirrors\n", len(paths), listedMirrors)
	if err := fillPaths(ctx, db, len(paths), func(i int) string { return paths[i] }, listedMirrors, true); err != nil {
		return nil, stop, fmt.Errorf("filling the database: %w", err)
	}
	global := fmt.Sprintf("mirrorbrain {\n\t\tdatabase sqlite://%s\n\t\tgeoip %s\n\t}", db, geo)
	redirector := "mirrorbrain {\n\t\thealth /health\n\t}\n\t"
	for i, c := range []struct{ name, global, site string }{
		{"file_server browse", "", "file_server {\n\t\tbrowse {\n\t\t\tfile_limit 1000000\n\t\t}\n\t}"},
		{"mirrorbrain_autoindex, disk alone", "", "mirrorbrain_autoindex"},
		{"mirrorbrain_autoindex, disk and index", global, redirector + "mirrorbrain_autoindex"},
		{"the same, nothing remembered", global, redirector + "mirrorbrain_autoindex {\n\t\trefresh 1ns\n\t\tcache_size 1\n\t}"},
	} {
		s, err := startCaddy(ctx, work, fmt.Sprintf("listings%d", i), c.global, "root * "+root+"\n\t"+c.site)
		if s != nil {
			listers = append(listers, lister{name: c.name, server: s, samples: map[string][]sample{}})
		}
		if err == nil && c.global != "" {
			err = s.waitFor(ctx, s.url+"/health", 5*time.Minute)
		}
		if err != nil {
			return listers, stop, err
		}
	}
	return listers, stop, nil
}

// loadListers puts one load on each of them, round by round.
func loadListers(ctx context.Context, work string, listers []lister, n int, form, accept string, o options) error {
	script := filepath.Join(work, fmt.Sprintf("listing-%d-%s.lua", n, form))
	if err := os.WriteFile(script, fmt.Appendf(nil, listingScript, "/"+listedFolder(n)+"/", accept), 0o600); err != nil {
		return err
	}
	key := loadKey(n, form)
	connections := listingConnections
	if n > 10_000 { // an answer takes seconds as it is
		connections = 1
	}
	for r := range o.rounds {
		for i := range listers {
			l := &listers[(i+r)%len(listers)]
			d := o.round
			got, err := loadFrom(ctx, connections, script, l.server.url, l.server.pid(), d)
			for ; err != nil && d < time.Minute; d *= 2 { // too short for a single answer
				got, err = loadFrom(ctx, connections, script, l.server.url, l.server.pid(), 2*d)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", l.name, err)
			}
			l.samples[key] = append(l.samples[key], got)
		}
	}
	return nil
}

// listingConnections are few: listings are large.
const listingConnections = 4

const listingScript = `
wrk.path = %q
wrk.headers["Accept"] = %q
` + wrkDone

func loadKey(n int, form string) string { return fmt.Sprint(n, " ", form) }

func printListings(listers []lister, n int, form string) {
	fmt.Printf("| %s entries, %s | requests/s | against browse | µs CPU/request | requests/CPU s against browse | p50 | p99 | bad answers |\n", short(n), form)
	fmt.Println("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
	key := loadKey(n, form)
	base := listers[0].samples[key]
	for i := range listers {
		samples := listers[i].samples[key]
		ratios, bad := make([]sample, len(samples)), 0
		for j, got := range samples {
			bad += got.bad
			ratios[j] = sample{perSec: got.perSec / base[j].perSec, perCPU: got.perCPU / base[j].perCPU}
		}
		fmt.Printf("| %s | %s | %.1f | %.0f | %.1f | %.2f ms | %.2f ms | %d |\n", listers[i].name,
			trimmed(median(samples, func(s sample) float64 { return s.perSec })),
			median(ratios, func(s sample) float64 { return s.perSec }),
			1e6/median(samples, func(s sample) float64 { return s.perCPU }),
			median(ratios, func(s sample) float64 { return s.perCPU }),
			median(samples, func(s sample) float64 { return s.p50.Seconds() * 1e3 }),
			median(samples, func(s sample) float64 { return s.p99.Seconds() * 1e3 }), bad)
	}
	fmt.Println()
}

// trimmed prints a figure with as many decimals as mean something.
func trimmed(f float64) string {
	if f < 100 {
		return strings.TrimSuffix(fmt.Sprintf("%.1f", f), ".0")
	}
	return fmt.Sprintf("%.0f", f)
}
