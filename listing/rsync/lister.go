package rsync

import (
	"context"
	"crypto/x509"
	"fmt"
	"os"
	"strings"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing/reach"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// Lister lists a module of an rsync daemon, or a folder in one. It may be used
// by several goroutines at once; each listing has its own connection.
type Lister struct {
	target  target
	options listing.Options
	dialer  *reach.Dialer
	roots   *x509.CertPool // that certificates are checked by; nil: the system's

	// newest is the highest protocol version to announce.
	newest int
}

var _ listing.Lister = (*Lister)(nil)

// New returns a lister for rsync://[user[:password]@]host[:port]/module[/path]/,
// or rsyncs:// (port 874). It does no I/O. The password is taken from the URL, else from the first line
// of options.PasswordFile, else from the environment's RSYNC_PASSWORD.
func New(rawURL string, options listing.Options) (*Lister, error) {
	t, err := parseTarget(rawURL)
	if err != nil {
		return nil, err
	}
	options = options.WithDefaults()
	if env := os.Getenv("RSYNC_PROXY"); env != "" && options.Proxy == "" {
		options.Proxy = "http://" + env // host:port, with a login if need be
	}
	d, err := options.Dialer(0)
	if err != nil {
		return nil, fmt.Errorf("listing %s: %w", t, err)
	}
	l := &Lister{target: t, options: options, dialer: d, newest: newestVersion}
	if options.RsyncProgram != "" && !l.suitsProgram() {
		options.Log("listed by the built-in client: the rsync program knows neither rsyncs:// nor such a proxy")
		l.options.RsyncProgram = ""
	}
	return l, nil
}

// Protocol is "rsync".
func (*Lister) Protocol() string { return "rsync" }

// String is the listed URL without password, for messages.
func (l *Lister) String() string { return l.target.String() }

// List streams all entries below sub to yield; see listing.Lister. The folder
// itself is not yielded. Errors wrap listing.ErrNoFolder, listing.ErrAuth and
// listing.ErrBusy where the server said so.
func (l *Lister) List(ctx context.Context, sub string, yield func(listing.Entry) error) (listing.Summary, error) {
	s := sink{yield: yield, stopped: ctx.Err, sieve: listing.Sieve{Skip: l.options.Skip, Top: sub}}
	err := mirror.ValidPath(sub)
	switch {
	case err != nil:
	case l.options.RsyncProgram != "":
		err = l.listProgram(ctx, sub, &s)
	default:
		err = l.listDaemon(ctx, sub, &s)
	}
	if err == nil && ctx.Err() == nil {
		return s.summary, nil
	}
	if s.yieldErr != nil {
		return s.summary, s.yieldErr
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return s.summary, fmt.Errorf("listing %s%s: %w", l, mirror.EscapePath(sub), listing.Plain(err))
}

// sink hands entries on and counts them.
type sink struct {
	yield    func(listing.Entry) error
	yieldErr error        // what yield returned
	stopped  func() error // the context's Err
	summary  listing.Summary

	sieve listing.Sieve

	seen     int    // entries, with those that are skipped
	messages int    // errors that the server reported
	first    string // the first of them
}

// entry checks the path and yields.
func (s *sink) entry(e listing.Entry) error {
	if !believable(e.Path) {
		s.summary.Refused++
		return nil
	}
	// What is buffered would otherwise go on long after the connection's end.
	if s.seen++; s.seen%256 == 0 {
		if err := s.stopped(); err != nil {
			return err
		}
	}
	if s.sieve.Skips(e.Path, e.Kind == listing.Dir) {
		return nil
	}
	if s.yieldErr = s.yield(e); s.yieldErr != nil {
		return s.yieldErr
	}
	s.summary.Entries++
	return nil
}

// believable reports whether path can be that of something below the folder.
func believable(path string) bool { return path != "" && mirror.ValidPath(path) == nil }

// complaint notes an error message of the server: something is not listed.
func (s *sink) complaint(text string) {
	if s.messages++; s.messages == 1 {
		s.first = text
	}
	s.summary.AddIncomplete(text)
}

// nothing is the error when not even the folder itself was listed.
func (s *sink) nothing() error {
	switch {
	case s.first == "":
		return fmt.Errorf("the server lists nothing, not even the folder itself")
	case isNotExist(s.first):
		return fmt.Errorf("%w: %s", listing.ErrNoFolder, s.first)
	}
	return fmt.Errorf("the server says: %s", s.first)
}

// isNotExist recognises the ends of messages that rsync makes from ENOENT and
// ENOTDIR, whatever the server's language, and what it says of folders that
// its configuration hides.
func isNotExist(message string) bool {
	return strings.HasSuffix(message, "(2)") || strings.HasSuffix(message, "(20)") ||
		strings.Contains(message, "daemon-excluded") || strings.Contains(message, "daemon has excluded")
}
