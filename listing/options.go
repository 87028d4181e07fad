package listing

import (
	"cmp"
	"strings"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing/reach"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// DefaultTimeout is the silence after which a server is given up.
const DefaultTimeout = 60 * time.Second

// Options apply to all protocols; zero values are defaults.
type Options struct {
	// Timeout is how long a server may stay silent between two pieces of data.
	// Default: DefaultTimeout.
	Timeout time.Duration
	// ContactTimeout is how long connecting may take, with names to be looked up
	// and proxies on the way. Default: Timeout, but at most
	// reach.DefaultContact.
	ContactTimeout time.Duration
	// Source is the local IP address to connect from, for all connections of the
	// listing; the server is then reached over the address's family only. "": the
	// system chooses.
	Source string
	// Proxy is the URL of the proxy to go through: http://, https:// or
	// socks5://, with a user and password if need be. HTTP uses the first two in
	// the ordinary way; rsync and FTP go through CONNECT. "": the one that the
	// environment names (HTTP_PROXY, HTTPS_PROXY and NO_PROXY for HTTP,
	// RSYNC_PROXY for rsync, none for FTP). "none": none at all.
	Proxy string
	// Redirects says how far redirects of index pages may lead; the zero value
	// is mirror.RedirectsSameHost.
	Redirects mirror.Redirects
	// PasswordFile names a file whose first line is the password of the user in
	// the URL, where the URL has none; for S3, a file with the bucket's keys.
	PasswordFile string
	// RsyncProgram is the path of an rsync program to list with instead of the
	// built-in client; "" uses the built-in one. What the program cannot do
	// (rsyncs://, proxies other than http://) is done by the built-in one.
	RsyncProgram string
	// Parallel is how many folders are listed at once (HTTP). Default: 4.
	Parallel int
	// UserAgent for HTTP. Default: "mirrorbrain-scanner".
	UserAgent string
	// Skip says which entries are not yielded; nothing below a folder among them
	// is either, and HTTP and FTP do not descend into it. The path is relative to
	// the listed URL. What is skipped does not make a listing incomplete. nil:
	// nothing but what Temporary says, which is always skipped. As yield, it is
	// not called twice at the same time.
	Skip func(path string, dir bool) bool
	// Log receives what is odd but not an error, each kind once. nil: nobody.
	Log func(msg string)
}

// WithDefaults fills in the defaults of unset options.
func (o Options) WithDefaults() Options {
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	if o.ContactTimeout <= 0 {
		o.ContactTimeout = min(o.Timeout, reach.DefaultContact)
	}
	if o.Parallel <= 0 {
		o.Parallel = 4
	}
	o.UserAgent = cmp.Or(o.UserAgent, "mirrorbrain-scanner")
	if o.Log == nil {
		o.Log = func(string) {}
	}
	skip := o.Skip
	o.Skip = func(path string, dir bool) bool {
		return Temporary(path, dir) || skip != nil && skip(path, dir)
	}
	return o
}

// Dialer makes the dialer that the options ask for. Its connections end when a
// single read or write takes longer than silence; 0 sets no limit.
func (o Options) Dialer(silence time.Duration) (*reach.Dialer, error) {
	return reach.New(reach.Options{Contact: o.ContactTimeout, Silence: silence, Source: o.Source, Proxy: o.Proxy})
}

// TemporaryFolder is what rsync calls the folders in which it collects files
// while it updates a tree (--delay-updates). They are often closed to all but
// the user that rsync runs as, and hold nothing that is to be offered.
const TemporaryFolder = ".~tmp~"

// Temporary reports whether path is such a folder.
func Temporary(path string, dir bool) bool {
	name, found := strings.CutSuffix(path, TemporaryFolder)
	return dir && found && (name == "" || strings.HasSuffix(name, "/"))
}
