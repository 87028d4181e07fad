package rsync

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
)

// fake is a server that does what the test says on each connection.
func fake(t testing.TB, serve func(c net.Conn, r *bufio.Reader)) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				serve(c, bufio.NewReader(c))
			}()
		}
	}()
	return "rsync://" + ln.Addr().String() + "/m/"
}

// frame cuts data as the server does.
func frame(tag int, data string) string {
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(data))|uint32(tag+tagBase)<<24)
	return string(b) + data
}

// upToList is a polite server up to where the list begins.
func upToList(c net.Conn, r *bufio.Reader) { upToListAfter(c, r, "") }

func upToListAfter(c net.Conn, r *bufio.Reader, motd string) {
	io.WriteString(c, "@RSYNCD: 31.0\n")
	r.ReadString('\n')
	r.ReadString('\n')
	io.WriteString(c, motd+"@RSYNCD: OK\n")
	for end := 0; end < 2; { // the empty argument
		b, err := r.ReadByte()
		if err != nil {
			return
		}
		if b == 0 {
			end++
		} else {
			end = 0
		}
	}
	io.WriteString(c, "\x08seed") // compatibility flags, seed
	io.ReadFull(r, make([]byte, 8))
}

// rootEntry is the listed folder itself.
const rootEntry = "\x19\x01.\x00\x00\x10\x6b\xbf\x12\x02\xed\x41\x00\x00"

// entry encodes a file of 5 bytes without using the one before.
func entry(name string, mode uint32) string {
	b := []byte{1 | flagLongName}
	n := len(name) // varint of up to 4 bytes
	b = append(b, 0xE0|byte(n>>24), byte(n), byte(n>>8), byte(n>>16))
	b = append(b, name...)
	b = append(b, 0, 5, 0)    // size
	b = append(b, 0, 1, 2, 3) // mtime
	return string(binary.LittleEndian.AppendUint32(b, mode))
}

func stream(parts ...string) func(net.Conn, *bufio.Reader) {
	return func(c net.Conn, r *bufio.Reader) {
		upToList(c, r)
		for _, p := range parts {
			io.WriteString(c, p)
		}
		io.CopyN(io.Discard, r, 25) // the goodbye, if it comes so far
	}
}

// endless sends one thing after another for ever.
func endless(c net.Conn, what string) {
	b := []byte(strings.Repeat(what, 1+64<<10/len(what)))
	for {
		if _, err := c.Write(b); err != nil {
			return
		}
	}
}

const testTimeout = 300 * time.Millisecond

