package rsync

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// putVarlong is the sender's side of varlong and, with one byte at least, of
// varint, for tests.
func putVarlong(x int64, minBytes int) []byte {
	var b [8]byte
	for i := range b {
		b[i] = byte(x >> (8 * i))
	}
	n := 8
	for n > minBytes && b[n-1] == 0 {
		n--
	}
	bit := byte(1) << (7 - n + minBytes)
	switch top := b[n-1]; {
	case top >= bit:
		return append([]byte{^(bit - 1)}, b[:n]...)
	case n > minBytes:
		return append([]byte{top | ^(bit*2 - 1)}, b[:n-1]...)
	default:
		return append([]byte{top}, b[:n-1]...)
	}
}

func TestIntegers(t *testing.T) {
	t.Parallel()
	values := []int64{0, 1, 0x7F, 0x80, 0xFF, 0x3FFF, 0x4000, 0x1FFFFF, 0x200000, 0xFFFFFFF, math.MaxInt32, 1 << 31, math.MaxUint32, 1 << 40, 1<<55 - 1, math.MaxInt64, -1, -86400, math.MinInt64}
	for _, x := range values {
		for _, minBytes := range []int{3, 4} {
			b := putVarlong(x, minBytes)
			// One byte at a time crosses every boundary of the buffer.
			w := newWire(iotest.OneByteReader(bytes.NewReader(b)))
			if got := w.varlong(minBytes); got != x || w.err != nil {
				t.Errorf("varlong(%d) of % x = %d, %v; want %d", minBytes, b, got, w.err, x)
			}
		}
	}
	// Written by a real server.
	w := newWire(bytes.NewReader([]byte("\x10\x20\x30\x40" + "\xFE\xFF\xFF\xFF" + "\xFF\xFF\xFF\xFF\x07\x00\x00\x40\x01\x00\x00\x00" + "\x7F" + "\x81\x7E" + "\xE3\x68\x6D\xC9")))
	if a, b, c, d, e, f := w.int32(), w.longint(), w.longint(), w.varint(), w.varint(), w.varint(); a != 0x40302010 ||
		b != -2 || c != 5<<30+7 || d != 0x7F || e != 0x17E || f != 0x3C96D68 {
		t.Errorf("%x %d %d %x %x %x", a, b, c, d, e, f)
	}
}

func TestParseLine(t *testing.T) {
	t.Parallel()
	tests := []struct {
		line string
		want listing.Entry
		bad  bool
	}{
		{line: "-rw-r--r--              5 2009/02/13 23:31:30 a  b", want: listing.Entry{
			Path: "a  b", SizeMin: 5, SizeMax: 5, MTime: 1234567890e9, Precision: 1e9, Mode: 0o644, HasMode: true,
		}},
		{line: "-rwsr-Sr-t  5,368,709,127 1969/12/31 23:59:59 \\#012\\#134#012\\#", want: listing.Entry{
			Path: "\n\\#012\\#", SizeMin: 5368709127, SizeMax: 5368709127, MTime: -1e9, Precision: 1e9, Mode: 0o7745, HasMode: true,
		}},
		{line: "lrwxrwxrwx              6 2009/02/13 23:31:30 a -> b -> c", want: listing.Entry{
			Path: "a", Kind: listing.Symlink, Target: "b -> c", SizeMin: 6, SizeMax: 6, MTime: 1234567890e9, Precision: 1e9, Mode: 0o777, HasMode: true,
		}},
		{line: "lrwxrwxrwx              1 2009/02/13 23:31:30 a -> b -> c", want: listing.Entry{
			Path: "a -> b", Kind: listing.Symlink, Target: "c", SizeMin: 1, SizeMax: 1, MTime: 1234567890e9, Precision: 1e9, Mode: 0o777, HasMode: true,
		}},
		{line: "drwxrwxrwt          4.096 12009/02/13 23:31:30 d", want: listing.Entry{
			Path: "d", Kind: listing.Dir, SizeMin: 4096, SizeMax: 4096, Mode: 0o1777, HasMode: true,
		}},
		{line: "prw-r--r--+ 0 2009/02/13 23:31:30 p", want: listing.Entry{
			Path: "p", Kind: listing.Other, MTime: 1234567890e9, Precision: 1e9, Mode: 0o644, HasMode: true,
		}},
		{line: "", bad: true},
		{line: "Welcome to our server", bad: true},
		{line: "-rw-r--r-- 5 2009/02/13 23:31:30", bad: true},
		{line: "-rw-r--r-- 5 2009/02/13 23:31:30 ", bad: true},
		{line: "-rw-r--r-- -5 2009/02/13 23:31:30 a", bad: true},
		{line: "-rw-r--r-- 5K 2009/02/13 23:31:30 a", bad: true},
		{line: "-rw-r--r 5 2009/02/13 23:31:30 a", bad: true},
		{line: "-rz-r--r-- 5 2009/02/13 23:31:30 a", bad: true},
	}
	for _, tt := range tests {
		got, ok := parseLine(tt.line)
		if ok == tt.bad || ok && got != tt.want {
			t.Errorf("%q: %+v, %v; want %+v", tt.line, got, ok, tt.want)
		}
	}
}

