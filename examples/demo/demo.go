package main

import (
	"context"
	"fmt"
	"hash/fnv"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// demo is the made-up project: an origin, three mirrors, a redirector.
type demo struct {
	work   string // temporary folder with everything
	source string // what is published
	base   string // URL of the redirector
	port   int
	stops  []func()

	common   string // a file that all three mirrors have
	missing  string // a file that the partial mirror lacks
	changing string // a file of which a new version comes out
}

// close stops the servers, newest first, and removes everything.
func (d *demo) close() {
	for _, stop := range slices.Backward(d.stops) {
		stop()
	}
	_ = os.RemoveAll(d.work)
}

func (d *demo) path(elem ...string) string {
	return filepath.Join(append([]string{d.work}, elem...)...)
}

// onPartial decides what the partial mirror carries: about half of the tree.
func onPartial(file string) bool {
	top, _, _ := strings.Cut(file, "/")
	h := fnv.New32a()
	_, _ = h.Write([]byte(top))
	return h.Sum32()%2 == 0
}

// isOld decides which files the stale mirror still has from last month.
func isOld(file string) bool {
	h := fnv.New32a()
	_, _ = h.Write([]byte("old " + file))
	return h.Sum32()%10 == 0
}

// prepare makes the trees and starts all servers.
func (d *demo) prepare(ctx context.Context, port int) error {
	say("publishing %s", d.source)
	files, cut, err := copyTree(d.source, d.path("origin"))
	if err != nil {
		return err
	}
	if cut {
		say("(only its first %d MiB)", maxCopy>>20)
	}
	for _, m := range []string{"berlin", "newyork", "tokyo"} {
		if _, _, err := copyTree(d.path("origin"), d.path(m)); err != nil {
			return err
		}
	}
	if d.common, d.missing, d.changing, err = pick(d.path("origin"), files, func(f string) bool { return onPartial(f) && !isOld(f) }); err != nil {
		return err
	}
	lastMonth := time.Now().Add(-30 * 24 * time.Hour).Truncate(time.Second)
	for _, f := range files {
		if !onPartial(f) {
			if err := os.Remove(d.path("newyork", f)); err != nil {
				return err
			}
		}
		if isOld(f) {
			if err := replace(d.path("tokyo", f), []byte("what this file was last month\n"), lastMonth); err != nil {
				return err
			}
		}
	}
	if err := writeGeoIP(d.path("places.mmdb")); err != nil {
		return err
	}
	return d.startCaddies(ctx, port)
}

// startCaddies starts the redirector, and the web servers of the three mirrors.
func (d *demo) startCaddies(ctx context.Context, port int) error {
	var err error
	if d.port, err = freePort(port); err != nil {
		return err
	}
	d.base = fmt.Sprintf("http://127.0.0.1:%d/", d.port)
	site := fmt.Sprintf(`{
	admin off
	servers {
		trusted_proxies static 127.0.0.1/32
	}
	mirrorbrain {
		database sqlite://%s
		geoip %s
	}
}

http://127.0.0.1:%d {
	root * %s
	mirrorbrain {
		debug_from 127.0.0.0/8
		health /health
		status /mirrors
	}
	mirrorbrain_autoindex
	file_server
}
`, d.path("mirrorbrain.db"), d.path("places.mmdb"), d.port, d.path("origin"))
	if err := os.WriteFile(d.path("Caddyfile"), []byte(site), 0o600); err != nil {
		return err
	}
	return d.startProcess(ctx, d.port, "bin/caddy", "run", "--adapter", "caddyfile", "--config", d.path("Caddyfile"))
}

// startMirror starts the web server of one mirror, which is a Caddy too.
func (d *demo) startMirror(ctx context.Context, name string) (url string, err error) {
	port, err := freePort(0)
	if err != nil {
		return "", err
	}
	site := fmt.Sprintf(`{
	admin off
}

http://127.0.0.1:%d {
	root * %s
	file_server {
		index off # a tree may hold an index.html; the listing is wanted
		browse
	}
}
`, port, d.path(name))
	config := d.path(name + ".caddyfile")
	if err := os.WriteFile(config, []byte(site), 0o600); err != nil {
		return "", err
	}
	return fmt.Sprintf("http://127.0.0.1:%d/", port),
		d.startProcess(ctx, port, "bin/caddy", "run", "--adapter", "caddyfile", "--config", config)
}

// publish does the main job with mbctl.
func (d *demo) publish(ctx context.Context) error {
	var web [3]string
	for i, name := range []string{"berlin", "newyork", "tokyo"} {
		var err error
		if web[i], err = d.startMirror(ctx, name); err != nil {
			return err
		}
	}
	rsync, err := d.startRsync(ctx, d.path("berlin"))
	if err != nil {
		return err
	}
	ftp, err := d.startFTP(ctx, d.path("newyork"))
	if err != nil {
		return err
	}
	say("\nThe origin's files, and three mirrors: berlin is complete and listed by rsync, newyork")
	say("has half of the tree and is listed by FTP, tokyo has a tenth of its files from last")
	say("month and is listed by HTTP.\n")
	at := func(p place) []string {
		return []string{
			"-c", strings.ToLower(p.country), "-r", strings.ToLower(p.continent),
			"--lat", fmt.Sprint(p.lat), "--lng", fmt.Sprint(p.lng),
		}
	}
	for _, args := range [][]string{
		{"index", d.path("origin")},
		append([]string{"new", "berlin", "-H", web[0], "-R", rsync}, at(germany)...),
		append([]string{"new", "newyork", "-H", web[1], "-F", ftp}, at(usa)...),
		append([]string{"new", "tokyo", "-H", web[2]}, at(japan)...),
		{"scan", "--all", "--enable"},
		{"list"},
	} {
		if err := d.mbctl(ctx, args...); err != nil {
			return err
		}
	}
	say("Now a new version of %s comes out, and the index follows:\n", d.changing)
	news := []byte(strings.Repeat("a new version, which no mirror has yet\n", 400))
	if err := replace(d.path("origin", d.changing), news, time.Now().Truncate(time.Second)); err != nil {
		return err
	}
	for _, args := range [][]string{{"index"}, {"hash"}} {
		if err := d.mbctl(ctx, args...); err != nil {
			return err
		}
	}
	return d.caughtUp(ctx)
}

// mbctl runs one command and shows it as it would be typed.
func (d *demo) mbctl(ctx context.Context, args ...string) error {
	say("$ mbctl %s", strings.Join(args, " "))
	cmd := exec.CommandContext(ctx, "bin/mbctl", args...)
	cmd.Env = append(os.Environ(), "MIRRORBRAIN_DATABASE=sqlite://"+d.path("mirrorbrain.db"), "NO_COLOR=1")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("mbctl %s: %w", args[0], err)
	}
	say("")
	return nil
}

