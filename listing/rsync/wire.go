package rsync

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
)

// bufferSize holds one full frame of the usual rsync (32 KiB) and more.
const bufferSize = 64 << 10

// errProtocol begins all complaints about what a server sent.
var errProtocol = errors.New("rsync protocol error")

func protocolError(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errProtocol, fmt.Sprintf(format, args...))
}

// wire reads the server's stream. Errors stick: after the first one all reads
// give zeros, so that callers check err once per entry.
type wire struct {
	src  io.Reader
	buf  []byte
	pos  int // next byte to read
	end  int // end of the bytes at pos that are data
	have int // end of the bytes in buf
	err  error

	// mux is set once the stream is cut into frames; frame is then the number
	// of bytes of the current data frame beyond end.
	mux       bool
	frame     int
	onMessage func(tag byte, text []byte) error
	message   []byte
	noise     int // bytes of messages since the last data
}

func newWire(src io.Reader) *wire {
	return &wire{src: src, buf: make([]byte, bufferSize)}
}

// startMux declares everything not yet read to be frames.
func (w *wire) startMux(onMessage func(tag byte, text []byte) error) {
	w.mux, w.onMessage = true, onMessage
	w.end = w.pos
}

func (w *wire) fail(err error) {
	if w.err == nil {
		w.err = err
	}
	w.end = w.pos
}

// fill makes at least one byte of data readable, or reports false.
func (w *wire) fill() bool {
	for w.err == nil && w.pos == w.end {
		switch {
		case !w.mux:
			if w.need(1) {
				w.end = w.have
			}
		case w.frame > 0:
			if w.need(1) {
				n := min(w.frame, w.have-w.pos)
				w.frame -= n
				w.end = w.pos + n
				w.noise = 0
			}
		default:
			w.readFrame()
		}
	}
	return w.err == nil
}

// need reads until at least n raw bytes are in the buffer. No data may be
// waiting (pos == end).
func (w *wire) need(n int) bool {
	for w.have-w.pos < n {
		if w.err != nil {
			return false
		}
		if w.pos > 0 {
			w.have = copy(w.buf, w.buf[w.pos:w.have])
			w.pos, w.end = 0, 0
		}
		m, err := w.src.Read(w.buf[w.have:])
		w.have += m
		if err != nil && w.have-w.pos < n {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			w.fail(err)
			return false
		}
	}
	return true
}

// byte reads one byte.
func (w *wire) byte() byte {
	if w.pos == w.end && !w.fill() {
		return 0
	}
	b := w.buf[w.pos]
	w.pos++
	return b
}

// append reads n bytes onto dst. The caller has checked n.
func (w *wire) append(dst []byte, n int) []byte {
	for n > 0 {
		if w.pos == w.end && !w.fill() {
			break
		}
		part := w.buf[w.pos:min(w.end, w.pos+n)]
		dst = append(dst, part...)
		w.pos += len(part)
		n -= len(part)
	}
	return dst
}

// full reads all of dst.
func (w *wire) full(dst []byte) {
	if w.end-w.pos >= len(dst) {
		w.pos += copy(dst, w.buf[w.pos:])
		return
	}
	w.append(dst[:0], len(dst))
}

// int32 reads a little-endian integer (io.c, read_int).
func (w *wire) int32() int32 {
	var b [4]byte
	w.full(b[:])
	return int32(binary.LittleEndian.Uint32(b[:]))
}

// longint reads the 64-bit integers of protocols before 30: 32 bits, or all
// ones and then 64 (io.c, read_longint).
func (w *wire) longint() int64 {
	if n := w.int32(); n != -1 {
		return int64(n)
	}
	var b [8]byte
	w.full(b[:])
	return int64(binary.LittleEndian.Uint64(b[:]))
}

// varint reads the 32-bit integers of protocol 30 and later. The number of
// leading ones of the first byte tells how many bytes follow; its other bits
// are the most significant ones (io.c, read_varint).
func (w *wire) varint() int32 {
	var b [8]byte
	first := w.byte()
	extra := extraBytes(first)
	if extra == 0 {
		return int32(first)
	}
	if extra > 4 {
		w.fail(protocolError("a 32-bit integer of %d bytes", extra+1))
		return 0
	}
	w.full(b[:extra])
	b[extra] = first & (1<<(8-extra) - 1)
	return int32(binary.LittleEndian.Uint32(b[:4]))
}

// varlong is varint for 64 bits, of which minBytes are always sent (io.c,
// read_varlong).
func (w *wire) varlong(minBytes int) int64 {
	var b [16]byte
	first := w.byte()
	extra := extraBytes(first)
	if minBytes+extra > 9 {
		w.fail(protocolError("a 64-bit integer of %d bytes", minBytes+extra))
		return 0
	}
	w.full(b[:minBytes-1+extra])
	b[minBytes-1+extra] = first & (1<<(8-extra) - 1)
	return int64(binary.LittleEndian.Uint64(b[:8]))
}

// extraBytes is the number of leading ones, at most 6.
func extraBytes(b byte) int { return min(bits.LeadingZeros8(^b), 6) }
