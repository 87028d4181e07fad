package daemon

import (
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

// manager is a service manager that hears what a unit says.
func manager(t *testing.T, address string) *net.UnixConn {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func hear(t *testing.T, conn *net.UnixConn) string {
	t.Helper()
	buf := make([]byte, 4096)
	_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	n, err := conn.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	return string(buf[:n])
}

func TestUnit(t *testing.T) {
	for name, address := range map[string]string{
		"path":     t.TempDir() + "/notify",
		"abstract": fmt.Sprintf("@mirrorbrain-test-%d", os.Getpid()),
	} {
		t.Run(name, func(t *testing.T) {
			conn := manager(t, address)
			t.Setenv("NOTIFY_SOCKET", address)
			t.Setenv("WATCHDOG_USEC", "30000000")
			t.Setenv("WATCHDOG_PID", fmt.Sprint(os.Getpid()))
			u := NewUnit()
			if u == nil || u.Watchdog != 30*time.Second {
				t.Fatalf("%+v", u)
			}
			if os.Getenv("NOTIFY_SOCKET") != "" {
				t.Error("programs that this one starts may speak for it")
			}
			u.Ready()
			u.Alive()
			u.Status("two\nlines")
			u.Status("two\nlines") // is said once
			u.Stopping()
			u.Extend(time.Minute)
			for _, want := range []string{"READY=1", "WATCHDOG=1", "STATUS=two lines", "STOPPING=1", "EXTEND_TIMEOUT_USEC=60000000"} {
				if got := hear(t, conn); got != want {
					t.Errorf("heard %q, want %q", got, want)
				}
			}
			u.Reloading()
			if got := hear(t, conn); !strings.HasPrefix(got, "RELOADING=1\nMONOTONIC_USEC=") {
				t.Errorf("heard %q", got)
			}
		})
	}
}

func TestNoUnit(t *testing.T) {
	for _, address := range []string{"", "vsock:2:1234", "relative"} {
		t.Setenv("NOTIFY_SOCKET", address)
		u := NewUnit()
		if u != nil {
			t.Errorf("%q: a unit", address)
		}
		u.Ready()
		u.Alive()
		u.Status("x")
		u.Reloading()
		u.Stopping()
		u.Extend(1)
	}
	t.Setenv("NOTIFY_SOCKET", t.TempDir()+"/nobody")
	t.Setenv("WATCHDOG_USEC", "1000")
	t.Setenv("WATCHDOG_PID", "1") // another's
	u := NewUnit()
	if u.Watchdog != 0 {
		t.Error("takes another's watchdog for its own")
	}
	u.Ready() // nobody hears it
}
