// Package reach makes the connections to mirrors: from which address, through
// which proxy, within which time, and, where a mirror itself says where to go
// next, to whom at all.
package reach

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing/quiet"
)

// DefaultContact is how long connecting may take.
const DefaultContact = 30 * time.Second

// NoProxy, as Options.Proxy, keeps the environment's proxies out.
const NoProxy = "none"

// Options say how servers are reached; zero values are defaults.
type Options struct {
	// Contact is how long connecting may take, with names to be looked up and
	// proxies on the way. Default: DefaultContact.
	Contact time.Duration
	// Silence is how long one read or write may take. 0: no limit.
	Silence time.Duration
	// Source is the local IP address to connect from; servers are then reached
	// over its address family only. "": the system chooses.
	Source string
	// Proxy is the URL of the proxy to go through: http:// or https:// (asked by
	// CONNECT, and by HTTP clients in the ordinary way), or socks5://, with a
	// user and password if need be. "": the one that the environment names for
	// HTTP (HTTP_PROXY, HTTPS_PROXY, NO_PROXY), none for others. NoProxy: none
	// at all.
	Proxy string
}

// Dialer makes connections. It may be used by several goroutines at once.
type Dialer struct {
	contact, silence time.Duration
	source           netip.Addr // invalid: the system chooses
	proxy            *url.URL   // nil: none is configured
	environment      bool       // the environment may name one

	roots    *x509.CertPool // for https:// proxies; nil: the system's
	resolver *net.Resolver  // nil: the system's
}

// New checks the options and makes a dialer of them. It does no I/O.
func New(o Options) (*Dialer, error) {
	d := &Dialer{
		contact: cmp.Or(max(o.Contact, 0), DefaultContact), silence: max(o.Silence, 0),
		environment: o.Proxy == "",
	}
	if o.Source != "" {
		addr, err := netip.ParseAddr(o.Source)
		if err != nil {
			return nil, fmt.Errorf("source address %q: must be an IP address of this host", o.Source)
		}
		d.source = addr.Unmap()
	}
	if o.Proxy != "" && o.Proxy != NoProxy {
		proxy, err := parseProxy(o.Proxy)
		if err != nil {
			return nil, err
		}
		d.proxy = proxy
	}
	return d, nil
}

// parseProxy reads the URL of a proxy, and makes its port explicit.
func parseProxy(raw string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(raw))
	if err != nil {
		// The error, and what does not parse, may hold a password.
		return nil, fmt.Errorf("the proxy's URL does not parse; wanted is http://host:port, https://host:port or socks5://host:port")
	}
	switch {
	case u.Hostname() == "":
		return nil, fmt.Errorf("proxy %q: has no host name; wanted is http://host:port, https://host:port or socks5://host:port", u.Redacted())
	case u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "":
		return nil, fmt.Errorf("proxy %q: must end with the port", u.Redacted())
	}
	var port string
	switch u.Scheme {
	case "http":
		port = "80"
	case "https":
		port = "443"
	case "socks5", "socks5h": // names are the proxy's to look up in both
		u.Scheme, port = "socks5", "1080"
	default:
		return nil, fmt.Errorf("proxy %q: must begin with http://, https:// or socks5://", u.Redacted())
	}
	u.Host = net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), port))
	u.Path = ""
	return u, nil
}

// Proxied reports whether Dial goes through a proxy: then a connection's remote
// address is not the server's.
func (d *Dialer) Proxied() bool { return d.proxy != nil }

// Source is the local address that is connected from; the zero Addr leaves it to
// the system.
func (d *Dialer) Source() netip.Addr { return d.source }

// Proxy is the configured proxy, nil without one. It is not to be changed.
func (d *Dialer) Proxy() *url.URL { return d.proxy }

// Dial connects to a server, through the configured proxy. network is "tcp".
func (d *Dialer) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return d.within(ctx, address, func(ctx context.Context) (net.Conn, error) {
		if d.proxy != nil {
			return d.tunnel(ctx, address)
		}
		return d.direct(ctx, network, address, nil)
	})
}

// DialPublic is Dial for where a server that is not to be trusted sent us: only
// public addresses are connected to. The address is looked at after its name was
// resolved, here even if a proxy does the rest, so that no name can hide a
// private one. An error because of that wraps ErrRedirect.
func (d *Dialer) DialPublic(ctx context.Context, network, address string) (net.Conn, error) {
	return d.within(ctx, address, func(ctx context.Context) (net.Conn, error) {
		if d.proxy == nil {
			return d.direct(ctx, network, address, onlyPublic)
		}
		resolved, err := d.resolvePublic(ctx, address)
		if err != nil {
			return nil, err
		}
		return d.tunnel(ctx, resolved)
	})
}

// near connects without the configured proxy, or to that proxy.
func (d *Dialer) near(ctx context.Context, network, address string) (net.Conn, error) {
	return d.within(ctx, address, func(ctx context.Context) (net.Conn, error) {
		return d.direct(ctx, network, address, nil)
	})
}

// within bounds the time of connecting, explains what went wrong, and makes the
// connection one that ends on silence.
func (d *Dialer) within(ctx context.Context, address string, dial func(context.Context) (net.Conn, error)) (net.Conn, error) {
	limited, cancel := context.WithTimeout(ctx, d.contact)
	defer cancel()
	c, err := dial(limited)
	switch {
	case err == nil && d.silence > 0:
		return quiet.Wrap(c, d.silence), nil
	case err == nil:
		return c, nil
	// A connection's deadline may pass a moment before the context's, which is
	// the same.
	case ctx.Err() == nil && (limited.Err() != nil || errors.Is(err, os.ErrDeadlineExceeded)):
		return nil, fmt.Errorf("no connection to %s within %v: %w", address, d.contact, d.explain(err))
	}
	return nil, d.explain(err)
}

type control func(network, address string, c syscall.RawConn) error

func (d *Dialer) direct(ctx context.Context, network, address string, check control) (net.Conn, error) {
	nd := net.Dialer{Control: check, Resolver: d.resolver}
	if d.source.IsValid() {
		nd.LocalAddr = &net.TCPAddr{IP: d.source.AsSlice(), Zone: d.source.Zone()}
		if network == "tcp" {
			network = "tcp6"
			if d.source.Is4() {
				network = "tcp4"
			}
		}
	}
	return nd.DialContext(ctx, network, address)
}

// explain puts the errors that operators meet most into words.
func (d *Dialer) explain(err error) error {
	family := ""
	if d.source.IsValid() {
		family = "IPv6 "
		if d.source.Is4() {
			family = "IPv4 "
		}
	}
	why := ""
	if de, ok := errors.AsType[*net.DNSError](err); ok {
		switch {
		case de.IsNotFound:
			why = fmt.Sprintf("DNS knows no %saddress of host %q", family, de.Name)
		case de.IsTimeout:
			why = fmt.Sprintf("no DNS server answered for host %q", de.Name)
		default:
			why = fmt.Sprintf("DNS cannot tell the %saddress of host %q: %s", family, de.Name, de.Err)
		}
		if de.Server != "" {
			why += " (asked " + de.Server + ")"
		}
	} else if ae, ok := errors.AsType[*net.AddrError](err); ok && family != "" {
		why = fmt.Sprintf("%s is no %saddress, and source address %s is one", ae.Addr, family, d.source)
	}
	if why == "" {
		return err
	}
	return &explained{why, err}
}

// explained is an error in other words.
type explained struct {
	why string
	err error
}

func (e *explained) Error() string { return e.why }
func (e *explained) Unwrap() error { return e.err }
