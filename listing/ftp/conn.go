package ftp

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
)

// Bounds of what a server may send as one reply.
const (
	maxReplyLine  = 8 << 10
	maxReplyLines = 1000
	maxDelays     = 5 // "ready in n minutes" before a greeting
)

// replyError is a reply that refuses something.
type replyError struct {
	what string // the command
	code int
	text string
}

func (e *replyError) Error() string {
	return fmt.Sprintf("%s: the server says %d %.300q", e.what, e.code, e.text)
}

func (e *replyError) Unwrap() error {
	switch e.code {
	case 421:
		return listing.ErrBusy
	case 530:
		// Some servers use it for "too many users" as well.
		text := strings.ToLower(e.text)
		for _, s := range []string{"too many", "maximum", "limit"} {
			if strings.Contains(text, s) {
				return listing.ErrBusy
			}
		}
		return listing.ErrAuth
	case 331, 332, 532:
		return listing.ErrAuth
	}
	return nil
}

// conn is a control connection, logged in.
type conn struct {
	net.Conn
	r      *bufio.Reader
	host   string // of the server, as connected to
	dial   func(ctx context.Context, network, addr string) (net.Conn, error)
	tls    *tls.Config // of data connections; nil: plain
	noEPSV bool
	home   string            // the folder after the login, no trailing slash
	feats  map[string]string // from FEAT, names in upper case
	unhook func() bool
}

// dial connects, secures and logs in.
func (l *Lister) dial(ctx context.Context) (*conn, error) {
	nc, err := l.dialer.Dial(ctx, "tcp", net.JoinHostPort(l.host, l.port))
	if err != nil {
		return nil, err
	}
	host := l.host // behind a proxy, the address is the proxy's
	if !l.dialer.Proxied() {
		if host, _, err = net.SplitHostPort(nc.RemoteAddr().String()); err != nil {
			nc.Close()
			return nil, err
		}
	}
	c := &conn{Conn: nc, host: host, dial: l.dialer.Dial, feats: map[string]string{}}
	c.unhook = context.AfterFunc(ctx, func() { nc.Close() })
	if err := c.hello(ctx, l); err != nil {
		c.shut()
		return nil, err
	}
	return c, nil
}

// shut closes the connection without a word.
func (c *conn) shut() {
	c.unhook()
	c.Close()
}

// quit takes leave.
func (c *conn) quit() {
	_, _, _ = c.cmd("QUIT") // the connection is closed anyway
	c.shut()
}

func (c *conn) hello(ctx context.Context, l *Lister) error {
	if l.security == implicitTLS {
		if err := c.secure(ctx, l.tlsConfig()); err != nil {
			return err
		}
	}
	c.r = bufio.NewReaderSize(c.Conn, maxReplyLine)
	code, text, err := c.reply()
	for n := 0; err == nil && code == 120 && n < maxDelays; n++ { // "ready in n minutes"
		code, text, err = c.reply()
	}
	if err != nil {
		return err
	}
	if code != 220 {
		return &replyError{"connecting", code, text}
	}
	if l.security == explicitTLS {
		if err := c.want(234, "AUTH", "TLS"); err != nil {
			return err
		}
		if c.r.Buffered() > 0 { // would have been said by who is in the middle
			return errors.New("data before the TLS handshake")
		}
		if err := c.secure(ctx, l.tlsConfig()); err != nil {
			return err
		}
		c.r.Reset(c.Conn)
	}
	password, err := l.secret()
	if err != nil {
		return err
	}
	if err := c.login(l.user, password); err != nil {
		return err
	}
	if l.security != plain {
		if err := errors.Join(c.want(200, "PBSZ", "0"), c.want(200, "PROT", "P")); err != nil {
			return err
		}
	}
	return c.settle()
}

func (c *conn) secure(ctx context.Context, config *tls.Config) error {
	t := tls.Client(c.Conn, config)
	if err := t.HandshakeContext(ctx); err != nil {
		return fmt.Errorf("TLS handshake: %w", err)
	}
	c.Conn, c.tls = t, config
	return nil
}

func (c *conn) login(user, password string) error {
	code, text, err := c.cmd("USER", user)
	if err == nil && code == 331 {
		code, text, err = c.cmd("PASS", password)
	}
	if err != nil {
		return err
	}
	if code != 230 && code != 202 {
		return &replyError{"logging in", code, text}
	}
	return nil
}

