// Package ftp lists FTP servers: by MLSD where the server has it (exact times in
// UTC), else by LIST in the form of UNIX or DOS (times to the minute or the day,
// in a zone that is not named).
//
// The connection is spoken to directly rather than through a client library:
// those drop lines of LIST that they do not understand, and what is missing from
// a listing must be known here. A line that is not understood makes the listing
// incomplete. The exact time of each file of a LIST could be had by MDTM, at the
// cost of a question for each; the times of LIST do, for what they are worth.
package ftp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing/frontier"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing/reach"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// security is how a connection is protected.
type security uint8

const (
	plain       security = iota // ftp://
	explicitTLS                 // ftps://: AUTH TLS
	implicitTLS                 // ftps:// on port 990: TLS from the first byte
)

// Lister lists one FTP server.
type Lister struct {
	shown          string // the URL without password, for messages
	host, port     string
	path           string // of the listed URL, decoded, no slash at either end
	absolute       bool   // path begins at the server's root (URL path "/%2F...")
	user, password string
	passwordFile   string // "": password counts
	security       security
	opts           listing.Options
	dialer         *reach.Dialer
	tls            *tls.Config // one for all connections, so that sessions are resumed
}

// New makes a lister for an ftp or ftps URL. ftp:// is never protected, ftps://
// always: by AUTH TLS, on port 990 by TLS from the first byte.
func New(rawURL string, opts listing.Options) (*Lister, error) {
	base, err := mirror.BaseURL(rawURL, "ftp", "ftps")
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(base)
	if err != nil {
		return nil, fmt.Errorf("URL %q does not parse", mirror.Redact(rawURL))
	}
	l := &Lister{
		shown: u.Redacted(), host: u.Hostname(), port: u.Port(),
		path: strings.Trim(u.Path, "/"), absolute: strings.HasPrefix(u.Path, "//"),
		user: "anonymous", password: "anonymous@",
		opts: opts.WithDefaults(),
	}
	if err := mirror.ValidPath(l.path); err != nil {
		return nil, fmt.Errorf("URL %q: %w", l.shown, err)
	}
	if l.dialer, err = l.opts.Dialer(l.opts.Timeout); err != nil {
		return nil, fmt.Errorf("listing %s: %w", l.shown, err)
	}
	if u.User != nil {
		password, given := u.User.Password()
		if !given {
			l.passwordFile = opts.PasswordFile
		}
		l.user, l.password = u.User.Username(), password
	}
	if strings.ContainsAny(l.user+l.password, "\r\n\x00") {
		return nil, fmt.Errorf("URL %q: line break in user or password", l.shown)
	}
	if u.Scheme == "ftps" {
		l.security = explicitTLS
		if l.port == "990" {
			l.security = implicitTLS
		}
		l.tls = &tls.Config{
			ServerName: l.host,
			MinVersion: tls.VersionTLS12,
			// Most servers insist that data connections resume the session.
			ClientSessionCache: tls.NewLRUClientSessionCache(0),
		}
	}
	if l.port == "" {
		l.port = "21"
	}
	return l, nil
}

// secret is the password to log in with.
func (l *Lister) secret() (string, error) {
	if l.passwordFile == "" {
		return l.password, nil
	}
	return listing.ReadPassword(l.passwordFile)
}

// Protocol is "ftp", for ftps too.
func (l *Lister) Protocol() string { return "ftp" }

func (l *Lister) tlsConfig() *tls.Config { return l.tls }

// List lists everything below sub, folder by folder over one connection.
func (l *Lister) List(ctx context.Context, sub string, yield func(listing.Entry) error) (listing.Summary, error) {
	w := &walk{l: l, top: sub, yield: yield, waiting: frontier.New(sub), now: time.Now()}
	err := mirror.ValidPath(sub)
	if err == nil {
		err = w.run(ctx)
	}
	if w.c != nil {
		if err == nil {
			w.c.quit()
		} else {
			w.c.shut()
		}
	}
	if stop, ok := errors.AsType[stopError](err); ok {
		return w.sum, stop.error
	}
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return w.sum, fmt.Errorf("listing %s: %w", l.shown, listing.Plain(err))
	}
	return w.sum, nil
}

// folder is the path to ask the server for.
func (l *Lister) folder(home, path string) string {
	if l.absolute {
		home = ""
	}
	for _, p := range []string{l.path, path} {
		if p != "" {
			home += "/" + p
		}
	}
	if home == "" {
		return "/"
	}
	return home
}
