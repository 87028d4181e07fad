package ftp

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/mirrortest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/proxytest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
)

// TestSource expects the control and the data connections to come from the
// source address.
func TestSource(t *testing.T) {
	t.Parallel()
	f := fake{folders: map[string]string{"/home": fileLine + "f\r\n"}}
	url := f.start(t)
	l, err := New(url, listing.Options{Source: "127.0.0.9"})
	if err != nil {
		t.Fatal(err)
	}
	got, sum, err := list(t, l, "")
	if err != nil || !sum.Complete() || len(got) != 1 {
		t.Errorf("%v, %+v, %v", got, sum, err)
	}
	f.mu.Lock()
	if from := strings.Join(f.from, " "); from != "127.0.0.9 127.0.0.9" {
		t.Errorf("connections came from %s", from)
	}
	f.mu.Unlock()
	l, err = New(url, listing.Options{Source: "::1"})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := list(t, l, ""); err == nil || !strings.Contains(err.Error(), "no IPv6 address") {
		t.Errorf("IPv4 from an IPv6 address: %v", err)
	}
}

// TestProxies lists through proxies, data connections and all.
func TestProxies(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files := mirrortest.Tree(t, dir)
	s := mirrortest.Vsftpd(t, dir)
	for _, scheme := range []string{"http", "socks5"} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			p := proxytest.Start(t, scheme, "me", "p@ss")
			l, err := New(s.URL, listing.Options{Proxy: p.URL})
			if err != nil {
				t.Fatal(err)
			}
			got, sum, err := list(t, l, "")
			if err != nil || !sum.Complete() || len(got) < len(files) {
				t.Errorf("%d entries, %+v, %v", len(got), sum, err)
			}
			if n := len(p.Asked()); n < 3 {
				t.Errorf("%d connections went through the proxy", n)
			}
		})
	}
}

// TestPasvAddress: a server that names somebody else's address for the data
// connection does not make us talk to them.
func TestPasvAddress(t *testing.T) {
	t.Parallel()
	victim, err := net.Listen("tcp", "127.0.0.7:0")
	if err != nil {
		t.Fatal(err)
	}
	defer victim.Close()
	var touched sync.WaitGroup
	touched.Go(func() {
		if c, err := victim.Accept(); err == nil {
			c.Close()
			t.Error("the address in the reply to PASV was connected to")
		}
	})
	port := victim.Addr().(*net.TCPAddr).Port
	f := fake{replies: map[string]string{"PASV": fmt.Sprintf("227 Passive (127,0,0,7,%d,%d)", port>>8, port&255)}}
	f.raw = true
	l, err := New(f.start(t), listing.Options{Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := list(t, l, ""); err == nil {
		t.Error("no error")
	}
	victim.Close()
	touched.Wait()
}

// TestPasswordFile logs a user of the URL in.
func TestPasswordFile(t *testing.T) {
	t.Parallel()
	s := mirrortest.GoFTP(t, t.TempDir(), mirrortest.Options{User: "me", Password: "p@ss w"})
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("p@ss w\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for user, want := range map[string]error{"me@": nil, "me:other@": listing.ErrAuth, "": listing.ErrAuth} {
		l, err := New(strings.Replace(s.URL, "://", "://"+user, 1), listing.Options{PasswordFile: file})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := list(t, l, ""); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", user, err, want)
		}
	}
	l, err := New(strings.Replace(s.URL, "://", "://me@", 1), listing.Options{PasswordFile: file + "x"})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := list(t, l, ""); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without the file: %v", err)
	}
}

// TestFollowedLinks lists a server that shows links as what they lead to: one to
// a folder above itself must not be descended for ever, and costs nothing.
func TestFollowedLinks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"utf-8-ünï-日本.txt", "a/f", "a/semi;colon", "a/b/ leading"} {
		mirrortest.File(t, filepath.Join(dir, name), 4<<30+1, mirrortest.TreeTime)
	}
	files := mirrortest.Files(t, dir)
	if err := os.Symlink("..", filepath.Join(dir, "a/up")); err != nil {
		t.Fatal(err)
	}
	s := mirrortest.PyFTPD(t, dir)
	got, sum, err := list(t, open(t, s.URL), "")
	if err != nil || !sum.Complete() || len(got) > 60 {
		t.Fatalf("%d entries, %+v, %v", len(got), sum, err)
	}
	for path, info := range files {
		e := got[path]
		if !e.SizeExact() || e.SizeMin != info.Size() || e.MTime != info.ModTime().UnixNano() || e.Precision != time.Second {
			t.Errorf("%q: %+v", path, e)
		}
	}
}

// TestSkip: what is skipped is neither yielded nor visited, nor missed.
func TestSkip(t *testing.T) {
	t.Parallel()
	f := fake{
		folders: map[string]string{"/home": fileLine + "f\r\n" + fileLine + "skip\r\n" + dirLine + "no\r\n" + dirLine + "yes\r\n", "/home/yes": fileLine + "g\r\n"},
		replies: map[string]string{"CWD /home/no": "550 closed"},
	}
	l, err := New(f.start(t), listing.Options{Skip: func(path string, dir bool) bool { return path == "skip" && !dir || path == "no" && dir }})
	if err != nil {
		t.Fatal(err)
	}
	got, sum, err := list(t, l, "")
	if err != nil || !sum.Complete() || len(got) != 3 || sum.Entries != 3 {
		t.Errorf("%v, %+v, %v", got, sum, err)
	}
}
