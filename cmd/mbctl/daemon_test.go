package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/pgtest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/rsynctest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/origin"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// impatience is how soon mbctl-impatient takes over from the dead.
const impatience = 3 * time.Second

// fleet is a tree on a database, with mirrors that have all of it.
type fleet struct {
	t     *testing.T
	url   string
	db    *store.Store
	root  string
	rsync *rsynctest.Server
	web   *httptest.Server
}

func newFleet(t *testing.T, url string) *fleet {
	t.Helper()
	f := &fleet{t: t, url: url, root: t.TempDir()}
	for i := range 20 {
		p := filepath.Join(f.root, fmt.Sprint("d", i%3), fmt.Sprint("f", i))
		f.must(os.MkdirAll(filepath.Dir(p), 0o755))
		f.must(os.WriteFile(p, []byte(strings.Repeat("x", i+1)), 0o644))
	}
	f.rsync = rsynctest.Start(t, rsynctest.Module{Name: "pub", Path: f.root})
	f.web = httptest.NewServer(http.FileServer(http.Dir(f.root)))
	t.Cleanup(f.web.Close)
	var err error
	f.db, err = store.Open(url, store.Options{})
	f.must(err)
	t.Cleanup(func() { f.db.Close() })
	f.must(f.db.Prepare(t.Context()))
	_, err = origin.Index(t.Context(), f.db, origin.Options{Root: f.root})
	f.must(err)
	return f
}

func (f *fleet) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

// mirror adds one; rsync "" is the fleet's own server.
func (f *fleet) mirror(name, rsync string) {
	f.t.Helper()
	if rsync == "" {
		rsync = f.rsync.URL("pub")
	}
	m := mirror.Mirror{Name: name, HTTP: []string{f.web.URL + "/"}, Rsync: rsync, Score: 100, Enabled: true}
	f.must(f.db.CreateMirror(f.t.Context(), &m, "test"))
}

func (f *fleet) scan(name string) mirror.ScanState {
	f.t.Helper()
	m, err := f.db.Mirror(f.t.Context(), name)
	// A database that was stopped meanwhile has ended the connections of the pool.
	for n := 0; n < 20 && errors.Is(err, store.ErrUnreachable); n++ {
		m, err = f.db.Mirror(f.t.Context(), name)
	}
	f.must(err)
	return m.Scan
}

// until waits for something, for a time in which the slowest machine does it.
func (f *fleet) until(what string, ok func() bool) {
	f.t.Helper()
	for end := time.Now().Add(40 * time.Second); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			f.t.Fatalf("waited in vain until %s", what)
		}
	}
}

// process is an mbctl under way.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	log  locked
	done chan struct{}
}

// locked is a buffer that is written and read at once.
type locked struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (f *fleet) start(env []string, args ...string) *process {
	f.t.Helper()
	p := &process{t: f.t, cmd: exec.Command("mbctl-impatient", append([]string{"--database", f.url}, args...)...), done: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stderr, p.cmd.Stdout = &p.log, &p.log
	f.must(p.cmd.Start())
	go func() {
		_ = p.cmd.Wait()
		close(p.done)
	}()
	f.t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.done
		if f.t.Failed() {
			f.t.Logf("%s:\n%s", strings.Join(args, " "), p.log.String())
		}
	})
	return p
}

func (f *fleet) daemon(args ...string) *process {
	f.t.Helper()
	return f.start(nil, append([]string{"daemon", "--jobs", "scan", "--log-format", "json"}, args...)...)
}

// end sends a signal and gives the exit code.
func (p *process) end(sig os.Signal) int {
	p.t.Helper()
	_ = p.cmd.Process.Signal(sig)
	select {
	case <-p.done:
	case <-time.After(40 * time.Second):
		p.t.Fatalf("does not end after %v", sig)
	}
	return p.cmd.ProcessState.ExitCode()
}

// lines gives a field of those lines of a log that have a message.
func (p *process) lines(msg, field string) (values []string) {
	for line := range strings.Lines(p.log.String()) {
		var entry map[string]any
		if json.Unmarshal([]byte(line), &entry) == nil && entry["msg"] == msg {
			values = append(values, fmt.Sprint(entry[field]))
		}
	}
	return values
}

// TestDaemonsShare runs two daemons and a scan of everything at once: together
// they scan each mirror once.
func TestDaemonsShare(t *testing.T) {
	t.Parallel()
	f := newFleet(t, pgtest.New(t))
	const mirrors = 12
	var waiting atomic.Int32
	free := make(chan struct{})
	url := f.gateway(func(_ int, _ net.Conn, forward func()) {
		waiting.Add(1)
		<-free
		forward()
	})
	for i := range mirrors {
		f.mirror(fmt.Sprint("m", i), url)
	}
	a, b := f.daemon("-j", "2"), f.daemon("-j", "3")
	all := f.start(nil, "scan", "--all", "-j", "2", "--json")
	f.until("all three are at work", func() bool { return waiting.Load() == 7 })
	close(free)
	f.until("all are scanned", func() bool {
		list, err := f.db.Mirrors(t.Context())
		f.must(err)
		for _, m := range list {
			if m.Scan.Succeeded.IsZero() {
				return false
			}
		}
		return true
	})
	time.Sleep(2 * time.Second) // in which somebody might begin again
	<-all.done
	for _, p := range []*process{a, b} {
		if code := p.end(syscall.SIGTERM); code != 0 {
			t.Errorf("exit %d", code)
		}
	}
	times := map[string]int{}
	for _, p := range []*process{a, b} {
		for _, name := range p.lines("mirror scanned", "mirror") {
			times[name]++
		}
	}
	byHand := strings.Count(all.log.String(), `"protocol": "rsync"`)
	total := byHand
	for name, n := range times {
		total += n
		if n != 1 {
			t.Errorf("%s was scanned %d times", name, n)
		}
	}
	if total != mirrors {
		t.Errorf("%d scans of %d mirrors, %d by hand", total, mirrors, byHand)
	}
}

