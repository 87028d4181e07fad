package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// sites serve one tree by each protocol that mirrors are scanned by.
type sites struct {
	web        *server
	rsync, ftp string // URLs
}

// measureScan indexes a large tree and scans it by each protocol, beside the
// bare listing by the same client, and by the rsync program.
func measureScan(ctx context.Context, work string, o options) error {
	root := filepath.Join(work, "large")
	fmt.Fprintf(os.Stderr, "making a tree of %d files\n", o.scanFiles)
	if err := os.Mkdir(root, 0o755); err != nil { //nolint:gosec // must be readable by others to be indexed
		return err
	}
	if err := makeTree(root, o.scanFiles); err != nil {
		return err
	}
	at, err := serve(ctx, work, "large", root)
	if err != nil {
		return err
	}
	defer at.web.stop()
	env := []string{"MIRRORBRAIN_DATABASE=sqlite://" + filepath.Join(work, "scan.db")}
	fmt.Printf("| %s files | wall s | files/s | against the listing | CPU s | peak memory |\n| --- | ---: | ---: | ---: | ---: | ---: |\n", short(o.scanFiles))
	row := func(name string, m measured, ratio string) {
		fmt.Printf("| %s | %.1f | %.0f | %s | %.1f | %d MiB |\n", name, m.wall.Seconds(), float64(o.scanFiles)/m.wall.Seconds(), ratio, m.cpu.Seconds(), m.peak>>20)
	}
	for _, name := range []string{"mbctl index, first run", "mbctl index, nothing changed"} {
		m, err := measure(ctx, env, "bin/mbctl", "index", root)
		if err != nil {
			return err
		}
		row(name, m, "")
	}
	_, err = measure(ctx, env, "bin/mbctl", "new", "local", "-H", at.web.url+"/", "-R", at.rsync, "-F", at.ftp, "--ipv4")
	if err != nil {
		return err
	}
	for _, w := range []struct{ protocol, url string }{{"rsync", at.rsync}, {"ftp", at.ftp}, {"http", at.web.url + "/"}} {
		list := func() (measured, error) { return measure(ctx, nil, "bin/bench", "-list", w.url) }
		scan := func() (measured, error) {
			return measure(ctx, env, "bin/mbctl", "scan", "local", "--protocol", w.protocol)
		}
		listing, scanned, ratio, err := pairs(o.pairs, list, scan)
		if err != nil {
			return err
		}
		row("the listing alone, by "+w.protocol, listing, "1.00")
		row("mbctl scan, by "+w.protocol, scanned, ratio)
	}
	m, err := measure(ctx, nil, "rsync", "--list-only", "-r", at.rsync)
	if err != nil {
		return err
	}
	row("the rsync program, --list-only -r", m, "")
	return nil
}

// measureScans scans many mirrors at once, beside the bare listings of all,
// as many at once.
func measureScans(ctx context.Context, work string, o options) error {
	root := filepath.Join(work, "many")
	if err := os.Mkdir(root, 0o755); err != nil { //nolint:gosec // must be readable by others to be indexed
		return err
	}
	if err := makeTree(root, o.manyFiles); err != nil {
		return err
	}
	at, err := serve(ctx, work, "many", root)
	if err != nil {
		return err
	}
	defer at.web.stop()
	const jobs = "8"
	env := []string{"MIRRORBRAIN_DATABASE=sqlite://" + filepath.Join(work, "many.db")}
	if _, err := measure(ctx, env, "bin/mbctl", "index", root); err != nil {
		return err
	}
	list := []string{"-list", "-j", jobs}
	for i := range o.manyMirrors {
		_, err := measure(ctx, env, "bin/mbctl", "new", fmt.Sprintf("m%02d", i), "-H", at.web.url+"/", "-R", at.rsync, "--ipv4", "--enable")
		if err != nil {
			return err
		}
		list = append(list, at.rsync)
	}
	listed, scanned, ratio, err := pairs(o.pairs,
		func() (measured, error) { return measure(ctx, nil, "bin/bench", list...) },
		func() (measured, error) { return measure(ctx, env, "bin/mbctl", "scan", "--all", "-j", jobs) })
	if err != nil {
		return err
	}
	all := o.manyMirrors * o.manyFiles
	fmt.Printf("\n| %d mirrors of %s files, %s at once, by rsync | wall s | files/s | against the listings | CPU s | peak memory |\n| --- | ---: | ---: | ---: | ---: | ---: |\n",
		o.manyMirrors, short(o.manyFiles), jobs)
	for _, r := range []struct {
		name, ratio string
		m           measured
	}{{"the listings alone", "1.00", listed}, {"mbctl scan --all", ratio, scanned}} {
		fmt.Printf("| %s | %.1f | %.0f | %s | %.1f | %d MiB |\n", r.name, r.m.wall.Seconds(), float64(all)/r.m.wall.Seconds(), r.ratio, r.m.cpu.Seconds(), r.m.peak>>20)
	}
	return nil
}

