package reach

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
)

// ErrRedirect says that a mirror sends to where its settings do not allow.
var ErrRedirect = errors.New("redirect is not allowed")

var notPublic = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"),  // carrier-grade NAT, RFC 6598
	netip.MustParsePrefix("192.0.0.0/24"),   // RFC 6890
	netip.MustParsePrefix("198.18.0.0/15"),  // benchmarks, RFC 2544
	netip.MustParsePrefix("240.0.0.0/4"),    // reserved
	netip.MustParsePrefix("::/96"),          // IPv4-compatible of old, RFC 4291
	netip.MustParsePrefix("64:ff9b::/96"),   // NAT64, RFC 6052: leads to any IPv4 address
	netip.MustParsePrefix("64:ff9b:1::/48"), // NAT64, RFC 8215
	netip.MustParsePrefix("2002::/16"),      // 6to4: likewise
	netip.MustParsePrefix("2001::/32"),      // Teredo: likewise
	netip.MustParsePrefix("2001:db8::/32"),  // documentation
	netip.MustParsePrefix("fec0::/10"),      // site-local of old
}

// Public reports whether addr is one that anybody could reach.
func Public(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	if !addr.IsGlobalUnicast() || addr.IsPrivate() {
		return false
	}
	for _, p := range notPublic {
		if p.Contains(addr) {
			return false
		}
	}
	return true
}

// onlyPublic looks at the address a connection is about to be made to.
func onlyPublic(_, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil || !Public(ap.Addr()) {
		return fmt.Errorf("%w: %s is not a public address", ErrRedirect, address)
	}
	return nil
}

// resolvePublic gives the first public address of the host in address.
func (d *Dialer) resolvePublic(ctx context.Context, address string) (string, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", err
	}
	addrs, err := cmp.Or(d.resolver, net.DefaultResolver).LookupNetIP(ctx, "ip", host)
	if err != nil {
		return "", err
	}
	for _, a := range addrs {
		if Public(a) {
			return net.JoinHostPort(a.Unmap().String(), port), nil
		}
	}
	return "", fmt.Errorf("%w: %s has no public address", ErrRedirect, host)
}