// gateway stands before an rsync server and decides what becomes of each
// connection.
func (f *fleet) gateway(each func(n int, client net.Conn, forward func())) (url string) {
	f.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	f.must(err)
	f.t.Cleanup(func() { l.Close() })
	go func() {
		for n := 1; ; n++ {
			client, err := l.Accept()
			if err != nil {
				return
			}
			f.t.Cleanup(func() { client.Close() }) // and no earlier, as garbage
			go each(n, client, func() {
				defer client.Close()
				server, err := net.Dial("tcp", f.rsync.Addr())
				if err != nil {
					return
				}
				defer server.Close()
				go io.Copy(server, client)
				io.Copy(client, server)
			})
		}
	}()
	return "rsync://" + l.Addr().String() + "/pub/"
}

// TestDaemonDies kills a daemon in the middle of a scan: another one scans the
// mirror once the lease has ended.
func TestDaemonDies(t *testing.T) {
	t.Parallel()
	f := newFleet(t, pgtest.New(t))
	var tries atomic.Int32
	f.mirror("slow", f.gateway(func(n int, client net.Conn, forward func()) {
		tries.Store(int32(n))
		if n > 1 {
			forward()
		} // the first one hears nothing
	}))
	first := f.daemon()
	f.until("it is scanned", func() bool { return tries.Load() == 1 })
	second := f.daemon()
	f.until("another is there", func() bool { return len(second.lines("ready", "mirrors")) > 0 })
	time.Sleep(impatience + impatience/2) // the lease is kept as long as its holder lives
	if n := tries.Load(); n != 1 {
		t.Fatalf("scanned %d times at once", n)
	}
	if code := first.end(syscall.SIGKILL); code != -1 {
		t.Errorf("exit %d", code)
	}
	f.until("the other one has scanned it", func() bool { return f.scan("slow").Held == 20 })
	if code := second.end(syscall.SIGTERM); code != 0 || tries.Load() != 2 {
		t.Errorf("exit %d, %d scans", code, tries.Load())
	}
}

// TestDaemonDrains ends daemons while a scan is under way.
func TestDaemonDrains(t *testing.T) {
	t.Parallel()
	f := newFleet(t, pgtest.New(t))
	var tries atomic.Int32
	free := make(chan struct{})
	f.mirror("slow", f.gateway(func(n int, _ net.Conn, forward func()) {
		tries.Store(int32(n))
		if n == 2 {
			<-free
			forward()
		}
	}))
	p := f.daemon("--drain-timeout", "500ms")
	f.until("it is scanned", func() bool { return tries.Load() == 1 })
	if code := p.end(syscall.SIGTERM); code != 0 || len(p.lines("scan broken off, nothing changed", "mirror")) != 1 {
		t.Errorf("exit %d", code)
	}
	leases, err := f.db.Leases(t.Context())
	f.must(err)
	if s := f.scan("slow"); !s.Attempted.IsZero() || len(leases) != 0 {
		t.Errorf("left behind: %+v, leases %v", s, leases)
	}

	p = f.daemon("--drain-timeout", "1m")
	f.until("it is scanned again", func() bool { return tries.Load() == 2 })
	time.AfterFunc(time.Second, func() { close(free) })
	if code := p.end(syscall.SIGTERM); code != 0 {
		t.Errorf("exit %d", code)
	}
	if s := f.scan("slow"); s.Held != 20 {
		t.Errorf("the scan was not let end: %+v", s)
	}

	// The second signal is not patient.
	f.mirror("hung", f.gateway(func(int, net.Conn, func()) { tries.Store(3) }))
	p = f.daemon("--drain-timeout", "1m")
	f.until("the other is scanned", func() bool { return tries.Load() == 3 })
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	f.until("it ends", func() bool { return strings.Contains(p.log.String(), "ending") })
	if code := p.end(syscall.SIGTERM); code != -1 {
		t.Errorf("exit %d", code)
	}
}

