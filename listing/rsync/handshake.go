package rsync

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
)

const (
	oldestVersion = 27 // rsync 2.6.0, 2004
	newestVersion = 32 // rsync 3.4.0, 2025

	// maxLine bounds the lines of the handshake; of longer ones the rest is
	// not kept. A challenge and a list of digests are a few hundred bytes.
	maxLine = 4096
	// maxHandshake bounds the whole message of the day.
	maxHandshake = 16 << 20
)

// handshake is the textual beginning of a connection (clientserver.c,
// start_inband_exchange).
type handshake struct {
	w       *wire
	out     io.Writer
	read    int
	version int // agreed on
	digests string
	hasList bool // the server sent a digest list
}

// greet exchanges versions.
func (h *handshake) greet(newest int) error {
	line, err := h.line()
	if err != nil {
		return fmt.Errorf("waiting for the server's greeting: %w", err)
	}
	rest, ok := strings.CutPrefix(line, "@RSYNCD: ")
	if !ok {
		if strings.HasPrefix(line, "@ERROR") {
			return refusal(line)
		}
		return protocolError("greeting %q", cleanText([]byte(line)))
	}
	number, list, hasList := strings.Cut(rest, " ")
	main, sub, _ := strings.Cut(number, ".")
	theirs, err := strconv.Atoi(main)
	if err != nil {
		return protocolError("greeting %q", cleanText([]byte(line)))
	}
	if sub != "" && sub != "0" && theirs <= newest {
		theirs-- // a pre-release, which we are not
	}
	h.version = min(theirs, newest)
	h.digests, h.hasList = list, hasList
	if h.version < oldestVersion {
		return fmt.Errorf("the server speaks only rsync protocol %d; %d is the oldest supported", h.version, oldestVersion)
	}
	_, err = fmt.Fprintf(h.out, "@RSYNCD: %d.0 %s\n", newest, strings.Join(digests, " "))
	return err
}

// module asks for a module, answering a challenge if there is one.
func (h *handshake) module(t target, passwordFile string) error {
	if _, err := io.WriteString(h.out, t.module+"\n"); err != nil {
		return err
	}
	asked := false
	for {
		line, err := h.line()
		if err != nil {
			return fmt.Errorf("waiting for module %q: %w", t.module, err)
		}
		switch {
		case line == "@RSYNCD: OK":
			return nil
		case line == "@RSYNCD: EXIT":
			return errors.New("the server ended the conversation")
		case strings.HasPrefix(line, "@ERROR"):
			return refusal(line)
		case strings.HasPrefix(line, "@RSYNCD: AUTHREQD ") && !asked:
			asked = true
			if err := h.answer(line[len("@RSYNCD: AUTHREQD "):], t, passwordFile); err != nil {
				return err
			}
		}
	}
}

func (h *handshake) answer(challenge string, t target, passwordFile string) error {
	user, password, ok, err := t.credentials(passwordFile)
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("%w: the module wants a password, and none is configured", listing.ErrAuth)
	}
	digest := chooseDigest(h.digests, h.hasList, h.version)
	if digest == "" {
		return fmt.Errorf("the server accepts only unknown digests: %s", cleanText([]byte(h.digests)))
	}
	_, err = fmt.Fprintf(h.out, "%s %s\n", user, answer(digest, password, challenge))
	return err
}

// refusal turns an @ERROR line into an error.
func refusal(line string) error {
	text := cleanText([]byte(strings.TrimLeft(strings.TrimPrefix(line, "@ERROR"), ": ")))
	lower := strings.ToLower(text)
	switch {
	case strings.HasPrefix(lower, "unknown module"):
		return fmt.Errorf("%w: %s", listing.ErrNoFolder, text)
	case strings.HasPrefix(lower, "auth failed"):
		return fmt.Errorf("%w: %s", listing.ErrAuth, text)
	case strings.Contains(lower, "max connections"), strings.Contains(lower, "too many"), strings.Contains(lower, "try again"):
		return fmt.Errorf("%w: %s", listing.ErrBusy, text)
	}
	return fmt.Errorf("the server refuses: %s", text)
}

// line reads a line without its end. What is beyond maxLine is dropped.
func (h *handshake) line() (string, error) {
	var line []byte
	for {
		c := h.w.byte()
		if h.w.err != nil {
			return "", h.w.err
		}
		if h.read++; h.read > maxHandshake {
			return "", protocolError("a message of the day of more than %d MiB", maxHandshake>>20)
		}
		switch {
		case c == '\n':
			return string(line), nil
		case c != '\r' && len(line) < maxLine:
			line = append(line, c)
		}
	}
}
