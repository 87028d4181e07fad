package rsync

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// Tags of frames (rsync.h, enum msgcode). Up to protocol 29 only the first
// three exist, and 1 is every error.
const (
	tagData        = 0
	tagErrorXfer   = 1 // an error that concerns one file
	tagInfo        = 2
	tagError       = 3 // an error that ends the transfer
	tagWarning     = 4
	tagErrorSocket = 5
	tagLog         = 6
	tagClient      = 7
	tagErrorUTF8   = 8
	tagRedo        = 9
	tagStats       = 10
	tagIOError     = 22 // the error flags, int32
	tagIOTimeout   = 33 // the server's timeout in seconds, int32
	tagNoop        = 42 // sign of life
	tagErrorExit   = 86 // the server gives up; exit code, int32, or empty
	tagSuccess     = 100
	tagDeleted     = 101
	tagNoSend      = 102 // a requested file cannot be sent; its index, int32

	tagBase = 7 // what the wire adds to tags

	// maxText is how much of a message is kept.
	maxText = 1024
	// maxNoise is how many bytes of messages may come without any data between
	// them before the server is taken to be mad.
	maxNoise = 64 << 20
)

// Error flags (rsync.h, IOERR_*), sent at the end of the file list.
const (
	ioVanished = 2 // files were gone when they were to be listed; 1 is any other error
)

// readFrame reads a frame's header, and the whole frame unless it is data.
func (w *wire) readFrame() {
	if !w.need(4) {
		return
	}
	header := binary.LittleEndian.Uint32(w.buf[w.pos:])
	w.pos += 4
	w.end = w.pos
	size := int(header & 0xFFFFFF)
	tag := int(header>>24) - tagBase
	if tag == tagData {
		w.frame = size
		return
	}
	if tag < 0 || !knownTag(byte(tag)) {
		w.fail(protocolError("a message of unknown kind %d", tag))
		return
	}
	if w.noise += size; w.noise > maxNoise {
		w.fail(protocolError("more than %d MiB of messages without data", maxNoise>>20))
		return
	}
	w.message = w.message[:0]
	for size > 0 && w.need(1) {
		part := w.buf[w.pos:min(w.have, w.pos+size)]
		w.message = append(w.message, part[:min(len(part), maxText-len(w.message))]...)
		w.pos += len(part)
		w.end = w.pos
		size -= len(part)
	}
	if w.err != nil {
		return
	}
	if err := w.onMessage(byte(tag), w.message); err != nil {
		w.fail(err)
	}
}

func knownTag(tag byte) bool {
	switch tag {
	case tagErrorXfer, tagInfo, tagError, tagWarning, tagErrorSocket, tagLog, tagClient,
		tagErrorUTF8, tagRedo, tagStats, tagIOError, tagIOTimeout, tagNoop, tagErrorExit,
		tagSuccess, tagDeleted, tagNoSend:
		return true
	}
	return false
}

// handleMessage takes a message that is not data. Errors end the listing.
func (s *sink) handleMessage(tag byte, text []byte) error {
	switch tag {
	case tagErrorXfer, tagError, tagErrorSocket, tagErrorUTF8:
		s.complaint(cleanText(text))
	case tagInfo, tagWarning:
		// Before protocol 30 this is how vanished files are told.
		if msg := cleanText(text); strings.Contains(msg, "has vanished") {
			s.summary.AddIncomplete(msg)
		}
	case tagIOError:
		if len(text) == 4 {
			s.ioErrors(int32(binary.LittleEndian.Uint32(text)))
		}
	case tagNoSend:
		s.complaint("the server could not send a file")
	case tagErrorExit:
		code := ""
		if len(text) == 4 {
			code = fmt.Sprintf(" (exit code %d)", int32(binary.LittleEndian.Uint32(text)))
		}
		if s.first != "" {
			return fmt.Errorf("the server gave up%s: %s", code, s.first)
		}
		return fmt.Errorf("the server gave up%s", code)
	}
	return nil
}

// ioErrors notes the flags that end a file list.
func (s *sink) ioErrors(flags int32) {
	switch {
	case flags == 0:
	case flags&^ioVanished == 0:
		s.summary.AddIncomplete("files vanished while the server listed them")
	case s.messages == 0: // else the messages said it better
		s.summary.AddIncomplete(fmt.Sprintf("the server had errors while listing (flags %#x)", flags))
	}
}

// cleanText makes a foreign message fit to print: one line, no control
// characters, valid UTF-8.
func cleanText(text []byte) string {
	s := strings.ToValidUTF8(strings.TrimSpace(string(text)), "?")
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7F && r < 0xA0 {
			return '?'
		}
		return r
	}, s)
}
