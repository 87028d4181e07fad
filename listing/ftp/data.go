package ftp

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
)

// maxLine is the longest line of a listing that is read, in bytes; of longer
// ones maxKept bytes are looked at, enough for the name to be seen as too long.
const (
	maxLine = 64 << 10
	maxKept = 4 << 10
)

// lines runs a command that lists over a data connection and hands its lines to
// yield, without their ends. The text is what the server said in the end.
func (c *conn) lines(ctx context.Context, yield func(string) error, name string, args ...string) (text string, err error) {
	data, err := c.open(ctx)
	if err != nil {
		return "", err
	}
	defer data.Close()
	defer context.AfterFunc(ctx, func() { data.Close() })()
	code, text, err := c.cmd(name, args...)
	if err != nil {
		return "", err
	}
	if code/100 == 2 { // an empty folder, for some servers
		return text, nil
	}
	if code != 125 && code != 150 {
		return "", &replyError{name, code, text}
	}
	var r io.Reader = data
	if c.tls != nil {
		t := tls.Client(data, c.tls)
		if err := t.HandshakeContext(ctx); err != nil {
			return "", fmt.Errorf("%s: TLS handshake of the data connection: %w", name, err)
		}
		r = t
	}
	readErr := readLines(r, yield)
	if stop, ok := errors.AsType[stopError](readErr); ok {
		return "", stop
	}
	data.Close()
	code, text, err = c.reply()
	switch {
	case err != nil:
		return "", err
	case code/100 != 2:
		return "", &replyError{name, code, text}
	case readErr != nil && (c.tls == nil || !errors.Is(readErr, io.ErrUnexpectedEOF)):
		// Many servers end TLS without saying so; what they say here counts.
		return "", fmt.Errorf("%s: %w", name, readErr)
	}
	return text, nil
}

// stopError is an error of the receiver.
type stopError struct{ error }

func (e stopError) Unwrap() error { return e.error }

// readLines reads lines that end in CR LF or LF.
func readLines(r io.Reader, yield func(string) error) error {
	br := bufio.NewReaderSize(r, maxLine)
	for {
		line, err := br.ReadSlice('\n')
		s := string(line)
		for errors.Is(err, bufio.ErrBufferFull) {
			s = s[:min(len(s), maxKept)]
			_, err = br.ReadSlice('\n')
		}
		if s = strings.TrimSuffix(strings.TrimSuffix(s, "\n"), "\r"); s != "" {
			if yieldErr := yield(s); yieldErr != nil {
				return stopError{yieldErr}
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// open makes a data connection: EPSV, else PASV. The address in the reply to
// PASV is ignored: behind NAT it is often wrong, and it could point anywhere.
func (c *conn) open(ctx context.Context) (net.Conn, error) {
	if !c.noEPSV {
		port, err := c.passive("EPSV", 229, epsvPort)
		if err == nil {
			nc, err := c.dial(ctx, "tcp", net.JoinHostPort(c.host, strconv.Itoa(port)))
			if err == nil {
				return nc, nil
			}
		}
		if _, refused := errors.AsType[*replyError](err); err != nil && !refused {
			return nil, err
		}
		c.noEPSV = true
	}
	port, err := c.passive("PASV", 227, pasvPort)
	if err != nil {
		return nil, err
	}
	return c.dial(ctx, "tcp", net.JoinHostPort(c.host, strconv.Itoa(port)))
}

func (c *conn) passive(name string, want int, port func(string) (int, bool)) (int, error) {
	code, text, err := c.cmd(name)
	if err != nil {
		return 0, err
	}
	if code != want {
		return 0, &replyError{name, code, text}
	}
	p, ok := port(text)
	if !ok {
		return 0, &replyError{name, code, text}
	}
	return p, nil
}

// epsvPort reads "Entering Extended Passive Mode (|||6446|)".
func epsvPort(text string) (int, bool) {
	_, text, _ = strings.Cut(text, "(")
	text, _, ok := strings.Cut(text, ")")
	if !ok || len(text) < 5 || strings.Count(text, text[:1]) != 4 {
		return 0, false
	}
	parts := strings.Split(text, text[:1])
	port, err := strconv.ParseUint(parts[3], 10, 16)
	return int(port), err == nil && port > 0
}

// pasvPort reads "Entering Passive Mode (192,0,2,1,25,46)"; some servers leave
// out the parentheses.
func pasvPort(text string) (int, bool) {
	end := strings.LastIndexAny(text, "0123456789") + 1
	start := end
	for start > 0 && (text[start-1] == ',' || text[start-1] >= '0' && text[start-1] <= '9') {
		start--
	}
	parts := strings.Split(text[start:end], ",")
	if len(parts) != 6 {
		return 0, false
	}
	high, err := strconv.ParseUint(parts[4], 10, 8)
	low, err2 := strconv.ParseUint(parts[5], 10, 8)
	port := int(high<<8 | low)
	return port, err == nil && err2 == nil && port > 0
}
