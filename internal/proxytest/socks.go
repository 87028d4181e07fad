package proxytest

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"strconv"
)

func (p *Proxy) serveSocks(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			there, err := p.socks(c)
			if err != nil {
				return
			}
			join(c, there)
		}()
	}
}

var errSocks = errors.New("refused")

// socks is the server's half of RFC 1928, and of RFC 1929 for the login.
func (p *Proxy) socks(c net.Conn) (net.Conn, error) {
	if _, err := take(c, 1); err != nil { // the version
		return nil, err
	}
	if _, err := short(c); err != nil { // the offered methods
		return nil, err
	}
	if err := p.login(c); err != nil {
		return nil, err
	}
	head, err := take(c, 4)
	if err != nil {
		return nil, err
	}
	address, err := destination(c, head[3])
	if err != nil {
		return nil, err
	}
	there, err := p.dial(address)
	answer := []byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0}
	if err != nil {
		answer[1] = 4 // host unreachable
	}
	if _, werr := c.Write(answer); err == nil && werr != nil {
		there.Close()
		err = werr
	}
	return there, err
}

func (p *Proxy) login(c net.Conn) error {
	if p.user == "" {
		_, err := c.Write([]byte{5, 0})
		return err
	}
	if _, err := c.Write([]byte{5, 2}); err != nil {
		return err
	}
	if _, err := take(c, 1); err != nil { // the version
		return err
	}
	user, err := short(c)
	if err != nil {
		return err
	}
	password, err := short(c)
	if err != nil {
		return err
	}
	if string(user) != p.user || string(password) != p.password {
		_, err := c.Write([]byte{1, 1})
		return errors.Join(errSocks, err)
	}
	_, err = c.Write([]byte{1, 0})
	return err
}

// destination reads an address of one of the three kinds.
func destination(c net.Conn, kind byte) (string, error) {
	var host string
	switch kind {
	case 1, 4:
		b, err := take(c, int(kind)*4)
		if err != nil {
			return "", err
		}
		addr, _ := netip.AddrFromSlice(b) // 4 or 16 bytes
		host = addr.String()
	default:
		b, err := short(c)
		if err != nil {
			return "", err
		}
		host = string(b)
	}
	port, err := take(c, 2)
	if err != nil {
		return "", err
	}
	return net.JoinHostPort(host, strconv.Itoa(int(binary.BigEndian.Uint16(port)))), nil
}

// short reads a string with its length in front.
func short(c net.Conn) ([]byte, error) {
	n, err := take(c, 1)
	if err != nil {
		return nil, err
	}
	return take(c, int(n[0]))
}

func take(c net.Conn, n int) ([]byte, error) {
	b := make([]byte, n)
	_, err := io.ReadFull(c, b)
	return b, err
}