// pairs runs two things one after the other, several times, and gives the
// median of each and of the ratios of their times.
func pairs(n int, first, second func() (measured, error)) (a, b measured, ratio string, err error) {
	var as, bs []measured
	var ratios []float64
	for range n {
		if a, err = first(); err != nil {
			return a, b, "", err
		}
		if b, err = second(); err != nil {
			return a, b, "", err
		}
		as, bs, ratios = append(as, a), append(bs, b), append(ratios, b.wall.Seconds()/a.wall.Seconds())
	}
	slices.Sort(ratios)
	return middle(as), middle(bs), fmt.Sprintf("%.2f", ratios[len(ratios)/2]), nil
}

// serve serves root as rsync module "pub", by anonymous FTP, and by a Caddy,
// which the scans' proofs ask, too.
func serve(ctx context.Context, work, name, root string) (sites, error) {
	web, err := startCaddy(ctx, work, name+"-web", "", "root * "+root+"\n\tfile_server browse")
	if err != nil {
		return sites{}, err
	}
	at := sites{web: web}
	if at.rsync, err = startRsync(ctx, work, root, web); err != nil {
		return at, err
	}
	at.ftp, err = startFTP(ctx, work, root, web)
	return at, err
}

func startRsync(ctx context.Context, work, root string, web *server) (string, error) {
	text := fmt.Sprintf("address = 127.0.0.1\nuse chroot = no\nlog file = %s\n", filepath.Join(work, "rsyncd.log"))
	if os.Getuid() == 0 {
		text += "uid = 0\ngid = 0\n"
	}
	text += fmt.Sprintf("[pub]\npath = %s\n", root)
	port, err := startDaemon(ctx, work, "rsyncd.conf", text, web, func(conf string, port int) []string {
		return []string{"rsync", "--daemon", "--no-detach", "--port", strconv.Itoa(port), "--config", conf}
	})
	return fmt.Sprintf("rsync://127.0.0.1:%d/pub/", port), err
}

func startFTP(ctx context.Context, work, root string, web *server) (string, error) {
	empty := filepath.Join(work, "empty")
	if err := os.MkdirAll(empty, 0o555); err != nil { //nolint:gosec // vsftpd wants a folder nobody may write to
		return "", err
	}
	text := fmt.Sprintf(`listen=YES
listen_address=127.0.0.1
background=NO
anonymous_enable=YES
no_anon_password=YES
local_enable=NO
write_enable=NO
anon_root=%s
secure_chroot_dir=%s
seccomp_sandbox=NO
isolate=NO
isolate_network=NO
pasv_enable=YES
vsftpd_log_file=%s
`, root, empty, filepath.Join(work, "vsftpd.log"))
	port, err := startDaemon(ctx, work, "vsftpd.conf", text, web, func(conf string, port int) []string {
		return []string{"vsftpd", conf, "-olisten_port=" + strconv.Itoa(port)}
	})
	return fmt.Sprintf("ftp://127.0.0.1:%d/", port), err
}

// startDaemon writes a configuration and starts the program of a command line,
// which ends with this one, on a free port.
func startDaemon(ctx context.Context, work, name, conf string, web *server, command func(conf string, port int) []string) (port int, err error) {
	if port, err = freePort(); err != nil {
		return 0, err
	}
	file := filepath.Join(work, fmt.Sprintf("%d-%s", port, name))
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		return 0, err
	}
	args := command(file, port)
	program, err := exec.LookPath(args[0])
	if err != nil {
		program = filepath.Join("/usr/sbin", args[0])
	}
	cmd := exec.CommandContext(ctx, program, args[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("starting %s: %w", strings.Join(args, " "), err)
	}
	return port, web.waitFor(ctx, fmt.Sprintf("tcp://127.0.0.1:%d", port), 10*time.Second)
}
