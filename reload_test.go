package mirrorbrain

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// The tests in this file run Caddy itself and must not run in parallel.

func TestFailedReload(t *testing.T) {
	d := newDepot(t)
	d.file("f.bin")
	d.mirror(mirror.Mirror{Name: "m"}, "f.bin")
	other := newDepot(t)
	s := newServer(t)
	s.load("database "+d.url, d.plain(""))
	s.ready()
	working := databaseOf(t)
	before := settled()

	busy, err := net.Listen("tcp", "127.0.0.1:0")
	d.must(err)
	defer busy.Close()
	for name, cfg := range map[string][]byte{
		"provision":       s.config("database "+d.url+"\ngeoip /nonexistent/City.mmdb", d.plain("")),
		"provision other": s.config("database "+other.url+"\ngeoip /nonexistent/City.mmdb", d.plain("")),
		"validate":        s.config("database "+other.url, d.plain("head maybe")),
		"start":           s.config("database "+other.url, d.plain("")+"\n}\nhttp://"+busy.Addr().String()+" {\nrespond hi"),
		"start same":      s.config("database "+d.url, d.plain("")+"\n}\nhttp://"+busy.Addr().String()+" {\nrespond hi"),
	} {
		for range 3 {
			if err := caddy.Load(cfg, true); err == nil {
				t.Fatalf("%s: loaded", name)
			}
		}
		s.wants("/f.bin", "", 302, "http://m.example/pub/f.bin")
		if databaseOf(t) != working || working.closed.Load() {
			t.Errorf("%s: the database that was in use is not any more", name)
		}
	}
	if n, _ := databases.References(databaseKey(d.url, 0)); n != 1 {
		t.Errorf("%d references to the database", n)
	}
	if n, ok := databases.References(databaseKey(other.url, 0)); ok {
		t.Errorf("%d references to a database of configurations that failed", n)
	}
	if after := settled(); after > before+5 {
		t.Errorf("%d goroutines, %d before the failures", after, before)
	}
	// What is written later still arrives.
	d.index(fileSize, "g.bin")
	d.write("g.bin", fileSize)
	d.mirror(mirror.Mirror{Name: "n"}, "g.bin")
	s.until("the catalog follows", func() bool {
		resp, _ := s.get("/g.bin", "")
		return resp.Header.Get("Location") == "http://n.example/pub/g.bin"
	})
}

// settled gives the number of goroutines when it has stopped falling.
func settled() int {
	client.CloseIdleConnections()
	n := runtime.NumGoroutine()
	for steady := 0; steady < 10; {
		time.Sleep(50 * time.Millisecond)
		if m := runtime.NumGoroutine(); m < n {
			n, steady = m, 0
		} else {
			steady++
		}
	}
	return n
}

func TestFiftyReloadsUnderLoad(t *testing.T) {
	d, other := newDepot(t), newDepot(t)
	for _, x := range []*depot{d, other} {
		x.file("f.bin", "local.bin")
		x.mirror(mirror.Mirror{Name: "m"}, "f.bin")
	}
	city, asn := geo(t)
	s := newServer(t)
	s.load("database "+d.url, d.plain(""))
	s.ready()
	s.get("/f.bin", "")
	before := settled()

	stop := make(chan struct{})
	var wg sync.WaitGroup
	var asked, answered, wrong atomic.Int64
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				path, want := "/f.bin", 302
				if asked.Add(1)%5 == 0 {
					path, want = "/local.bin", 200
				}
				resp, _, err := s.do(http.MethodGet, path, "192.0.2.1")
				// Closing a listener, as Caddy does at each reload, makes the kernel
				// reset the connections that nobody has accepted yet. And while a
				// database is new, its catalog is not there yet.
				if err == nil && resp.StatusCode != want && resp.StatusCode != http.StatusOK {
					wrong.Add(1)
					t.Logf("%s: %d", path, resp.StatusCode)
				} else if err == nil {
					answered.Add(1)
				}
			}
		})
	}
	apps := []string{
		"database " + d.url,
		"database " + d.url + "\ngeoip " + city,
		"database " + other.url + "\ngeoip " + city + "\ngeoip_asn " + asn,
		"database " + d.url + "\nmax_connections 2",
	}
	for i := range 50 {
		s.load(apps[i%len(apps)], d.plain(fmt.Sprintf("duplicates %d", i%7)))
	}
	close(stop)
	wg.Wait()
	if n := wrong.Load(); n > 0 {
		t.Errorf("%d of %d requests went wrong", n, asked.Load())
	}
	if n := answered.Load(); n < 100 || n*10 < asked.Load()*9 {
		t.Errorf("only %d of %d requests were answered", n, asked.Load())
	}
	s.load("database "+d.url, d.plain(""))
	s.ready()
	if after := settled(); after > before+10 {
		var b bytes.Buffer
		stacks := make([]byte, 1<<20)
		b.Write(stacks[:runtime.Stack(stacks, true)])
		t.Errorf("%d goroutines, %d before:\n%s", after, before, b.String())
	}
	for _, pool := range []*caddy.UsagePool{placeFiles, networkFiles} {
		pool.Range(func(key, _ any) bool {
			t.Errorf("%v is still in a pool", key)
			return true
		})
	}
}

// A request that came before a reload with another database ends well after it.
func TestSlowRequestAcrossReload(t *testing.T) {
	d, other := newDepot(t), newDepot(t)
	d.file("f.bin")
	d.mirror(mirror.Mirror{Name: "m"}, "f.bin")
	big := filepath.Join(d.root, "big.bin")
	d.must(os.WriteFile(big, make([]byte, 64<<20), 0o644))
	s := newServer(t)
	city, _ := geo(t)
	s.load("database "+d.url+"\ngeoip "+city, d.plain(""))
	s.ready()

	conn, err := net.Dial("tcp", s.addr)
	d.must(err)
	defer conn.Close()
	_, err = fmt.Fprintf(conn, "GET /big.bin HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", s.addr)
	d.must(err)
	in := bufio.NewReader(conn)
	_, err = in.ReadString('\n')
	d.must(err)

	db := databaseOf(t)
	slot, ok := db.enter()
	if !ok {
		t.Fatal("the gate is closed")
	}
	s.load("database "+other.url, d.plain(""))
	s.until("the old database lets nobody in", func() bool { return db.closed.Load() })
	if _, ok := db.enter(); ok {
		t.Error("a closing database lets a request in")
	}
	time.Sleep(100 * time.Millisecond)
	if _, err := db.store.Head(context.Background()); err != nil {
		t.Errorf("closed under a request: %v", err)
	}
	db.leave(slot)
	s.until("the old database is closed", func() bool {
		_, err := db.store.Head(context.Background())
		return err != nil
	})

	resp, err := http.ReadResponse(bufio.NewReader(io.MultiReader(strings.NewReader("HTTP/1.1 200 OK\r\n"), in)), nil)
	d.must(err)
	defer resp.Body.Close()
	if n, err := io.Copy(io.Discard, resp.Body); n != 64<<20 || err != nil {
		t.Errorf("%d bytes, %v", n, err)
	}
	s.until("the slow request is logged", func() bool { return len(s.logged(`"uri":"/big.bin"`)) > 0 })
}
