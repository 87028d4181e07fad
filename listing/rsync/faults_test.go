package rsync

import (
	"bufio"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/mirrortest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
)

// short encodes a file in the folder of the one before, of the same mode and time.
func short(b []byte, keep byte, rest string) []byte {
	b = append(b, flagSameName|flagSameMode|flagSameTime, keep, byte(len(rest)))
	b = append(b, rest...)
	return append(b, 0, 5, 0) // size
}

// TestMillionEntries lists a folder with a million files in little memory.
func TestMillionEntries(t *testing.T) { //nolint:paralleltest // it measures the heap
	const million = mirrortest.Million
	url := fake(t, func(c net.Conn, r *bufio.Reader) {
		upToList(c, r)
		data := []byte(rootEntry + entry("package_", 0o100644))
		for i := range million - 1 {
			data = short(data, byte(len("package_")), strconv.Itoa(i)+"_amd64.deb")
			if len(data) > 30<<10 {
				io.WriteString(c, frame(tagData, string(data)))
				data = data[:0]
			}
		}
		io.WriteString(c, frame(tagData, string(append(data, 0))))
		io.CopyN(io.Discard, r, 25)
	})
	grown := mirrortest.WatchHeap(t)
	n := 0
	sum, err := newLister(t, url, listing.Options{}).List(t.Context(), "", func(listing.Entry) error { n++; return nil })
	if err != nil || !sum.Complete() || n != million || sum.Entries != million {
		t.Errorf("%d entries, %+v, %v", n, sum, err)
	}
	grown("a million entries", 32)
}

// TestEndless: lists that never end, and ones that hardly begin, are left when
// the limits say so.
func TestEndless(t *testing.T) {
	t.Parallel()
	drip := func(c net.Conn, text string) {
		for i := 0; ; i = (i + 1) % len(text) {
			if _, err := io.WriteString(c, text[i:i+1]); err != nil {
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
	for name, c := range map[string]struct {
		serve  func(net.Conn, *bufio.Reader)
		limits listing.Limits
	}{
		"the same again": {func(c net.Conn, r *bufio.Reader) {
			upToList(c, r)
			io.WriteString(c, frame(tagData, rootEntry))
			endless(c, frame(tagData, entry("a", 0o100644)))
		}, listing.Limits{Entries: 5000}},
		"deeper and deeper": {func(c net.Conn, r *bufio.Reader) {
			upToList(c, r)
			io.WriteString(c, frame(tagData, rootEntry))
			for i := 1; ; i++ {
				if _, err := io.WriteString(c, frame(tagData, entry(strings.Repeat("d/", i%30000)+"d", 0o040755))); err != nil {
					return
				}
			}
		}, listing.Limits{Time: 500 * time.Millisecond}},
		"one name, a byte at a time": {func(c net.Conn, r *bufio.Reader) {
			upToList(c, r)
			io.WriteString(c, frame(tagData, rootEntry))
			drip(c, frame(tagData, entry(strings.Repeat("d/", 7000)+"x", 0o100644)))
		}, listing.Limits{Idle: 200 * time.Millisecond}},
		"skipped for ever": {func(c net.Conn, r *bufio.Reader) {
			upToList(c, r)
			io.WriteString(c, frame(tagData, rootEntry))
			endless(c, frame(tagData, entry(".~tmp~/a", 0o100644)))
		}, listing.Limits{Idle: 200 * time.Millisecond}},
		"hangs": {func(c net.Conn, r *bufio.Reader) { io.Copy(io.Discard, r) }, listing.Limits{Time: 200 * time.Millisecond}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLister(t, fake(t, c.serve), listing.Options{})
			start := time.Now()
			_, err := listing.Bounded(l, c.limits).List(t.Context(), "", func(listing.Entry) error { return nil })
			if _, ok := errors.AsType[*listing.LimitError](err); !ok || time.Since(start) > 20*time.Second {
				t.Errorf("%v after %v", err, time.Since(start))
			}
		})
	}
}

// TestDNSGone: the host that DNS does not know is named.
func TestDNSGone(t *testing.T) {
	t.Parallel()
	_, _, err := collect(t, newLister(t, "rsync://u:geheim@gone.invalid/m/", listing.Options{}), "")
	if err == nil || !strings.Contains(err.Error(), "DNS") || !strings.Contains(err.Error(), `host "gone.invalid"`) || strings.Contains(err.Error(), "geheim") {
		t.Errorf("got %v", err)
	}
}
