package store

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/pgtest"
)

// blackhole forwards connections until it is closed up: then what is sent
// vanishes, connections stay open, and new ones are taken and never answered, as
// behind a firewall that forgot about them.
type blackhole struct {
	net.Listener
	target string
	closed atomic.Bool
	opened sync.Cond
}

func newBlackhole(t *testing.T, target string) *blackhole {
	t.Helper()
	l := must[net.Listener](t)(net.Listen("tcp", "127.0.0.1:0"))
	b := &blackhole{Listener: l, target: target}
	b.opened.L = new(sync.Mutex)
	t.Cleanup(func() { b.open(); l.Close() })
	go b.serve()
	return b
}

func (b *blackhole) serve() {
	for {
		c, err := b.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			b.pass()
			far, err := net.Dial("tcp", b.target)
			if err != nil {
				return
			}
			defer far.Close()
			go b.copy(c, far)
			b.copy(far, c)
		}()
	}
}

// pass waits while the hole is closed up.
func (b *blackhole) pass() {
	b.opened.L.Lock()
	defer b.opened.L.Unlock()
	for b.closed.Load() {
		b.opened.Wait()
	}
}

func (b *blackhole) copy(to io.WriteCloser, from io.Reader) {
	defer to.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if b.pass(); n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (b *blackhole) open() {
	b.opened.L.Lock()
	b.closed.Store(false)
	b.opened.L.Unlock()
	b.opened.Broadcast()
}

// TestBlackhole: a database whose packets vanish costs no more than the
// deadline, on connections that were open and on new ones.
func TestBlackhole(t *testing.T) {
	t.Parallel()
	dsn := pgtest.New(t)
	u := must[*url.URL](t)(url.Parse(dsn))
	b := newBlackhole(t, u.Host)
	far := strings.Replace(dsn, u.Host, b.Addr().String(), 1)
	s := open(t, far)
	must[Head](t)(s.Head(t.Context()))
	b.closed.Store(true)
	for range 3 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		began := time.Now()
		_, err := s.Head(ctx)
		cancel()
		if !errors.Is(err, ErrUnreachable) {
			t.Errorf("got %v", err)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("came back after %v", took)
		}
	}
	b.open()
	deadline := time.Now().Add(30 * time.Second)
	for {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		_, err := s.Head(ctx)
		cancel()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("never back: %v", err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}