// TestHostile gives the client servers that mean no good; each must end in an
// error within a few timeouts.
func TestHostile(t *testing.T) {
	t.Parallel()
	greet := func(c net.Conn, r *bufio.Reader) {
		io.WriteString(c, "@RSYNCD: 31.0\n")
		r.ReadString('\n')
		r.ReadString('\n')
	}
	silent := func(c net.Conn, r *bufio.Reader) { io.Copy(io.Discard, r) }
	say := func(text string) func(net.Conn, *bufio.Reader) {
		return func(c net.Conn, r *bufio.Reader) {
			io.WriteString(c, text)
			io.Copy(io.Discard, r)
		}
	}
	tests := []struct {
		name  string
		serve func(net.Conn, *bufio.Reader)
		words string
		is    error
	}{
		{"silence", silent, "silent", nil},
		{"hangs up", func(net.Conn, *bufio.Reader) {}, "greeting", nil},
		{"not rsync", say("220 ftp ready\n"), "greeting", errProtocol},
		{"busy at once", say("@ERROR: max connections (5) reached -- try again later\n"), "max", listing.ErrBusy},
		{"no number", say("@RSYNCD: x\n"), "greeting", errProtocol},
		{"too old", say("@RSYNCD: 26\n"), "oldest", nil},
		{"endless greeting", func(c net.Conn, _ *bufio.Reader) { endless(c, "x") }, "message of the day", errProtocol},
		{"endless motd", func(c net.Conn, r *bufio.Reader) { greet(c, r); endless(c, "hello\n\x00\r") }, "message of the day", errProtocol},
		{"trickling motd", func(c net.Conn, r *bufio.Reader) {
			greet(c, r)
			for {
				if _, err := io.WriteString(c, "x"); err != nil {
					return
				}
				time.Sleep(testTimeout / 5)
			}
		}, "too long", nil},
		{"silent motd", func(c net.Conn, r *bufio.Reader) { greet(c, r); silent(c, r) }, "silent", nil},
		{"exit", func(c net.Conn, r *bufio.Reader) { greet(c, r); say("@RSYNCD: EXIT\n")(c, r) }, "ended", nil},
		{"unknown digests", func(c net.Conn, r *bufio.Reader) {
			io.WriteString(c, "@RSYNCD: 40.0 sha9\n")
			r.ReadString('\n')
			say("@RSYNCD: AUTHREQD xyz\n")(c, r)
		}, "sha9", nil},
		{"incremental", func(c net.Conn, r *bufio.Reader) { greet(c, r); say("@RSYNCD: OK\n\x09seed")(c, r) }, "0x9", errProtocol},
		{"varint flags", func(c net.Conn, r *bufio.Reader) { greet(c, r); say("@RSYNCD: OK\n\x80\x80seed")(c, r) }, "0x80", errProtocol},
		{"silent list", stream(frame(tagData, rootEntry)), "silent", nil},
		{"cut list", func(c net.Conn, r *bufio.Reader) { upToList(c, r); io.WriteString(c, frame(tagData, rootEntry)) }, "EOF", io.ErrUnexpectedEOF},
		{"no root", stream(frame(tagData, "\x00")), "nothing", nil},
		{"no root but files", stream(frame(tagData, entry("a", 0o100644)+"\x00")), "nothing", nil},
		{"unknown tag", stream(frame(55, "x")), "unknown kind 55", errProtocol},
		{"below tags", stream("\x00\x00\x00\x01"), "unknown kind", errProtocol},
		{"long name", stream(frame(tagData, entry(strings.Repeat("x", 70000), 0o100644))), "name of 70000", errProtocol},
		{"huge name", stream(frame(tagData, "\x41\xF0\xFF\xFF\xFF\x7F")), "name of 2147483647", errProtocol},
		{"negative name", stream(frame(tagData, "\x41\xF0\xFF\xFF\xFF\xFF")), "name of -1", errProtocol},
		{"huge integer", stream(frame(tagData, "\x41\xFF")), "integer of 7", errProtocol},
		{"keeps too much", stream(frame(tagData, rootEntry+"\x39\x09\x01x")), "keeps 9", errProtocol},
		{"huge time", stream(frame(tagData, "\x19\x01x\x00\x00\x00\xFF")), "64-bit integer of 10", errProtocol},
		{"negative size", stream(frame(tagData, "\x19\x01x\xFC\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x00\x00\x00\x00\x00\x00\x00\x00")), "negative size", errProtocol},
		{"nanoseconds", stream(frame(tagData, "\x1d\x20\x01x\x00\x00\x00\x00\x00\x00\x00\xF0\x00\xCA\x9A\x3B")), "nanoseconds", errProtocol},
		{"hard link", stream(frame(tagData, "\x1d\x02\x01x")), "hard link", errProtocol},
		{"huge target", stream(frame(tagData, entry("l", 0o120777)+"\xF0\xFF\xFF\xFF\x7F")), "target of", errProtocol},
		{"endless messages", func(c net.Conn, r *bufio.Reader) {
			upToList(c, r)
			endless(c, frame(tagInfo, strings.Repeat("noise ", 20000)))
		}, "messages without data", errProtocol},
		{"huge message", stream("\xFF\xFF\xFF\x09short"), "silent", nil},
		{"gives up", stream(frame(tagError, "disk on fire\n") + frame(tagErrorExit, "\x0b\x00\x00\x00")), "(exit code 11): disk on fire", nil},
		{"gives up silently", stream(frame(tagErrorExit, "")), "gave up", nil},
		{"hangs up with a reason", func(c net.Conn, r *bufio.Reader) {
			upToList(c, r)
			io.WriteString(c, frame(tagErrorXfer, "no \x1b[2Jreason\xff\n"))
		}, "no ?[2Jreason?", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			timeout := testTimeout
			if strings.HasPrefix(tt.name, "endless") {
				timeout = time.Minute // so that it is not what ends them
			}
			l := newLister(t, strings.Replace(fake(t, tt.serve), "rsync://", "rsync://u:p@", 1), listing.Options{Timeout: timeout})
			start := time.Now()
			_, err := l.List(context.Background(), "", func(listing.Entry) error { return nil })
			if err == nil || !strings.Contains(err.Error(), tt.words) || tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("%v; want %q, %v", err, tt.words, tt.is)
			}
			if d := time.Since(start); d > 40*time.Second {
				t.Errorf("it took %s", d)
			}
		})
	}
}

