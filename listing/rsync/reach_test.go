package rsync

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/proxytest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/rsynctest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
)

// TestTLS lists a daemon behind a server that does its TLS, as rsync-ssl's do.
func TestTLS(t *testing.T) {
	t.Parallel()
	dir := oddTree(t)
	srv := rsynctest.Start(t, rsynctest.Module{Name: "m", Path: dir, Users: map[string]string{"bob": "secret"}})
	front := httptest.NewUnstartedServer(nil)
	front.StartTLS() // for its certificate
	t.Cleanup(front.Close)
	ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: front.TLS.Certificates})
	check(t, err)
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go relay(c, srv.Addr())
		}
	}()
	url := "rsyncs://bob:secret@" + ln.Addr().String() + "/m/"
	l := newLister(t, url, listing.Options{RsyncProgram: "/does/not/exist"}) // which could not do it
	l.roots = x509.NewCertPool()
	l.roots.AddCert(front.Certificate())
	for v := oldestVersion; v <= newestVersion; v++ {
		l.newest = v
		got, sum, err := collect(t, l, "")
		if err != nil || !sum.Complete() {
			t.Fatalf("version %d: %+v, %v", v, sum, err)
		}
		same(t, walk(t, dir, v), got)
	}
	// Nobody is believed whose certificate is not.
	l = newLister(t, url, listing.Options{})
	if _, _, err := collect(t, l, ""); err == nil || !strings.Contains(err.Error(), "certificate") || strings.Contains(err.Error(), "secret") {
		t.Errorf("unknown certificate: %v", err)
	}
	l = newLister(t, strings.Replace(srv.URL("m"), "rsync://", "rsyncs://", 1), listing.Options{})
	if _, _, err := collect(t, l, ""); err == nil || !strings.Contains(err.Error(), "TLS") {
		t.Errorf("a server without TLS: %v", err)
	}
	if l = newLister(t, "rsyncs://u:p@m.example/m/a%20b", listing.Options{}); l.String() != "rsyncs://m.example:874/m/a%20b/" {
		t.Errorf("%s", l)
	}
}

func relay(c net.Conn, address string) {
	defer c.Close()
	there, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer there.Close()
	go io.Copy(there, c)
	io.Copy(c, there)
}

// TestProxies lists through proxies, and the program through those it knows.
func TestProxies(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "file"), "")
	srv := rsynctest.Start(t, rsynctest.Module{Name: "m", Path: dir})
	for _, scheme := range []string{"http", "socks5"} {
		for _, program := range []string{"", rsynctest.Program(t)} {
			p := proxytest.Start(t, scheme, "me", "geheim")
			l := newLister(t, srv.URL("m"), listing.Options{Proxy: p.URL, RsyncProgram: program})
			got, sum, err := collect(t, l, "")
			if err != nil || !sum.Complete() || len(got) != 1 {
				t.Errorf("%s, program %q: %v, %+v, %v", scheme, program, got, sum, err)
			}
			if asked := strings.Join(p.Asked(), " "); asked != srv.Addr() {
				t.Errorf("%s, program %q: the proxy was asked for %q", scheme, program, asked)
			}
		}
	}
	_, err := New(srv.URL("m"), listing.Options{Proxy: "gopher://u:geheim@proxy"})
	if err == nil || strings.Contains(err.Error(), "geheim") {
		t.Errorf("a proxy of another kind: %v", err)
	}
}

// TestProxyOfEnvironment: RSYNC_PROXY counts, unless something else is said.
func TestProxyOfEnvironment(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "file"), "")
	srv := rsynctest.Start(t, rsynctest.Module{Name: "m", Path: dir})
	p := proxytest.Start(t, "http", "me", "geheim")
	t.Setenv("RSYNC_PROXY", strings.TrimPrefix(p.URL, "http://"))
	for i, program := range []string{"", rsynctest.Program(t)} {
		for proxy, asked := range map[string]int{"": 1, "none": 0} {
			before := len(p.Asked())
			l := newLister(t, srv.URL("m"), listing.Options{Proxy: proxy, RsyncProgram: program})
			if got, _, err := collect(t, l, ""); err != nil || len(got) != 1 {
				t.Errorf("%d, proxy %q: %v, %v", i, proxy, got, err)
			}
			if n := len(p.Asked()) - before; n != asked {
				t.Errorf("%d, proxy %q: the proxy was asked %d times", i, proxy, n)
			}
		}
	}
}

// TestSource: the daemon lets one address in only.
func TestSource(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "file"), "")
	srv := rsynctest.Start(t, rsynctest.Module{Name: "m", Path: dir, Extra: []string{"hosts allow = 127.0.0.9"}})
	for _, program := range []string{"", rsynctest.Program(t)} {
		for source, ok := range map[string]bool{"127.0.0.9": true, "127.0.0.8": false, "": false, "::1": false} {
			l := newLister(t, srv.URL("m"), listing.Options{Source: source, RsyncProgram: program})
			if got, _, err := collect(t, l, ""); (err == nil) != ok || ok && len(got) != 1 {
				t.Errorf("program %q, from %q: %v, %v", program, source, got, err)
			}
		}
	}
}