// folder is the URL of the folder with the file that all mirrors have.
func (d *demo) folder() string {
	dir, _ := path.Split(d.common)
	return d.base + (&url.URL{Path: dir}).EscapedPath()
}

// explain prints what to try while the demo serves.
func (d *demo) explain() {
	try := func(what, header, path string) {
		say("  # %s", what)
		say("  curl -sI %s'%s%s'", header, d.base, path)
	}
	from := func(p place) string { return fmt.Sprintf("-H 'X-Forwarded-For: %s' ", p.address) }
	say("Try (the addresses stand for clients in Germany, the USA and Japan):\n")
	try("from Germany: to berlin", from(germany), d.common)
	try("from the USA: to newyork", from(usa), d.common)
	try("from Japan: to tokyo", from(japan), d.common)
	try("newyork does not have this one: to berlin", from(usa), d.missing)
	try("only stale copies exist: served from here", from(germany), d.changing)
	try("the same without an address of that country", "", d.common+"?country=jp")
	say("  # what it should hash to, and where else it is, for aria2c and wget2")
	say("  curl -s '%s%s.sha256'", d.base, d.common)
	say("  curl -s '%s%s.meta4'", d.base, d.common)
	say("\nPages to open:")
	for _, page := range [][2]string{
		{d.base, "the tree"},
		{d.folder(), "a folder of it"},
		{d.base + d.common + ".mirrorlist", "the mirrors of a file"},
		{d.base + "mirrors/", "all mirrors"},
		{d.base + "mirrors/berlin", "a mirror"},
		{d.base + "health", "is the redirector ready?"},
	} {
		say("  %-60s %s", page[0], page[1])
	}
	say("\nWith a tree of your own:\n")
	for _, l := range []string{
		"./xcaddy.sh", "bin/mbctl index /srv/pub",
		"bin/mbctl new NAME -H https://mirror.example.org/pub/ -R rsync://mirror.example.org/pub/",
		"bin/mbctl scan NAME --enable", "bin/mbctl hash", "bin/caddy run --config examples/Caddyfile",
	} {
		say("  %s", l)
	}
	say("\nServing until Ctrl-C.")
}