// TestNoise lists a server that has much to say first, some of it like the
// protocol, and of which rsync's own client understands nothing.
func TestNoise(t *testing.T) {
	t.Parallel()
	motd := strings.Repeat("Welcome\x00 to \xff\xfe\x1b[2J @RSYNCD: OK\r\n@RSYNCD: 99.0\n@RSYNCD:OK\n@rsyncd: EXIT\n \n\n"+strings.Repeat("x", 10_000)+"\n", 40)
	l := newLister(t, fake(t, func(c net.Conn, r *bufio.Reader) {
		upToListAfter(c, r, motd)
		io.WriteString(c, frame(tagInfo, motd)[:4+len(motd)]+frame(tagData, rootEntry+entry("f", 0o100644)+"\x00"))
		io.CopyN(io.Discard, r, 25)
	}), listing.Options{})
	if got, sum, err := collect(t, l, ""); err != nil || !sum.Complete() || len(got) != 1 {
		t.Errorf("%v, %+v, %v", got, sum, err)
	}
}

// TestRefused expects impossible names to be counted, not yielded.
func TestRefused(t *testing.T) {
	t.Parallel()
	bad := []string{"..", "../x", "/etc/passwd", "a//b", "a/", "a/../b", "./x", "nul\x00", strings.Repeat("n", 256), "", "a/."}
	var list strings.Builder
	for _, name := range append(bad, "good") {
		list.WriteString(entry(name, 0o100644))
	}
	// Frames end anywhere, and messages come between them.
	var cut strings.Builder
	for i, b := range []byte(rootEntry + list.String()) {
		cut.WriteString(frame(tagData, string([]byte{b})))
		if i%50 == 0 {
			cut.WriteString(frame(tagNoop, "") + frame(tagInfo, "hello") + frame(tagData, "") + frame(tagIOTimeout, "\x3c\x00\x00\x00"))
		}
	}
	l := newLister(t, fake(t, stream(cut.String(), frame(tagData, "\x00"))), listing.Options{})
	var got []string
	sum, err := l.List(context.Background(), "", func(e listing.Entry) error {
		got = append(got, e.Path)
		if e.SizeMin != 5 || e.Mode != 0o644 || e.MTime != 0x030201*1e9 {
			t.Errorf("%+v", e)
		}
		return nil
	})
	if err != nil || fmt.Sprint(got) != "[good]" || sum.Refused != len(bad) || !sum.Complete() {
		t.Errorf("%q, %+v, %v", got, sum, err)
	}
}

