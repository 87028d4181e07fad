package scanner

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

const (
	uplinkHosts   = 20               // that are tried
	uplinkTimeout = 10 * time.Second // for all of them
)

// uplink finds out whether this host can reach others at all.
type uplink struct {
	resolve func(ctx context.Context, host string) ([]netip.Addr, error)
	connect func(ctx context.Context, addr netip.AddrPort) error
}

func newUplink() *uplink {
	return &uplink{
		resolve: func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		},
		connect: func(ctx context.Context, addr netip.AddrPort) error {
			var d net.Dialer
			c, err := d.DialContext(ctx, "tcp", addr.String())
			if err != nil {
				return err
			}
			return c.Close()
		},
	}
}

// endpoint is a server to be tried: where it is, as its URL says.
type endpoint struct{ host, port string }

// endpoints gives what URLs name, each once.
func endpoints(urls []string) []endpoint {
	var all []endpoint
	for _, raw := range urls {
		u, err := url.Parse(raw)
		if err != nil || u.Hostname() == "" {
			continue
		}
		port := u.Port()
		if port == "" {
			port = map[string]string{"https": "443", "rsync": "873", "ftp": "21"}[u.Scheme]
		}
		if port == "" {
			port = "80"
		}
		e := endpoint{strings.ToLower(u.Hostname()), port}
		if !slices.Contains(all, e) && len(all) < uplinkHosts {
			all = append(all, e)
		}
	}
	return all
}

// ownTrouble looks for what may be wrong here: with names, with connections, or
// with one of the two address families. It tries where the origin is, and
// mirrors that were well before.
func (r *round) ownTrouble(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, uplinkTimeout)
	defer cancel()
	var urls []string
	if o, err := r.db.Origin(ctx); err == nil {
		urls = append(urls, o.HTTP)
		if !strings.HasPrefix(o.URL, "file:") {
			urls = append(urls, o.URL)
		}
	}
	for i := range r.mirrors {
		if m := &r.mirrors[i]; wasWell(m) {
			urls = append(urls, m.HTTP...)
		}
	}
	return r.o.uplink.trouble(ctx, endpoints(urls))
}

// reached is what came of trying one endpoint.
type reached struct {
	named, resolved bool // it has a name; it has an address
	tried, well     mirror.Families
}

// trouble tries endpoints and says in words what is wrong.
func (u *uplink) trouble(ctx context.Context, all []endpoint) string {
	found := make([]reached, len(all))
	var wg sync.WaitGroup
	for i, e := range all {
		wg.Go(func() { found[i] = u.try(ctx, e) })
	}
	wg.Wait()
	named, resolved, well := 0, 0, 0
	var tried, worked mirror.Families
	for _, f := range found {
		if f.named {
			named++
			if f.resolved {
				resolved++
			}
		}
		if f.well != 0 {
			well++
		}
		tried |= f.tried
		worked |= f.well
	}
	switch {
	case len(all) == 0:
		return "there is nothing else to try a connection with"
	case named > 0 && resolved == 0:
		return fmt.Sprintf("none of %d host names can be resolved: look at the name servers of this host (/etc/resolv.conf)", named)
	case well == 0:
		return fmt.Sprintf("none of %d web servers can be connected to: look at the network of this host", len(all))
	case tried&mirror.IPv6 != 0 && worked == mirror.IPv4:
		return fmt.Sprintf("%d of %d web servers can be connected to, but none by IPv6: look at the IPv6 route of this host", well, len(all))
	case tried&mirror.IPv4 != 0 && worked == mirror.IPv6:
		return fmt.Sprintf("%d of %d web servers can be connected to, but none by IPv4: look at the IPv4 route of this host", well, len(all))
	}
	return fmt.Sprintf("%d of %d web servers can be connected to from here; if the mirrors really are at fault, scan fewer than %d of them at once by name", well, len(all), minDoubt)
}

// try resolves an endpoint and connects to one address of each family.
func (u *uplink) try(ctx context.Context, e endpoint) (f reached) {
	var addrs []netip.Addr
	if a, err := netip.ParseAddr(e.host); err == nil {
		addrs = []netip.Addr{a}
	} else {
		f.named = true
		addrs, err = u.resolve(ctx, e.host)
		f.resolved = err == nil && len(addrs) > 0
	}
	port, err := net.DefaultResolver.LookupPort(ctx, "tcp", e.port)
	if err != nil {
		return f
	}
	for _, a := range addrs {
		family := mirror.IPv4
		if a = a.Unmap(); a.Is6() {
			family = mirror.IPv6
		}
		if f.tried&family != 0 {
			continue
		}
		f.tried |= family
		attempt, cancel := context.WithTimeout(ctx, uplinkTimeout/2)
		if u.connect(attempt, netip.AddrPortFrom(a, uint16(port))) == nil {
			f.well |= family
		}
		cancel()
	}
	return f
}