// FuzzFileList decodes anything as a file list.
func FuzzFileList(f *testing.F) {
	f.Add([]byte(rootEntry+entry("a", 0o100644)+entry("l", 0o120777)+"\x01x\x00"), byte(31), byte(8))
	f.Add([]byte("\x19\x01.\x00\x10\x00\x00\xbf\x12\x02k\xedA\x00\x00\x9a\x08new\nline\x00\x10\x00\x00\x00\x01\x00\x00\x00"), byte(29), byte(0))
	f.Add([]byte("\x04\x10\x01"), byte(30), byte(8))
	f.Add([]byte("\x20\xff\x01x"), byte(27), byte(0x80))
	f.Fuzz(func(t *testing.T, data []byte, version, compat byte) {
		version = oldestVersion + version%(newestVersion-oldestVersion+1)
		l := newFlist(newWire(bytes.NewReader(data)), int(version), int32(compat), "sub")
		s := sink{sieve: listing.Sieve{Skip: listing.Temporary}, stopped: func() error { return nil }, yield: func(e listing.Entry) error {
			if mirror.ValidPath(e.Path) != nil || !strings.HasPrefix(e.Path, "sub/") {
				t.Errorf("yielded %q", e.Path)
			}
			if e.SizeMin < 0 || e.Precision < 0 || len(e.Target) > maxTarget {
				t.Errorf("yielded %+v", e)
			}
			return nil
		}}
		if err := receive(l, &s); err == nil && l.w.err != nil {
			t.Error("an error was lost")
		}
		if cap(l.name) > 4*mirror.MaxPath || cap(l.target) > 4*maxTarget {
			t.Errorf("%d bytes of input took %d bytes", len(data), cap(l.name)+cap(l.target))
		}
	})
}

// FuzzFrames reads anything as frames, in pieces of any size.
func FuzzFrames(f *testing.F) {
	f.Add([]byte(frame(tagData, "abc")+frame(tagInfo, "hello")+frame(tagData, "")+frame(tagIOError, "\x01\x00\x00\x00")+frame(tagData, "d")), byte(2))
	f.Add([]byte("\xFF\xFF\xFF\x09short"), byte(9))
	f.Add([]byte(frame(tagErrorExit, "\x01\x00\x00\x00")), byte(0))
	f.Fuzz(func(t *testing.T, data []byte, piece byte) {
		w := newWire(bytes.NewReader(data))
		var s sink
		w.startMux(s.handleMessage)
		var got []byte
		for w.err == nil {
			if n := int(piece); n > 0 {
				got = w.append(got, n)
			} else {
				got = append(got, w.byte())
			}
		}
		if len(got) > len(data)+1 {
			t.Errorf("%d bytes of data in %d", len(got), len(data))
		}
		if len(s.first) > 3*maxText || cap(w.message) > 4*maxText {
			t.Errorf("a message of %d bytes was kept", len(s.first))
		}
	})
}

// FuzzHandshake reads anything as the beginning of a conversation.
func FuzzHandshake(f *testing.F) {
	f.Add("@RSYNCD: 31.0 sha512 md5\nhello\n@RSYNCD: AUTHREQD abc\n@RSYNCD: OK\n")
	f.Add("@RSYNCD: 29\n@ERROR: Unknown module 'x'\n")
	f.Add("@ERROR max connections\n")
	f.Fuzz(func(t *testing.T, text string) {
		var out bytes.Buffer
		h := handshake{w: newWire(strings.NewReader(text)), out: &out}
		if h.greet(newestVersion) == nil {
			if h.version < oldestVersion || h.version > newestVersion {
				t.Errorf("version %d", h.version)
			}
			_ = h.module(target{module: "m", user: "u", password: "secret", hasPassword: true}, "")
		}
		if strings.Contains(out.String(), "secret") {
			t.Error("the password was sent")
		}
	})
}

// FuzzLine reads anything as a line of the program's output.
func FuzzLine(f *testing.F) {
	f.Add("-rw-r--r--              5 2009/02/13 23:31:30 a\\#012b")
	f.Add("lrwxrwxrwx  1 2009/02/13 23:31:30 a -> b -> c")
	f.Fuzz(func(t *testing.T, line string) {
		e, ok := parseLine(line)
		if ok && (e.SizeMin < 0 || e.Path == "" || len(e.Path) > len(line)) {
			t.Errorf("%q: %+v", line, e)
		}
	})
}
