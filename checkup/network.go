package checkup

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing/reach"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// maxAddresses is how many addresses of a host are tried.
const maxAddresses = 8

// resolve gives the addresses of a host name, or of an address as text.
func resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{addr.Unmap()}, nil
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	for i := range addrs {
		addrs[i] = addrs[i].Unmap()
	}
	return addrs, err
}

// hosts are the different hosts of the mirror's URLs, those of clients first.
func (c *checker) hosts() (hosts []string) {
	for _, base := range append(slices.Clone(c.Mirror.HTTP), c.Mirror.Rsync, c.Mirror.FTP) {
		if u, err := url.Parse(base); err == nil && u.Hostname() != "" && !slices.Contains(hosts, u.Hostname()) {
			hosts = append(hosts, u.Hostname())
		}
	}
	return hosts
}

// names looks the hosts up.
func (c *checker) names(ctx context.Context) (all []Finding) {
	ctx, cancel := context.WithTimeout(ctx, c.o.Timeout)
	defer cancel()
	for i, host := range c.hosts() {
		all = append(all, c.name(ctx, host, i == 0))
	}
	return all
}

func (c *checker) name(ctx context.Context, host string, first bool) Finding {
	f := Finding{Check: "DNS", About: host, Result: OK}
	addrs, err := c.o.Resolve(ctx, host)
	if err != nil || len(addrs) == 0 {
		f.Result, f.What = Fail, "has no addresses"
		if err != nil {
			f.What += ": " + because(err)
		}
		f.Mend = "nobody can reach it: is the name right, or has the mirror moved?"
		return f
	}
	var texts, private []string
	var has mirror.Families
	count := map[mirror.Families]int{}
	for _, a := range addrs {
		texts = append(texts, a.String())
		family := mirror.IPv6
		if a.Is4() {
			family = mirror.IPv4
		}
		has |= family
		count[family]++
		if !reach.Public(a) {
			private = append(private, a.String())
		}
	}
	f.What = strings.Join(texts[:min(maxAddresses, len(texts))], ", ")
	switch {
	case len(private) > 0:
		f.Result, f.Mend = Warn, strings.Join(private, ", ")+" cannot be reached by everybody"
	case first && c.Mirror.Families != 0 && c.Mirror.Families != has:
		f.Result = Warn
		f.Mend = fmt.Sprintf("the database says %s: mbctl update %s --families", c.Mirror.Families, c.Mirror.Name)
	case count[mirror.IPv4] > 1 || count[mirror.IPv6] > 1:
		f.Result = Warn
		f.Mend = "there may be servers behind it that differ: a scan sees one of them, clients any"
	}
	return f
}

// endpoints are the addresses and the port of a base URL, not more than some.
func (c *checker) endpoints(ctx context.Context, base string) (u *url.URL, at []netip.AddrPort) {
	u, err := url.Parse(base)
	if err != nil {
		return nil, nil
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443", "rsync": "873", "ftp": "21", "ftps": "21"}[u.Scheme]
	}
	addrs, err := c.o.Resolve(ctx, u.Hostname())
	if err != nil {
		return u, nil // the check of names says it
	}
	for _, a := range addrs[:min(maxAddresses, len(addrs))] {
		if ap, err := netip.ParseAddrPort(net.JoinHostPort(a.String(), port)); err == nil {
			at = append(at, ap)
		}
	}
	return u, at
}

// eachEndpoint makes a check of every address, side by side: one that hangs
// takes no other's time.
func (c *checker) eachEndpoint(ctx context.Context, at []netip.AddrPort, check func(context.Context, netip.AddrPort) Finding) []Finding {
	all := make([]Finding, len(at))
	var wg sync.WaitGroup
	for i, ap := range at {
		wg.Go(func() {
			each, cancel := context.WithTimeout(ctx, c.o.Timeout)
			defer cancel()
			all[i] = check(each, ap)
		})
	}
	wg.Wait()
	return slices.DeleteFunc(all, func(f Finding) bool { return f.Check == "" })
}

// connects tries every address, so both families.
func (c *checker) connects(ctx context.Context, base string) []Finding {
	if c.proxied {
		return []Finding{{Check: "connect", About: shown(base), Result: Skip, What: "this host reaches the mirror through a proxy"}}
	}
	_, at := c.endpoints(ctx, base)
	return c.eachEndpoint(ctx, at, func(ctx context.Context, ap netip.AddrPort) Finding {
		family := "IPv6"
		if ap.Addr().Is4() {
			family = "IPv4"
		}
		f := Finding{Check: "connect by " + family, About: ap.String(), Result: OK}
		start := time.Now()
		conn, err := c.o.Dial(ctx, "tcp", ap.String())
		switch {
		case err == nil:
			f.What = fmt.Sprintf("in %d ms", time.Since(start).Milliseconds())
			conn.Close()
		case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EADDRNOTAVAIL):
			f.Result, f.What = Skip, "this host has no "+family
		default:
			f.Result, f.What = Fail, because(err)
			f.Mend = "clients with " + family + " alone, or that try it first, do not reach the mirror: tell its operator, or take the address family away with mbctl edit"
		}
		return f
	})
}

// Days before the end of a certificate at which a word is due.
const certificateDays = 14

// certificates looks at the certificate that each address shows.
func (c *checker) certificates(ctx context.Context, base string) []Finding {
	u, at := c.endpoints(ctx, base)
	if u == nil || u.Scheme != "https" {
		return nil
	}
	return c.eachEndpoint(ctx, at, func(ctx context.Context, ap netip.AddrPort) Finding {
		return c.certificate(ctx, u.Hostname(), ap)
	})
}

// certificate gives the zero Finding when there is no connection, which another
// check tells.
func (c *checker) certificate(ctx context.Context, host string, ap netip.AddrPort) Finding {
	raw, err := c.o.Dial(ctx, "tcp", ap.String())
	if err != nil {
		return Finding{}
	}
	defer raw.Close()
	f := Finding{Check: "TLS", About: ap.String(), Result: OK}
	conf := c.o.TLS.Clone()
	conf.ServerName = host
	conn := tls.Client(raw, conf)
	if err := conn.HandshakeContext(ctx); err != nil {
		f.Result, f.What = Fail, because(err)
		f.Mend = "https clients refuse the mirror" + certificateMend(err)
		return f
	}
	state := conn.ConnectionState()
	end := chainEnd(state)
	left := end.Sub(c.o.Now())
	f.What = fmt.Sprintf("%s, valid for %s until %s (%s left)", tls.VersionName(state.Version), host, end.UTC().Format(time.DateOnly), long(left))
	if left < certificateDays*24*time.Hour {
		f.Result, f.Mend = Warn, "it should have been renewed by now: tell the mirror's operator"
	}
	return f
}

// chainEnd is when the last of the chains that hold ends: of each the
// certificate that ends first.
func chainEnd(state tls.ConnectionState) (last time.Time) {
	for _, chain := range state.VerifiedChains {
		end := chain[0].NotAfter
		for _, cert := range chain {
			if cert.NotAfter.Before(end) {
				end = cert.NotAfter
			}
		}
		if end.After(last) {
			last = end
		}
	}
	return last
}

// certificateMend says what an operator has to do about a certificate.
func certificateMend(err error) string {
	if e, ok := errors.AsType[x509.CertificateInvalidError](err); ok && e.Reason == x509.Expired {
		return ": its certificate, or one of its chain, has expired"
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return ": its certificate is for other names"
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return ": its certificate is of an unknown authority, or it does not send the certificates in between"
	}
	return ""
}
