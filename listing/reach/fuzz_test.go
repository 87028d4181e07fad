package reach

import (
	"bytes"
	"net"
	"strings"
	"testing"
)

// heard is a connection on which the other side says what it was given.
type heard struct {
	net.Conn
	in  *bytes.Reader
	out bytes.Buffer
}

func (h *heard) Read(b []byte) (int, error)  { return h.in.Read(b) }
func (h *heard) Write(b []byte) (int, error) { return h.out.Write(b) }

// FuzzConnect reads anything as a proxy's answer: what follows its head is left
// to who asked for the tunnel.
func FuzzConnect(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n@RSYNCD: 31.0\n"), "m.example:873")
	f.Add([]byte("HTTP/1.0 403 no\n\n"), "m.example:873")
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"), "[::1]:21")
	f.Fuzz(func(t *testing.T, answer []byte, address string) {
		h := &heard{in: bytes.NewReader(answer)}
		err := connect(h, address, nil)
		if said := h.out.String(); strings.Count(said, "\r\n") != 3 && said != "" {
			t.Errorf("said %q", said)
		}
		if err != nil {
			return
		}
		head := answer[:len(answer)-h.in.Len()]
		if !bytes.HasSuffix(head, []byte("\n\n")) && !bytes.HasSuffix(head, []byte("\r\n\r\n")) {
			t.Errorf("read %q", head)
		}
	})
}

// FuzzProxy reads anything as a proxy's URL, and gives no password away.
func FuzzProxy(f *testing.F) {
	for _, s := range []string{"http://u:geheim@proxy:3128", "socks5://[::1]:1080/", "https://u:geheim@x/y", "://geheim@x", "http://u:geheim@h:x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		d, err := New(Options{Proxy: raw})
		if err == nil && d.Proxied() && (d.proxy.Hostname() == "" || d.proxy.Port() == "") {
			t.Errorf("%q: %v", raw, d.proxy)
		}
	})
}