// TestHiddenFolders: folders that the daemon's configuration hides are not there,
// and are not missed; those in which rsync collects files are not asked for.
func TestHiddenFolders(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for p := dir; p != os.TempDir() && len(p) > 1; p = filepath.Dir(p) {
		check(t, os.Chmod(p, 0o755)) // nobody must get this far
	}
	for _, name := range []string{"a/f", "a/secret/g", "secret/g", "a/.~tmp~/h", ".~tmp~/h", "b/x.~tmp~", "b/.~tmp~x/i", "b/.~tmp~"} {
		if name == "b/.~tmp~" { // a file called so is one
			writeFile(t, filepath.Join(dir, name), "")
			continue
		}
		writeFile(t, filepath.Join(dir, name), "1")
	}
	for _, tmp := range []string{".~tmp~", "a/.~tmp~"} { // as rsync makes them
		check(t, os.Chmod(filepath.Join(dir, tmp), 0o700))
	}
	m := rsynctest.Module{Name: "m", Path: dir, Extra: []string{"exclude = secret"}}
	if os.Getuid() == 0 {
		m.Extra = append(m.Extra, "uid = nobody", "gid = nogroup")
	}
	srv := rsynctest.Start(t, m)
	for _, program := range []string{"", rsynctest.Program(t)} {
		for v := oldestVersion; v <= newestVersion; v++ {
			if program != "" && v < newestVersion {
				continue
			}
			l := newLister(t, srv.URL("m"), listing.Options{RsyncProgram: program})
			l.newest = v
			got, sum, err := collect(t, l, "")
			if keys := fmt.Sprint(sortedKeys(got)); err != nil || !sum.Complete() || keys != "[a a/f b b/.~tmp~ b/.~tmp~x b/.~tmp~x/i b/x.~tmp~]" {
				t.Errorf("program %q, version %d: %s, %+v, %v", program, v, keys, sum, err)
			}
			if _, _, err := collect(t, l, "a/secret"); !errors.Is(err, listing.ErrNoFolder) {
				t.Errorf("program %q, version %d, hidden folder: %v", program, v, err)
			}
		}
	}
}

// TestSkip: what is skipped, and all below it, is not yielded, and not missed.
func TestSkip(t *testing.T) {
	t.Parallel()
	list := rootEntry + entry("no", 0o040755) + entry("f", 0o100644) + entry("skip", 0o100644) + entry("yes", 0o040755) +
		entry("no/a", 0o040755) + entry("no/f", 0o100644) + entry("no/a/f", 0o100644) + entry("yes/no", 0o100644) +
		entry("yes/a", 0o040755) + entry("yes/a/f", 0o100644) + entry("no/a/g", 0o100644) + entry(".~tmp~/x", 0o100644)
	l := newLister(t, fake(t, stream(frame(tagData, list+"\x00"))), listing.Options{Skip: func(path string, dir bool) bool {
		return path == "no" && dir || path == "skip" && !dir
	}})
	got, sum, err := collect(t, l, "")
	if keys := fmt.Sprint(sortedKeys(got)); err != nil || !sum.Complete() || sum.Entries != 5 || keys != "[f yes yes/a yes/a/f yes/no]" {
		t.Errorf("%s, %+v, %v", keys, sum, err)
	}
	// What was asked for is not skipped, nor are folders above it.
	l = newLister(t, fake(t, stream(frame(tagData, rootEntry+entry("f", 0o100644)+entry("no", 0o040755)+entry("no/f", 0o100644)+"\x00"))),
		listing.Options{Skip: func(path string, dir bool) bool { return dir && path != "no/a/no" || !dir }})
	got, _, err = collect(t, l, "no/a")
	if keys := fmt.Sprint(sortedKeys(got)); err != nil || keys != "[no/a/no]" {
		t.Errorf("below what is skipped: %s, %v", keys, err)
	}
}

// TestDiesLate: a connection that ends shortly before the list does makes an
// error of the whole, in each version.
func TestDiesLate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for i := range 1500 {
		writeFile(t, filepath.Join(dir, fmt.Sprintf("d%d/some name of a file %d", i%10, i)), "")
	}
	srv := rsynctest.Start(t, rsynctest.Module{Name: "m", Path: dir})
	for _, v := range []int{29, newestVersion} {
		whole := make(chan int, 1)
		count := fake(t, func(c net.Conn, r *bufio.Reader) { whole <- passSome(c, r, srv.Addr(), 1<<30) })
		l := newLister(t, count, listing.Options{})
		l.newest = v
		if _, _, err := collect(t, l, ""); err != nil {
			t.Fatal(err)
		}
		sent := <-whole
		l = newLister(t, fake(t, func(c net.Conn, r *bufio.Reader) { passSome(c, r, srv.Addr(), sent*99/100) }), listing.Options{})
		l.newest = v
		got, sum, err := collect(t, l, "")
		if err == nil || len(got) < 1000 || sum.Entries != len(got) {
			t.Errorf("version %d: %d entries, %+v, %v", v, len(got), sum, err)
		}
	}
}

// passSome is a server that passes on limit bytes of another, then dies.
func passSome(c net.Conn, r *bufio.Reader, address string, limit int) int {
	there, err := net.Dial("tcp", address)
	if err != nil {
		return 0
	}
	defer there.Close()
	go io.Copy(there, r)
	n, _ := io.CopyN(c, there, int64(limit))
	return int(n)
}
