package checkup

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/scanner"
)

// someEntries is how many entries show that a server lists.
const someEntries = 200

var errEnough = errors.New("enough was listed")

// lists begins to list a base URL by its protocol, logging in where that is
// wanted.
func (c *checker) lists(ctx context.Context, base string) []Finding {
	ctx, cancel := context.WithTimeout(ctx, c.o.Timeout)
	defer cancel()
	f := Finding{Check: "listing", About: shown(base), Result: OK}
	how := scanner.ListingOptions(&c.Mirror, base)
	how.Timeout, how.RsyncProgram = c.o.Timeout, c.o.RsyncProgram
	how.Log = func(msg string) { c.o.Log.Debug("listing a mirror", "mirror", c.Mirror.Name, "oddity", msg) }
	l, err := c.o.Open(base, how)
	if err != nil {
		f.Result, f.What, f.Mend = Fail, because(err), "mbctl edit "+c.Mirror.Name
		return []Finding{f}
	}
	f.Check = map[string]string{"rsync": "rsync listing", "ftp": "FTP login and listing", "http": "index page", "s3": "S3 listing"}[l.Protocol()]
	n := 0
	sum, err := l.List(ctx, "", func(listing.Entry) error {
		if n++; n >= someEntries {
			return errEnough
		}
		return ctx.Err()
	})
	switch {
	case errors.Is(err, errEnough), err == nil && n > 0 && sum.Complete():
		f.What = fmt.Sprintf("lists (%d entries seen)", n)
	case err == nil && n == 0:
		f.Result, f.What, f.Mend = Fail, "lists nothing", "the URL leads to an empty folder, or a disk is not mounted"
	case err == nil:
		f.Result, f.What = Warn, "lists, but something is missing: "+sum.Incomplete[0]
		f.Mend = "what is missing is not known to be gone; the mirror's operator should see to permissions"
	default:
		c.unlisted(&f, l.Protocol(), n, err)
	}
	return []Finding{f}
}

// unlisted says what follows from a listing that failed.
func (c *checker) unlisted(f *Finding, protocol string, n int, err error) {
	f.Result, f.What = Fail, strings.TrimPrefix(because(err), "listing "+f.About+": ")
	switch {
	case errors.Is(err, listing.ErrBusy):
		f.Result, f.Mend = Warn, "scans come at such times for nothing; they try the next protocol, and later again"
	case errors.Is(err, listing.ErrAuth):
		f.Mend = "give user and password in the URL, or for rsync --rsync-password-file (mbctl edit " + c.Mirror.Name + ")"
	case errors.Is(err, listing.ErrNoFolder):
		f.Mend = "is the URL right? (mbctl edit " + c.Mirror.Name + ")"
	case n > 0 && errors.Is(err, context.DeadlineExceeded):
		f.Result, f.What = Warn, fmt.Sprintf("lists slowly (%d entries in %s)", n, long(c.o.Timeout))
		f.Mend = "scans take long"
	case protocol == "http" && errors.Is(err, listing.ErrNotIndex):
		f.Result = Warn
		if c.Mirror.Rsync == "" && c.Mirror.FTP == "" && c.Mirror.S3 == "" {
			f.Result = Fail
		}
		f.Mend = "scans need another protocol there: give it an rsync or FTP URL (mbctl edit " + c.Mirror.Name + ")"
	default:
		f.Mend = "scans cannot list it this way"
	}
}

// daemon looks at an rsync daemon, over one connection after the other.
func (c *checker) daemon(ctx context.Context, base string) []Finding {
	return append(c.greeting(ctx, base), c.lists(ctx, base)...)
}

// greeting reads what an rsync daemon says first (clientserver.c of rsync:
// "@RSYNCD: 31.0"). A version below 27 is older than what can be spoken.
func (c *checker) greeting(ctx context.Context, base string) []Finding {
	f := Finding{Check: "rsync greeting", About: shown(base), Result: OK}
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "rsync" { // under TLS the listing alone tells
		return nil
	}
	port := u.Port()
	if port == "" {
		port = "873"
	}
	ctx, cancel := context.WithTimeout(ctx, c.o.Timeout)
	defer cancel()
	line, err := c.firstLine(ctx, net.JoinHostPort(u.Hostname(), port))
	version, ok := strings.CutPrefix(line, "@RSYNCD: ")
	switch {
	case err != nil:
		f.Result, f.What, f.Mend = Fail, because(err), "is rsync running there, and open to this host?"
	case !ok:
		f.Result, f.What = Fail, fmt.Sprintf("is no rsync daemon: it says %.80q", line)
		f.Mend = "is the port right? (mbctl edit " + c.Mirror.Name + ")"
	default:
		number, _, _ := strings.Cut(version, " ")
		f.What = fmt.Sprintf("protocol %.20q", number)
	}
	return []Finding{f}
}

// maxGreeting bounds the first line, in bytes.
const maxGreeting = 4096

func (c *checker) firstLine(ctx context.Context, address string) (string, error) {
	conn, err := c.o.Dial(ctx, "tcp", address)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if end, ok := ctx.Deadline(); ok {
		conn.SetReadDeadline(end)
	} else {
		conn.SetReadDeadline(time.Now().Add(c.o.Timeout))
	}
	line, err := bufio.NewReader(io.LimitReader(conn, maxGreeting)).ReadString('\n')
	if err != nil && line == "" {
		return "", err
	}
	return strings.TrimRight(line, "\r\n"), nil
}
