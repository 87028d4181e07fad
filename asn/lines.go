package asn

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strconv"
)

// maxLine bounds a line, in bytes. Lines with hundreds of origins fit.
const maxLine = 64 << 10

// sniffLines is how many lines may be unreadable at the top of a file before
// one is found that shows its format (a header, say).
const sniffLines = 10

// lineFormat reads text with one record in each line.
type lineFormat struct {
	name    string
	example string
	// parse reads one line. It adds nothing when it gives an error, and an
	// error of add is not wrapped in lineError.
	parse func(line []byte, c *collector) error
}

// lineError marks what is wrong with one line and not with the file.
type lineError struct{ text string }

func (e lineError) Error() string { return e.text }

func badLine(format string, args ...any) error {
	return lineError{fmt.Sprintf(format, args...)}
}

func textFormat(l lineFormat) format {
	return format{name: l.name, sniff: l.sniff, read: l.read}
}

// sniff reports whether one of the first lines can be read.
func (l lineFormat) sniff(_ string, head []byte) bool {
	cut := len(head) == headSize
	for n := 0; n < sniffLines && len(head) > 0; {
		line, rest, complete := bytes.Cut(head, []byte("\n"))
		if cut && !complete {
			return false // half a line decides nothing
		}
		head = rest
		if line = bytes.TrimSpace(line); skip(line) {
			continue
		}
		n++
		if l.parse(line, new(collector)) == nil {
			return true
		}
	}
	return false
}

func (l lineFormat) read(r io.Reader, c *collector) error {
	return eachLine(r, l.example, func(n int, line []byte) error {
		line = bytes.TrimSpace(line)
		if skip(line) {
			return nil
		}
		c.stats.Lines++
		err := l.parse(line, c)
		if bad, ok := errors.AsType[lineError](err); ok {
			c.reject(fmt.Errorf("line %d, %q: %w; expected is a line like %q", n, clip(line), bad, l.example))
			return nil
		}
		return err
	})
}

// eachLine gives fn the lines with their numbers, from 1 on. An error of fn ends
// it. The lines are fn's during the call only.
func eachLine(r io.Reader, example string, fn func(n int, line []byte) error) error {
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 0, maxLine), maxLine)
	n := 0
	for s.Scan() {
		n++
		if err := fn(n, s.Bytes()); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
	}
	switch err := s.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return fmt.Errorf("line %d is longer than %d bytes; expected is a line like %q", n+1, maxLine, example)
	case err != nil:
		return fmt.Errorf("after line %d: %w", n, err)
	}
	return nil
}

// skip reports whether a trimmed line is empty or a comment.
func skip(line []byte) bool {
	return len(line) == 0 || line[0] == '#' || line[0] == ';'
}

// origins reads the AS numbers of a line: one, several origins ("1_2"), an AS
// set ("1,2" or "{1,2}"), with or without "AS" before each.
func origins(b []byte, to []uint32) ([]uint32, error) {
	all := b
	for len(b) > 0 {
		if bytes.IndexByte([]byte("_,{}"), b[0]) >= 0 {
			b = b[1:]
			continue
		}
		end := bytes.IndexAny(b, "_,{}")
		if end < 0 {
			end = len(b)
		}
		n, err := number32(b[:end])
		if err != nil {
			return nil, badLine("%q is no AS number", clip(b[:end]))
		}
		to, b = append(to, n), b[end:]
	}
	if len(to) == 0 {
		return nil, badLine("%q is no AS number", clip(all))
	}
	return to, nil
}

func number32(b []byte) (uint32, error) {
	if len(b) > 2 && (b[0]|0x20) == 'a' && (b[1]|0x20) == 's' {
		b = b[2:]
	}
	n, err := strconv.ParseUint(string(b), 10, 32)
	return uint32(n), err
}

// parsePrefix puts an address and a length together. Bits beyond the length
// must be zero: else one of the two is wrong.
func parsePrefix(addr netip.Addr, bits int) (netip.Prefix, error) {
	if addr.Zone() != "" {
		return netip.Prefix{}, badLine("%v has a zone", addr)
	}
	p, ok := canonical(netip.PrefixFrom(addr, bits))
	if !ok {
		return netip.Prefix{}, badLine("%d is no prefix length for %v", bits, addr)
	}
	if p.Addr() != addr.Unmap() {
		return netip.Prefix{}, badLine("%v/%d is not the start of a network", addr, bits)
	}
	return p, nil
}