// TestDaemonUnit plays systemd: start, reload with a bad and a good file,
// watchdog, end.
func TestDaemonUnit(t *testing.T) {
	t.Parallel()
	f := newFleet(t, "sqlite://"+filepath.Join(t.TempDir(), "mb.db"))
	f.mirror("m", "")
	dir := t.TempDir()
	conf, address := filepath.Join(dir, "mbctl.toml"), filepath.Join(dir, "notify")
	systemd, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: address, Net: "unixgram"})
	f.must(err)
	defer systemd.Close()
	hears := func(what string) {
		t.Helper()
		_ = systemd.SetReadDeadline(time.Now().Add(30 * time.Second))
		for buf := make([]byte, 1024); ; {
			n, err := systemd.Read(buf)
			f.must(err)
			if strings.HasPrefix(string(buf[:n]), what) {
				return
			}
		}
	}
	write := func(interval string) {
		t.Helper()
		f.must(os.WriteFile(conf, []byte("[x]\nscan_interval = "+interval+"\n"), 0o600))
	}
	write(`"1h"`)
	p := f.start([]string{"NOTIFY_SOCKET=" + address, "WATCHDOG_USEC=1000000"},
		"--config", conf, "daemon", "--jobs", "scan", "--log-format", "json")
	hears("READY=1")
	hears("WATCHDOG=1")
	hears("STATUS=next scan in ")
	f.until("the mirror is scanned", func() bool { return f.scan("m").Held == 20 })
	first := f.scan("m").Succeeded
	write("soon")
	_ = p.cmd.Process.Signal(syscall.SIGHUP)
	hears("RELOADING=1\nMONOTONIC_USEC=")
	hears("READY=1")
	f.until("it says so", func() bool { return len(p.lines("the configuration stays as it was", "error")) > 0 })
	if got := p.lines("the configuration stays as it was", "error"); len(got) != 1 || !strings.Contains(got[0], "mbctl.toml") {
		t.Errorf("said %q", got)
	}
	write(`"1s"`)
	_ = p.cmd.Process.Signal(syscall.SIGHUP)
	f.until("the mirror is scanned again", func() bool { return f.scan("m").Succeeded.After(first) })
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	hears("STOPPING=1")
	<-p.done
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit %d", code)
	}
}

// TestDaemonWithoutDatabase has it away at the begin and later.
func TestDaemonWithoutDatabase(t *testing.T) {
	t.Parallel()
	c := pgtest.Start(t)
	f := newFleet(t, c.Database(t))
	f.mirror("m", "")
	c.Stop(t)
	p := f.daemon()
	f.until("it says that it waits", func() bool {
		return len(p.lines("the database is away, waiting for it", "error")) == 1
	})
	c.Start(t)
	f.until("the mirror is scanned", func() bool { return f.scan("m").Held == 20 })
	c.Stop(t)
	f.until("it says so", func() bool { return len(p.lines("the database cannot be read, trying again", "error")) == 1 })
	c.Start(t)
	f.until("it is back", func() bool { return len(p.lines("the database is back", "level")) == 1 })
	if code := p.end(syscall.SIGTERM); code != 0 {
		t.Errorf("exit %d", code)
	}
}

// TestDaemonWishes asks for scans: of a folder at all mirrors, of one mirror,
// and because clients ask in vain.
func TestDaemonWishes(t *testing.T) {
	t.Parallel()
	f := newFleet(t, pgtest.New(t))
	f.mirror("a", "")
	f.mirror("b", "")
	p := f.daemon()
	f.until("both are scanned", func() bool { return f.scan("a").Held == 20 && f.scan("b").Held == 20 })
	f.must(os.MkdirAll(filepath.Join(f.root, "new/iso"), 0o755))
	f.must(os.WriteFile(filepath.Join(f.root, "new/iso/x.iso"), []byte("new"), 0o644))
	_, err := origin.Index(t.Context(), f.db, origin.Options{Root: f.root})
	f.must(err)
	f.must(f.db.Missed(t.Context(), "new/iso", time.Now(), 0, "node"))
	f.until("the folder is scanned", func() bool { return len(p.lines("folder scanned", "added")) == 1 })
	if got := p.lines("folder scanned", "added"); got[0] != "2" {
		t.Errorf("added %v", got)
	}
	_, err = f.db.Wish(t.Context(), store.Wish{Kind: store.WishScan, Subtree: "new", Who: "test"})
	f.must(err)
	a, err := f.db.Mirror(t.Context(), "a")
	f.must(err)
	_, err = f.db.Wish(t.Context(), store.Wish{Kind: store.WishScan, Mirror: a.ID, Subtree: "d1", Who: "test"})
	f.must(err)
	_, err = f.db.Wish(t.Context(), store.Wish{Kind: store.WishScan, Mirror: 999, Who: "test"}) // deleted meanwhile
	f.must(err)
	f.until("all is granted", func() bool {
		left, err := f.db.Wishes(t.Context())
		f.must(err)
		return len(left) == 0
	})
	misses, err := f.db.Misses(t.Context())
	f.must(err)
	if len(misses) != 1 || misses[0].Scans != 1 || misses[0].Wanted() {
		t.Errorf("misses: %+v", misses)
	}
	if n := len(p.lines("folder scanned", "folder")); n != 3 {
		t.Errorf("%d scans of folders", n)
	}
	if code := p.end(syscall.SIGTERM); code != 0 {
		t.Errorf("exit %d", code)
	}
}
