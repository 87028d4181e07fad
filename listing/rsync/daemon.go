package rsync

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
)

// listDaemon lists with our own client.
func (l *Lister) listDaemon(ctx context.Context, sub string, s *sink) error {
	c, closeConn, err := l.dial(ctx)
	if err != nil {
		return err
	}
	defer closeConn()
	w := newWire(c)
	c.until = time.Now().Add(5 * l.options.Timeout) // a trickling greeting also ends
	version, compat, err := l.begin(c, w, sub)
	if err != nil {
		return err
	}
	c.until = time.Time{}
	w.startMux(s.handleMessage)

	f := newFlist(w, version, compat, sub)
	if err := receive(f, s); err != nil {
		return err
	}
	s.ioErrors(f.errors)
	sayGoodbye(c, w, version)
	return nil
}

// begin does everything up to the file list.
func (l *Lister) begin(c *conn, w *wire, sub string) (version int, compat int32, err error) {
	h := handshake{w: w, out: c}
	if err := h.greet(l.newest); err != nil {
		return 0, 0, err
	}
	argument := l.target.argument(sub)
	if h.version < 30 && strings.ContainsAny(argument, "\r\n") {
		return 0, 0, fmt.Errorf("rsync protocol %d cannot ask for a name with a line break", h.version)
	}
	if err := h.module(l.target, l.options.PasswordFile); err != nil {
		return 0, 0, err
	}
	if err := sendArguments(c, h.version, argument); err != nil {
		return 0, 0, err
	}
	if h.version >= 30 {
		compat = w.varint()
		if compat&(compatIncremental|compatVarintFlags) != 0 && w.err == nil {
			// rsync's own client gives up as well: the answer presumes an offer.
			return 0, 0, protocolError("the server wants compatibility flags %#x, which were not offered", compat)
		}
	}
	w.int32() // checksum seed
	if w.err != nil {
		return 0, 0, fmt.Errorf("waiting for the listing to begin: %w", w.err)
	}
	_, err = c.Write(filterList(h.version))
	return h.version, compat, err
}

// filterList is the list of what the server is to leave out, which no
// configuration of a daemon refuses (exclude.c, send_filter_list): folders in
// which rsync collects files, because the daemon often may not read them, and
// the listing would be incomplete.
func filterList(version int) []byte {
	const rule = "- " + listing.TemporaryFolder + "/"
	list := binary.LittleEndian.AppendUint32(nil, uint32(len(rule)))
	list = append(list, rule...)
	list = append(list, 0, 0, 0, 0) // the end
	if version < 30 {
		return list
	}
	return append([]byte{byte(len(list)), 0, 0, tagBase + tagData}, list...)
}

// receive yields the entries of the list.
func receive(f *flist, s *sink) error {
	root := false
	for f.next() {
		if f.isRoot() {
			root = true
			continue
		}
		if err := s.entry(f.entry()); err != nil {
			return err
		}
	}
	switch {
	case f.w.err != nil && s.first != "" && !errors.Is(f.w.err, errProtocol):
		return fmt.Errorf("the server says: %s (%w)", s.first, f.w.err)
	case f.w.err != nil:
		return f.w.err
	case !root:
		return s.nothing()
	}
	return nil
}

// entry makes an entry of what was decoded last.
func (f *flist) entry() listing.Entry {
	e := listing.Entry{Path: string(f.name), SizeMin: f.size, SizeMax: f.size, Mode: f.perm(), HasMode: true}
	switch f.mode & modeType {
	case modeFile:
		e.Kind = listing.File
	case modeDir:
		e.Kind = listing.Dir
	case modeSymlink:
		e.Kind = listing.Symlink
		e.Target = string(f.target)
	default:
		e.Kind = listing.Other
	}
	e.MTime, e.Precision = f.mtime()
	return e
}

// mtime returns the modification time and its precision.
//
// Before protocol 30 times have 32 bits, and a negative one is before 1970 as
// well as after 2038: it is not known. Nor is one that int64 nanoseconds
// cannot hold. From protocol 31 on nanoseconds are sent unless they are 0, so
// that 0 may mean an old server or a coarse file system; likewise, zeros at
// the end of the nanoseconds may be what a file system cut off (NTFS has
// 100 ns). So the precision is the power of ten that the digits show.
func (f *flist) mtime() (int64, time.Duration) {
	const limit = math.MaxInt64/int64(time.Second) - 1
	if f.sec > limit || f.sec < -limit || f.version < 30 && f.sec < 0 {
		return 0, 0
	}
	t := f.sec*int64(time.Second) + int64(f.nsec)
	if f.nsec == 0 {
		return t, time.Second
	}
	precision := time.Nanosecond
	for n := f.nsec; n%10 == 0; n /= 10 {
		precision *= 10
	}
	return t, precision
}
