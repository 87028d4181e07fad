package reach

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// names is a DNS server: a name's addresses, or what is wrong with it. Names that
// are not in it do not exist.
type names map[string]struct {
	addrs  []string
	code   dnsmessage.RCode
	silent bool
}

// resolver asks a server that answers by n.
func (n names) resolver(t *testing.T) *net.Resolver {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pc.Close() })
	go func() {
		buf := make([]byte, 4096)
		for {
			size, from, err := pc.ReadFrom(buf)
			if err != nil {
				return
			}
			if answer := n.answer(buf[:size]); answer != nil {
				_, _ = pc.WriteTo(answer, from) // who asked asks again
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", pc.LocalAddr().String())
	}}
}

func (n names) answer(question []byte) []byte {
	var m dnsmessage.Message
	if m.Unpack(question) != nil || len(m.Questions) != 1 {
		return nil
	}
	q := m.Questions[0]
	it, known := n[strings.TrimSuffix(q.Name.String(), ".")]
	if it.silent {
		return nil
	}
	m.Response, m.RecursionAvailable, m.RCode, m.Additionals = true, true, it.code, nil
	if !known {
		m.RCode = dnsmessage.RCodeNameError
	}
	for _, a := range it.addrs {
		addr := netip.MustParseAddr(a)
		header := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class}
		switch {
		case addr.Is4() && q.Type == dnsmessage.TypeA:
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AResource{A: addr.As4()}})
		case addr.Is6() && q.Type == dnsmessage.TypeAAAA:
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AAAAResource{AAAA: addr.As16()}})
		}
	}
	packed, err := m.Pack()
	if err != nil {
		return nil
	}
	return packed
}

// TestDNSGone: what DNS does not tell is told to the operator.
func TestDNSGone(t *testing.T) {
	t.Parallel()
	resolver := names{
		"broken.example": {code: dnsmessage.RCodeServerFailure},
		"silent.example": {silent: true},
		"six.example":    {addrs: []string{"::1"}},
	}.resolver(t)
	for _, c := range []struct{ host, source, words string }{
		{"gone.example", "", `DNS knows no address of host "gone.example"`},
		{"gone.example", "127.0.0.1", `DNS knows no IPv4 address of host "gone.example"`},
		{"six.example", "127.0.0.1", `DNS knows no IPv4 address of host "six.example"`},
		{"broken.example", "", `DNS cannot tell the address of host "broken.example"`},
		{"silent.example", "", `no connection to silent.example:873 within`},
	} {
		d := dialer(t, Options{Source: c.source, Contact: 5 * time.Second})
		if c.host == "silent.example" {
			d.contact = 200 * time.Millisecond
		}
		d.resolver = resolver
		_, err := d.Dial(t.Context(), "tcp", c.host+":873")
		if err == nil || !strings.Contains(err.Error(), c.words) || !strings.Contains(err.Error(), c.host) {
			t.Errorf("%s from %q: %v, want %q", c.host, c.source, err, c.words)
		}
		if _, ok := errors.AsType[*net.DNSError](err); !ok {
			t.Errorf("%s: %v is no DNS error", c.host, err)
		}
	}
}