// TestIncomplete tells which words of a server make a listing incomplete.
func TestIncomplete(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, message, end string
		complete           bool
	}{
		{"clean", frame(tagInfo, "skipping something\n") + frame(tagWarning, "careful\n"), "\x00", true},
		{"error", frame(tagErrorXfer, "opendir failed"), "\x00", false},
		{"fatal", frame(tagError, "opendir failed"), "\x00", false},
		{"utf8", frame(tagErrorUTF8, "x"), "\x00", false},
		{"vanished", frame(tagWarning, `file has vanished: "x"`), "\x00", false},
		{"no send", frame(tagNoSend, "\x01\x00\x00\x00"), "\x00", false},
		{"flags in a message", frame(tagIOError, "\x01\x00\x00\x00"), "\x00", false},
		{"no flags in a message", frame(tagIOError, "\x00\x00\x00\x00"), "\x00", true},
		{"flags at the end", "", "\x04\x10\x01", false},
		{"vanished at the end", "", "\x04\x10\x02", false},
		{"no flags at the end", "", "\x04\x10\x00", true},
	}
	for _, tt := range tests {
		l := newLister(t, fake(t, func(c net.Conn, r *bufio.Reader) {
			upToList(c, r)
			io.WriteString(c, tt.message+frame(tagData, rootEntry+tt.end))
			io.ReadFull(r, make([]byte, 25)) // the goodbye
		}), listing.Options{})
		sum, err := l.List(context.Background(), "", nil)
		if err != nil || sum.Complete() != tt.complete {
			t.Errorf("%s: %+v, %v", tt.name, sum, err)
		}
	}
}

// TestLateErrors expects error flags that come after the list, as protocol 30
// servers without the safe list send them, to count.
func TestLateErrors(t *testing.T) {
	t.Parallel()
	l := newLister(t, fake(t, func(c net.Conn, r *bufio.Reader) {
		upToList(c, r)
		io.WriteString(c, frame(tagData, rootEntry+"\x00"))
		time.Sleep(50 * time.Millisecond)
		io.WriteString(c, frame(tagIOError, "\x01\x00\x00\x00"))
	}), listing.Options{})
	sum, err := l.List(context.Background(), "", nil)
	if err != nil || sum.Complete() {
		t.Errorf("%+v, %v", sum, err)
	}
}

// TestPreRelease expects the version below that of a pre-release server.
func TestPreRelease(t *testing.T) {
	t.Parallel()
	for greeting, want := range map[string]int{
		"@RSYNCD: 32.14 md5": 31, "@RSYNCD: 32.0 md5": 32, "@RSYNCD: 33.7 md5": 32, "@RSYNCD: 30.1": 29, "@RSYNCD: 29": 29, "@RSYNCD: 31": 31,
	} {
		h := handshake{w: newWire(strings.NewReader(greeting + "\n")), out: io.Discard}
		if err := h.greet(newestVersion); err != nil || h.version != want {
			t.Errorf("%s: %d, %v; want %d", greeting, h.version, err, want)
		}
	}
}

// TestCancel ends a listing of a silent server at once.
func TestCancel(t *testing.T) {
	t.Parallel()
	l := newLister(t, fake(t, stream(frame(tagData, rootEntry))), listing.Options{})
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := l.List(ctx, "", nil)
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 20*time.Second {
		t.Errorf("%v after %s", err, time.Since(start))
	}
}

// TestDigests checks the answers to challenges against a real server's list.
func TestDigests(t *testing.T) {
	t.Parallel()
	tests := []struct {
		list    string
		has     bool
		version int
		want    string
	}{
		{"", false, 29, md4Old},
		{"", false, 31, "md5"},
		{"md4 md5", true, 31, "md5"},
		{"md4", true, 32, "md4"},
		{"md4 sha512 sha1", true, 32, "sha512"},
		{"sha1 sha256", true, 32, "sha256"},
		{"blake9", true, 32, ""},
		{"", true, 32, ""},
	}
	for _, tt := range tests {
		if got := chooseDigest(tt.list, tt.has, tt.version); got != tt.want {
			t.Errorf("%+v: %q", tt, got)
		}
	}
	for _, name := range append(digests, md4Old) {
		a := answer(name, "password", "challenge")
		if strings.ContainsAny(a, "=\n ") || len(a) < 22 {
			t.Errorf("%s: %q", name, a)
		}
	}
	if answer("md4", "a", "b") == answer(md4Old, "a", "b") {
		t.Error("the old MD4 has no seed")
	}
	if bytes.Equal(newDigest("sha1").Sum(nil), newDigest("md5").Sum(nil)) {
		t.Error("digests are mixed up")
	}
}
