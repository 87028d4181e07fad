package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
	"goftp.io/server/v2"
	"goftp.io/server/v2/driver/file"
)

// freePort gives a TCP port of 127.0.0.1 that nobody listens on, wanted if
// that is one.
func freePort(wanted int) (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(wanted)) //nolint:noctx // bound at once
	if err != nil && wanted != 0 {
		l, err = net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // bound at once
	}
	if err != nil {
		return 0, err
	}
	defer l.Close()
	addr, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		return 0, errors.New("not a TCP address")
	}
	return addr.Port, nil
}

// startProcess runs a server until the demo ends. Its output goes to a file
// whose name an error names.
func (d *demo) startProcess(ctx context.Context, port int, name string, args ...string) error {
	log, err := os.Create(filepath.Join(d.work, filepath.Base(name)+strconv.Itoa(port)+".log"))
	if err != nil {
		return err
	}
	cmd := exec.Command(name, args...) //nolint:noctx // ended by close
	cmd.Env = append(os.Environ(), "XDG_DATA_HOME="+d.work, "XDG_CONFIG_HOME="+d.work, "HOME="+d.work)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	d.stops = append(d.stops, func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
			_ = cmd.Process.Kill()
			<-ended
		}
		_ = log.Close()
	})
	if err := waitPort(ctx, port, ended); err != nil {
		out, _ := os.ReadFile(log.Name())
		return fmt.Errorf("starting %s: %w\n%s", name, err, out)
	}
	return nil
}

func waitPort(ctx context.Context, port int, ended <-chan struct{}) error {
	for range 200 {
		c, err := net.DialTimeout("tcp", "127.0.0.1:"+strconv.Itoa(port), time.Second) //nolint:noctx // bounded
		if err == nil {
			return c.Close()
		}
		select {
		case <-ended:
			return errors.New("it ended at once")
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
	return errors.New("it does not listen")
}

// startRsync serves dir as the module "pub".
func (d *demo) startRsync(ctx context.Context, dir string) (url string, err error) {
	port, err := freePort(0)
	if err != nil {
		return "", err
	}
	conf := filepath.Join(d.work, "rsyncd.conf")
	text := fmt.Sprintf("address = 127.0.0.1\nuse chroot = no\nlog file = %s\n", filepath.Join(d.work, "rsyncd.log"))
	if os.Getuid() == 0 {
		text += fmt.Sprintf("uid = %d\ngid = %d\n", 0, 0)
	}
	text += fmt.Sprintf("[pub]\npath = %s\nread only = yes\n", dir)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		return "", err
	}
	err = d.startProcess(ctx, port, "rsync", "--daemon", "--no-detach", "--port", strconv.Itoa(port), "--config", conf)
	return fmt.Sprintf("rsync://127.0.0.1:%d/pub/", port), err
}

// startFTP serves dir by a real FTP server inside the demo.
func (d *demo) startFTP(ctx context.Context, dir string) (url string, err error) {
	port, err := freePort(0)
	if err != nil {
		return "", err
	}
	driver, err := file.NewDriver(dir)
	if err != nil {
		return "", err
	}
	srv, err := server.NewServer(&server.Options{
		Driver: utcDriver{driver}, Auth: anybody{}, Perm: server.NewSimplePerm("ftp", "ftp"),
		Hostname: "127.0.0.1", Port: port, Logger: new(server.DiscardLogger),
	})
	if err != nil {
		return "", err
	}
	ended := make(chan struct{})
	go func() { _ = srv.ListenAndServe(); close(ended) }()
	d.stops = append(d.stops, func() { _ = srv.Shutdown(); <-ended })
	return fmt.Sprintf("ftp://127.0.0.1:%d/", port), waitPort(ctx, port, ended)
}

type anybody struct{}

func (anybody) CheckPasswd(*server.Context, string, string) (bool, error) { return true, nil }

// utcDriver gives times in UTC, as MLSD wants them (RFC 3659 section 2.3); the
// library prints them in whatever zone they are.
type utcDriver struct{ server.Driver }

func (d utcDriver) Stat(ctx *server.Context, path string) (os.FileInfo, error) {
	info, err := d.Driver.Stat(ctx, path)
	if err != nil {
		return nil, err
	}
	return utcInfo{info}, nil
}

func (d utcDriver) ListDir(ctx *server.Context, path string, yield func(os.FileInfo) error) error {
	return d.Driver.ListDir(ctx, path, func(info os.FileInfo) error { return yield(utcInfo{info}) })
}

type utcInfo struct{ os.FileInfo }

func (i utcInfo) ModTime() time.Time { return i.FileInfo.ModTime().UTC() }

// place is an address range of the demo's made-up world. The ranges are those
// that RFC 5737 sets aside for documentation.
type place struct {
	network, address   string
	country, continent string
	lat, lng           float64
}

var (
	germany = place{"192.0.2.0/24", "192.0.2.7", "DE", "EU", 52.5, 13.4}
	usa     = place{"198.51.100.0/24", "198.51.100.7", "US", "NA", 40.7, -74.0}
	japan   = place{"203.0.113.0/24", "203.0.113.7", "JP", "AS", 35.7, 139.7}
)

// writeGeoIP makes a small GeoIP database of the demo's places.
func writeGeoIP(path string) error {
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: "GeoLite2-City", RecordSize: 24, IncludeReservedNetworks: true})
	if err != nil {
		return err
	}
	for _, p := range []place{germany, usa, japan} {
		record := mmdbtype.Map{
			"continent": mmdbtype.Map{"code": mmdbtype.String(p.continent)},
			"country":   mmdbtype.Map{"iso_code": mmdbtype.String(p.country)},
			"location":  mmdbtype.Map{"latitude": mmdbtype.Float64(p.lat), "longitude": mmdbtype.Float64(p.lng)},
		}
		prefix := netip.MustParsePrefix(p.network)
		ipNet := &net.IPNet{IP: prefix.Addr().AsSlice(), Mask: net.CIDRMask(prefix.Bits(), 32)}
		if err := tree.Insert(ipNet, record); err != nil {
			return err
		}
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if _, err := tree.WriteTo(f); err != nil {
		return errors.Join(err, f.Close())
	}
	return f.Close()
}
