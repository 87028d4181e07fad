package note

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestLimits(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	big := `{"paths":["` + strings.Repeat("x", MaxBody) + `"]}`
	if status, _, _ := o.send("POST", "/hooks", big, signed("POST", "/hooks", big, token, o.now)); status != http.StatusRequestEntityTooLarge {
		t.Errorf("a large body: %d", status)
	}
	// One that does not say how long it is.
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, o.url+"/hooks", io.MultiReader(bytes.NewReader(make([]byte, MaxBody)), strings.NewReader("x")))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("a large body in chunks: %d", resp.StatusCode)
	}

	note := func(name string, i int) int {
		body := fmt.Sprintf(`{"mirror":%q,"nonce":"%d"}`, name, i)
		status, h, _ := o.send("POST", "/hooks", body, signed("POST", "/hooks", body, token, o.now))
		if status == http.StatusTooManyRequests && h.Get("Retry-After") != "6" {
			t.Errorf("Retry-After %q", h.Get("Retry-After"))
		}
		return status
	}
	for i := range notesBurst {
		if status := note("alpha", i); status != http.StatusAccepted {
			t.Fatalf("note %d: %d", i, status)
		}
	}
	if status := note("alpha", 98); status != http.StatusTooManyRequests {
		t.Errorf("one too many: %d", status)
	}
	if status := note("beta", 1); status != http.StatusAccepted {
		t.Errorf("another's: %d", status)
	}
	o.now = o.now.Add(notesEvery)
	if status := note("alpha", 99); status != http.StatusAccepted {
		t.Errorf("after a while: %d", status)
	}
	if w := o.wishes(); len(w) != 2 || w[0].Times+w[1].Times != notesBurst+2 {
		t.Errorf("wishes %+v", w)
	}
}

// A client that sends its body slowly keeps a place, of which each client has a
// few, and others still get through.
func TestSlowBody(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	var lines []net.Conn
	for range maxInsideEach {
		c, err := net.Dial("tcp", strings.TrimPrefix(o.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprintf(c, "POST /hooks HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
		lines = append(lines, c)
	}
	inside := func() int {
		o.rc.Memory.mu.Lock()
		defer o.rc.Memory.mu.Unlock()
		return o.rc.Memory.total
	}
	for inside() < maxInsideEach {
		time.Sleep(time.Millisecond)
	}
	body := `{"mirror":"alpha"}`
	status, h, _ := o.send("POST", "/hooks", body, signed("POST", "/hooks", body, token, o.now))
	if status != http.StatusServiceUnavailable || h.Get("Retry-After") != "1" {
		t.Errorf("of the same client: %d", status)
	}
	o.addr = netip.MustParseAddr("2001:db8::1")
	if status, _, b := o.send("POST", "/hooks", body, signed("POST", "/hooks", body, token, o.now)); status != http.StatusAccepted {
		t.Errorf("of another client: %d %s", status, b)
	}
	for _, c := range lines {
		c.Close()
	}
	for inside() > 0 {
		time.Sleep(time.Millisecond)
	}
}

// A body that never ends is not waited for, whatever the answer was.
func TestBodyTakesTooLong(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.rc.bodyTime = 100 * time.Millisecond
	for method, want := range map[string]string{"POST": "HTTP/1.1 400 ", "PUT": "HTTP/1.1 405 "} {
		c, err := net.Dial("tcp", strings.TrimPrefix(o.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprintf(c, "%s /hooks HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{", method)
		_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
		b, err := io.ReadAll(c)
		if err != nil || !strings.HasPrefix(string(b), want) {
			t.Errorf("%s: %v %s", method, err, b)
		}
	}
}

func TestDatabaseAway(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	if err := o.db.Close(); err != nil {
		t.Fatal(err)
	}
	body := `{"mirror":"alpha"}`
	for _, r := range []struct{ method, path, body string }{{"POST", "/hooks", body}, {"GET", "/hooks/alpha:1", ""}} {
		status, h, b := o.send(r.method, r.path, r.body, signed(r.method, r.path, r.body, token, o.now))
		if status != http.StatusServiceUnavailable || h.Get("Retry-After") == "" || strings.Contains(b, "sql") {
			t.Errorf("%s: %d %v %s", r.method, status, h, b)
		}
	}
}

// Whatever a sender puts into a note, no header of the answer is its own.
func TestNoHeadersInjected(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.secure = true
	for _, body := range []string{`{"mirror":"a\r\nX: y"}`, `{"paths":["a\r\nX: y/"]}`, `{"mirror":"alpha","nonce":"\r\nX: y"}`} {
		_, h, _ := o.send("POST", "/hooks", body, http.Header{"Authorization": {"Bearer " + token}})
		if h.Get("X") != "" || strings.ContainsAny(h.Get("Location"), "\r\n") {
			t.Errorf("%s: %v", body, h)
		}
	}
	if status, _, _ := o.send("GET", "/hooks/a%0d%0aX:%20y", "", http.Header{"Authorization": {"Bearer " + token}}); status != http.StatusNotFound {
		t.Errorf("id with a line break: %d", status)
	}
}
