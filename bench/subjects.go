package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// The tree of which documents are asked for.
const (
	documentFiles   = 2000
	documentMirrors = 100
)

// startSubjects fills the databases and starts the servers. stop must be called
// with an error too.
func startSubjects(ctx context.Context, work string, o options) (subjects []subject, stop func(), err error) {
	var servers []*server
	stop = func() {
		for _, s := range servers {
			s.stop()
		}
	}
	root, geo := filepath.Join(work, "pub"), filepath.Join(work, "geo.mmdb")
	if err := os.Mkdir(root, 0o755); err != nil { //nolint:gosec // must be readable by others to be indexed
		return nil, stop, err
	}
	if err := writeGeoIP(geo); err != nil {
		return nil, stop, err
	}
	addresses := clients(2000)
	small, err := writeScript(work, o.files, "", addresses)
	if err != nil {
		return nil, stop, err
	}
	add := func(name, short, global, site, script, ready string) error {
		s, err := startCaddy(ctx, work, short, global, site)
		if s != nil {
			servers = append(servers, s)
		}
		if err != nil {
			return err
		}
		if ready != "" {
			if err := s.waitFor(ctx, s.url+ready, 5*time.Minute); err != nil {
				return err
			}
		}
		subjects = append(subjects, subject{name: name, server: s, script: script})
		return nil
	}
	global := func(db string) string {
		return fmt.Sprintf("mirrorbrain {\n\t\tdatabase sqlite://%s\n\t\tgeoip %s\n\t}", filepath.Join(work, db), geo)
	}

	fmt.Fprintf(os.Stderr, "filling a database with %d files and %d mirrors\n", o.files, o.mirrors)
	if err := fill(ctx, filepath.Join(work, "small.db"), o.files, o.mirrors, true); err != nil {
		return nil, stop, fmt.Errorf("filling the database: %w", err)
	}
	if err := makeTree(root, o.files); err != nil {
		return nil, stop, err
	}
	err = add("Caddy's redir, static target", "redir", "", "redir https://static.example.org/target 302", small, "")
	if err != nil {
		return nil, stop, err
	}
	site := func(check string) string {
		return fmt.Sprintf("root * %s\n\tmirrorbrain {\n\t\thealth /health\n\t\tcheck_file %s\n\t}\n\tfile_server", root, check)
	}
	title := fmt.Sprintf("mirrorbrain, %s files, %d mirrors", short(o.files), o.mirrors)
	if err := add(title+", check_file off", "nocheck", global("small.db"), site("off"), small, "/health"); err != nil {
		return nil, stop, err
	}
	if err := add(title+", check_file 1s", "check", global("small.db"), site("1s"), small, "/health"); err != nil {
		return nil, stop, err
	}
	fmt.Fprintf(os.Stderr, "filling a database with %d hashed files and %d mirrors\n", documentFiles, documentMirrors)
	if err := fill(ctx, filepath.Join(work, "documents.db"), documentFiles, documentMirrors, false); err != nil {
		return nil, stop, fmt.Errorf("filling the database: %w", err)
	}
	if err := fillHashes(ctx, filepath.Join(work, "documents.db"), documentFiles); err != nil {
		return nil, stop, fmt.Errorf("filling the database: %w", err)
	}
	for _, suffix := range []string{".meta4", ".json", ".sha256"} {
		script, err := writeScript(work, documentFiles, suffix, addresses)
		if err != nil {
			return nil, stop, err
		}
		err = add(fmt.Sprintf("%s, %d mirrors, 64 pieces", suffix, documentMirrors), "documents"+suffix, global("documents.db"),
			"mirrorbrain {\n\t\troot off\n\t\thealth /health\n\t\tmetalink_mirrors 100\n\t}", script, "/health")
		if err != nil {
			return nil, stop, err
		}
	}
	if o.bigFiles == 0 {
		return subjects, stop, nil
	}
	big, err := writeScript(work, o.bigFiles, "", addresses)
	if err != nil {
		return nil, stop, err
	}
	fmt.Fprintf(os.Stderr, "filling a database with %d files and %d mirrors\n", o.bigFiles, o.bigMirrors)
	began := time.Now()
	if err := fill(ctx, filepath.Join(work, "big.db"), o.bigFiles, o.bigMirrors, false); err != nil {
		return nil, stop, fmt.Errorf("filling the database: %w", err)
	}
	fmt.Fprintf(os.Stderr, "filled in %v\n", time.Since(began).Round(time.Second))
	title = fmt.Sprintf("mirrorbrain, %s files, %d mirrors, no local root", short(o.bigFiles), o.bigMirrors)
	return subjects, stop, add(title, "big", global("big.db"), "mirrorbrain {\n\t\troot off\n\t\thealth /health\n\t}", big, "/health")
}

// short prints 100000 as "100,000" and 10000000 as "10 million".
func short(n int) string {
	if n >= 1_000_000 && n%1_000_000 == 0 {
		return fmt.Sprintf("%d million", n/1_000_000)
	}
	if n >= 1000 {
		return fmt.Sprintf("%d,%03d", n/1000, n%1000)
	}
	return fmt.Sprint(n)
}