// settle finds out what the server can do and where it begins.
func (c *conn) settle() error {
	code, text, err := c.cmd("FEAT")
	if err != nil {
		return err
	}
	if code == 211 {
		for line := range strings.SplitSeq(text, "\n") {
			name, args, _ := strings.Cut(strings.TrimSpace(line), " ")
			c.feats[strings.ToUpper(name)] = args
		}
	}
	if _, ok := c.feats["UTF8"]; ok {
		if _, _, err := c.cmd("OPTS", "UTF8 ON"); err != nil { // refusing it is fine
			return err
		}
	}
	if facts := wantedFacts(c.feats["MLST"]); facts != "" {
		if _, _, err := c.cmd("OPTS", "MLST "+facts); err != nil { // refusing it is fine
			return err
		}
	}
	if _, _, err := c.cmd("TYPE", "I"); err != nil { // refusing it is fine
		return err
	}
	code, text, err = c.cmd("PWD")
	if err != nil {
		return err
	}
	if code == 257 {
		c.home = strings.TrimRight(quoted(text), "/")
	}
	return nil
}

// wantedFacts gives the facts to ask for in MLSD, when some useful ones are on
// offer (in the reply to FEAT) but not switched on (marked by a star).
func wantedFacts(offer string) string {
	var facts strings.Builder
	missing := false
	for fact := range strings.SplitSeq(offer, ";") {
		name, on := strings.CutSuffix(strings.TrimSpace(fact), "*")
		switch strings.ToLower(name) {
		case "type", "size", "modify", "unix.mode":
			facts.WriteString(name + ";")
			missing = missing || !on
		}
	}
	if !missing {
		return ""
	}
	return facts.String()
}

// quoted gives the path in the reply to PWD: in quotes, quotes in it doubled.
func quoted(text string) string {
	_, rest, ok := strings.Cut(text, `"`)
	if !ok {
		return ""
	}
	var b strings.Builder
	for i := 0; i < len(rest); i++ {
		if rest[i] == '"' {
			if i+1 == len(rest) || rest[i+1] != '"' {
				break
			}
			i++
		}
		b.WriteByte(rest[i])
	}
	return b.String()
}

// errUnsendable is returned for a path with a new line in it: FTP has no way to
// name it.
var errUnsendable = errors.New("the name has a line break, which FTP cannot ask for")

// cmd sends a command and reads the reply.
func (c *conn) cmd(name string, args ...string) (int, string, error) {
	if err := c.send(name, args...); err != nil {
		return 0, "", err
	}
	return c.reply()
}

func (c *conn) send(name string, args ...string) error {
	line := strings.Join(append([]string{name}, args...), " ")
	if strings.ContainsAny(line, "\r\n\x00") {
		return errUnsendable
	}
	_, err := c.Write([]byte(line + "\r\n"))
	return err
}

// want sends a command that has to succeed.
func (c *conn) want(code int, name string, args ...string) error {
	got, text, err := c.cmd(name, args...)
	if err == nil && got != code {
		err = &replyError{name, got, text}
	}
	return err
}

// reply reads a reply (RFC 959 section 4.2): one line, or several of which the
// last begins with the same number and a blank.
func (c *conn) reply() (code int, text string, err error) {
	var b strings.Builder
	for n := range maxReplyLines {
		line, err := c.r.ReadSlice('\n')
		if err != nil {
			return 0, "", fmt.Errorf("reading a reply: %w", err)
		}
		s := strings.TrimRight(string(line), "\r\n")
		first, ok := replyCode(s)
		switch {
		case n == 0 && !ok:
			return 0, "", fmt.Errorf("not a reply of an FTP server: %.100q", s)
		case n == 0:
			code = first
			if len(s) == 3 || s[3] != '-' {
				return code, strings.TrimPrefix(s[3:], " "), nil
			}
			b.WriteString(s[4:])
		case ok && first == code && (len(s) == 3 || s[3] == ' '):
			b.WriteString("\n" + strings.TrimPrefix(s[3:], " "))
			return code, b.String(), nil
		default:
			b.WriteString("\n" + s)
		}
	}
	return 0, "", fmt.Errorf("a reply of more than %d lines", maxReplyLines)
}

func replyCode(s string) (int, bool) {
	if len(s) < 3 || !isNumber(s[:3]) || len(s) > 3 && s[3] != ' ' && s[3] != '-' {
		return 0, false
	}
	n, _ := strconv.Atoi(s[:3]) // three digits
	return n, n >= 100
}
