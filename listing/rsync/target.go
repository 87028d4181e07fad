package rsync

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// The ports of rsync daemons: IANA's, and the one that rsync-ssl uses.
const (
	plainPort  = "873"
	securePort = "874"
)

// target is what an rsync URL names.
type target struct {
	secure      bool // rsyncs://
	host, port  string
	module      string
	path        string // below the module, form of mirror.ValidPath
	user        string // "" when the URL has none
	password    string
	hasPassword bool
}

// parseTarget reads an rsync URL. Unlike the rsync program it decodes percent
// encoding, as every other URL here is read.
func parseTarget(raw string) (target, error) {
	base, err := mirror.BaseURL(raw, "rsync", "rsyncs")
	if err != nil {
		return target{}, err
	}
	u, err := url.Parse(base)
	if err != nil {
		return target{}, err
	}
	t := target{secure: u.Scheme == "rsyncs", host: u.Hostname(), port: u.Port()}
	if t.port == "" {
		t.port = plainPort
		if t.secure {
			t.port = securePort
		}
	}
	if u.User != nil {
		t.user = u.User.Username()
		t.password, t.hasPassword = u.User.Password()
	}
	t.module, t.path, _ = strings.Cut(strings.Trim(u.Path, "/"), "/")
	switch {
	case t.module == "":
		return target{}, fmt.Errorf("URL %q: names no rsync module", u.Redacted())
	case strings.HasPrefix(t.module, "#") || strings.ContainsAny(t.module, "\x00\r\n"):
		return target{}, fmt.Errorf("URL %q: %q cannot be an rsync module", u.Redacted(), t.module)
	case strings.ContainsAny(t.user, "\x00\r\n \t:"):
		return target{}, fmt.Errorf("URL %q: %q cannot be an rsync user", u.Redacted(), t.user)
	}
	if err := mirror.ValidPath(t.path); err != nil {
		return target{}, fmt.Errorf("URL %q: %w", u.Redacted(), err)
	}
	return t, nil
}

// String is the URL without user and password.
func (t target) String() string {
	s := "rsync"
	if t.secure {
		s += "s"
	}
	s += "://" + t.address() + "/" + mirror.EscapePath(t.module) + "/"
	if t.path != "" {
		s += mirror.EscapePath(t.path) + "/"
	}
	return s
}

func (t target) address() string { return net.JoinHostPort(t.host, t.port) }

// argument is the file argument for the server that asks for the contents of
// sub below the target.
func (t target) argument(sub string) string {
	if t.path != "" && sub != "" {
		sub = t.path + "/" + sub
	} else {
		sub = t.path + sub
	}
	if sub == "" {
		return t.module + "/"
	}
	return t.module + "/" + quotePattern(sub) + "/"
}

// quotePattern makes the server's pattern expansion give back s itself.
func quotePattern(s string) string {
	if !strings.ContainsAny(s, `*?[\`) {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		if strings.IndexByte(`*?[\`, s[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// credentials returns the user and password to answer a challenge with; ok is
// false when no password is known.
func (t target) credentials(passwordFile string) (user, password string, ok bool, err error) {
	user = t.user
	for _, name := range []string{"USER", "LOGNAME"} { // as the rsync program does
		if user == "" {
			user = os.Getenv(name)
		}
	}
	if user == "" {
		user = "nobody"
	}
	switch {
	case t.hasPassword:
		return user, t.password, true, nil
	case passwordFile != "":
		password, err = listing.ReadPassword(passwordFile)
		return user, password, err == nil, err
	}
	password, ok = os.LookupEnv("RSYNC_PASSWORD")
	return user, password, ok, nil
}
