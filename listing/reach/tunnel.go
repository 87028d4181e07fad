package reach

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/proxy"
)

// maxConnectAnswer bounds what a proxy may say before the connection is ours.
const maxConnectAnswer = 64 << 10

// tunnel connects through the configured proxy.
func (d *Dialer) tunnel(ctx context.Context, address string) (net.Conn, error) {
	c, err := d.through(ctx, address)
	if err != nil {
		return nil, fmt.Errorf("through proxy %s://%s: %w", d.proxy.Scheme, d.proxy.Host, d.explain(err))
	}
	return c, nil
}

func (d *Dialer) through(ctx context.Context, address string) (net.Conn, error) {
	if d.proxy.Scheme == "socks5" {
		return d.socks(ctx, address)
	}
	c, err := d.direct(ctx, "tcp", d.proxy.Host, nil)
	if err != nil {
		return nil, err
	}
	// A proxy that says nothing is left when the time for connecting is over.
	stop := context.AfterFunc(ctx, func() { c.SetDeadline(time.Unix(1, 0)) })
	t := c
	if d.proxy.Scheme == "https" {
		t = tls.Client(c, &tls.Config{ServerName: d.proxy.Hostname(), MinVersion: tls.VersionTLS12, RootCAs: d.roots})
	}
	err = connect(t, address, d.proxy.User)
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return t, nil
}

// socks connects through a SOCKS5 proxy (RFC 1928), which looks names up.
func (d *Dialer) socks(ctx context.Context, address string) (net.Conn, error) {
	var auth *proxy.Auth
	if u := d.proxy.User; u != nil {
		password, _ := u.Password()
		auth = &proxy.Auth{User: u.Username(), Password: password}
	}
	s, err := proxy.SOCKS5("tcp", d.proxy.Host, auth, toProxy{d})
	if err != nil {
		return nil, err
	}
	return s.(proxy.ContextDialer).DialContext(ctx, "tcp", address)
}

// toProxy connects to the proxy itself.
type toProxy struct{ d *Dialer }

func (t toProxy) Dial(network, address string) (net.Conn, error) {
	return t.DialContext(context.Background(), network, address)
}

func (t toProxy) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return t.d.direct(ctx, network, address, nil)
}

// connect asks an HTTP proxy for a tunnel (RFC 9110 section 9.3.6). Nothing
// behind the answer's head is read: it is the server's, which may speak first.
func connect(c net.Conn, address string, user *url.Userinfo) error {
	if strings.ContainsAny(address, "\r\n\t ") {
		return fmt.Errorf("%q is not an address", address)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "CONNECT %s HTTP/1.1\r\nHost: %[1]s\r\n", address)
	if user != nil {
		password, _ := user.Password()
		login := base64.StdEncoding.EncodeToString([]byte(user.Username() + ":" + password))
		fmt.Fprintf(&b, "Proxy-Authorization: Basic %s\r\n", login)
	}
	b.WriteString("\r\n")
	if _, err := c.Write(b.Bytes()); err != nil {
		return err
	}
	head, err := readHead(c)
	if err != nil {
		return fmt.Errorf("waiting for the proxy's answer: %w", err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(head)), &http.Request{Method: http.MethodConnect})
	if err != nil {
		return fmt.Errorf("the proxy's answer is not HTTP: %w", err)
	}
	resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusProxyAuthRequired:
		return errors.New("the proxy wants a (different) user or password")
	case resp.StatusCode/100 != 2:
		return fmt.Errorf("the proxy refuses to connect to %s: %d %s", address, resp.StatusCode, http.StatusText(resp.StatusCode))
	}
	return nil
}

// readHead reads up to an empty line.
func readHead(c net.Conn) ([]byte, error) {
	var head []byte
	one := make([]byte, 1)
	for !bytes.HasSuffix(head, []byte("\r\n\r\n")) && !bytes.HasSuffix(head, []byte("\n\n")) {
		if len(head) == maxConnectAnswer {
			return nil, fmt.Errorf("more than %d KiB", maxConnectAnswer>>10)
		}
		if _, err := c.Read(one); err != nil {
			return nil, err
		}
		head = append(head, one[0])
	}
	return head, nil
}
