package ftp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/mirrortest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
)

// served is a server that sends the listing by a function.
func served(t *testing.T, send func(w io.Writer)) string {
	t.Helper()
	f := &fake{folders: map[string]string{"/home": ""}, stream: send}
	return f.start(t)
}

// TestEndless: listings that never end, and ones that hardly begin, are left when
// the limits say so.
func TestEndless(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		url    string
		limits listing.Limits
	}{
		"the same again": {served(t, func(w io.Writer) {
			for err := error(nil); err == nil; {
				_, err = io.WriteString(w, fileLine+"f\r\n")
			}
		}), listing.Limits{Idle: 300 * time.Millisecond}},
		"always another": {served(t, func(w io.Writer) {
			var err error
			for i := 0; err == nil; i++ {
				_, err = fmt.Fprintf(w, "%sf%d\r\n", fileLine, i)
			}
		}), listing.Limits{Entries: 10_000}},
		"a line without end": {served(t, func(w io.Writer) {
			for err := error(nil); err == nil; {
				_, err = io.WriteString(w, strings.Repeat("x", 1<<16))
			}
		}), listing.Limits{Idle: 300 * time.Millisecond}},
		"a byte now and then": {served(t, func(w io.Writer) {
			for err := error(nil); err == nil; time.Sleep(5 * time.Millisecond) {
				_, err = io.WriteString(w, "-")
			}
		}), listing.Limits{Idle: 300 * time.Millisecond}},
		"hangs": {listening(t, func(c net.Conn) { io.Copy(io.Discard, c) }), listing.Limits{Time: 300 * time.Millisecond}},
		"a reply without end": {listening(t, func(c net.Conn) {
			for err := error(nil); err == nil; time.Sleep(5 * time.Millisecond) {
				_, err = io.WriteString(c, "2")
			}
		}), listing.Limits{Idle: 300 * time.Millisecond}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, err := New(c.url, listing.Options{})
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			_, err = listing.Bounded(l, c.limits).List(t.Context(), "", func(listing.Entry) error { return nil })
			if _, ok := errors.AsType[*listing.LimitError](err); !ok || time.Since(start) > 20*time.Second {
				t.Errorf("%v after %v", err, time.Since(start))
			}
		})
	}
}

// listening is a server that does with connections what it is told.
func listening(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				serve(c)
			}()
		}
	}()
	return "ftp://" + l.Addr().String() + "/"
}

// TestSilence: a server that hangs, when it was connected to or later, is left
// after the timeout.
func TestSilence(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{
		"after connecting": listening(t, func(c net.Conn) { io.Copy(io.Discard, c) }),
		"in the listing":   served(t, func(w io.Writer) { io.WriteString(w, fileLine+"f\r\n"); time.Sleep(time.Second) }),
	} {
		l, err := New(url, listing.Options{Timeout: 100 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		if _, sum, err := list(t, l, ""); err == nil {
			t.Errorf("%s: %+v", name, sum)
		}
	}
}

// TestDiesLate: a listing that breaks off, as the control connection does, is not
// whole.
func TestDiesLate(t *testing.T) {
	t.Parallel()
	f := fake{folders: map[string]string{"/home": fileLine + "f\r\n" + fileLine[:20]}, done: "426 Connection closed; transfer aborted."}
	if _, sum, err := list(t, open(t, f.start(t)), ""); err == nil {
		t.Errorf("%+v", sum)
	}
	f = fake{folders: map[string]string{"/home": fileLine + "f\r\n"}, done: "drop"}
	if _, sum, err := list(t, open(t, f.start(t)), ""); err == nil {
		t.Errorf("%+v", sum)
	}
}

// TestHostileNames yields nothing that no file can be called.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	bad := []string{"../x", "a/../../b", "/etc/passwd", "nul\x00", strings.Repeat("n", 4000), "a/b", strings.Repeat("n", 256)}
	for _, name := range append(bad, "..", ".", "good", "carriage\rreturn", "tab\tname") {
		b.WriteString(fileLine + name + "\r\n")
		b.WriteString(dirLine + name + "\r\n")
	}
	f := fake{folders: map[string]string{"/home": b.String(), "/home/good": ""}}
	got, sum, err := list(t, open(t, f.start(t)), "")
	if err != nil || !sum.Complete() || len(got) != 3 || sum.Refused != len(bad) {
		t.Errorf("%v, %+v, %v", got, sum, err)
	}
}

// TestMillionEntries lists a folder with a million files in little memory.
func TestMillionEntries(t *testing.T) { //nolint:paralleltest // it measures the heap
	const million = mirrortest.Million
	url := served(t, func(w io.Writer) {
		b := make([]byte, 0, 64<<10)
		for i := range million {
			b = fmt.Appendf(b, "%spackage_%d_amd64.deb\r\n", fileLine, i)
			if len(b) > 60<<10 || i == million-1 {
				io.Copy(w, bytes.NewReader(b))
				b = b[:0]
			}
		}
	})
	grown := mirrortest.WatchHeap(t)
	n := 0
	sum, err := open(t, url).List(t.Context(), "", func(listing.Entry) error { n++; return nil })
	if err != nil || !sum.Complete() || n != million || sum.Entries != million {
		t.Errorf("%d entries, %+v, %v", n, sum, err)
	}
	grown("a million entries", 150)
}

// TestDNSGone: the host that DNS does not know is named.
func TestDNSGone(t *testing.T) {
	t.Parallel()
	_, _, err := list(t, open(t, "ftp://u:geheim@gone.invalid/"), "")
	if err == nil || !strings.Contains(err.Error(), "DNS") || !strings.Contains(err.Error(), `host "gone.invalid"`) || strings.Contains(err.Error(), "geheim") {
		t.Errorf("got %v", err)
	}
}
