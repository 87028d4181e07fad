package e2e

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// gate is a server in front of another that lets the first connection's answer
// through up to some bytes, and the rest when it is opened. So a test can do
// things in the middle of a scan.
type gate struct {
	addr    string
	reached chan struct{} // closed when the first connection waits
	opened  chan struct{}
	once    sync.Once
}

func newGate(t testing.TB, host, target string, after int64) *gate {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	check(t, err)
	g := &gate{addr: l.Addr().String(), reached: make(chan struct{}), opened: make(chan struct{})}
	t.Cleanup(func() { l.Close(); g.open() })
	go func() {
		for first := true; ; first = false {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go g.pass(c, target, first, after)
		}
	}()
	return g
}

func (g *gate) pass(c net.Conn, target string, first bool, after int64) {
	defer c.Close()
	s, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer s.Close()
	go func() {
		_, _ = io.Copy(s, c) // its end is the connection's
		s.Close()
	}()
	if first {
		if _, err := io.CopyN(c, s, after); err != nil {
			return
		}
		close(g.reached)
		<-g.opened
	}
	_, _ = io.Copy(c, s)
}

func (g *gate) open() { g.once.Do(func() { close(g.opened) }) }

// wait waits until the scan hangs in the gate.
func (g *gate) wait(t testing.TB) {
	t.Helper()
	select {
	case <-g.reached:
	case <-time.After(30 * time.Second):
		t.Fatal("nothing came through the gate")
	}
}
