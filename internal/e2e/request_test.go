package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// answer is what the redirector answered.
type answer struct {
	status   int
	location string
	mirror   string
	realm    string
	header   http.Header
	body     []byte // of answers that are no redirect
	took     time.Duration
}

// client follows no redirects and keeps many connections.
var client = &http.Client{
	Timeout:       30 * time.Second,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	Transport:     &http.Transport{MaxIdleConnsPerHost: 32, DisableCompression: true},
}

// get asks for a path of the tree (its bytes, not escaped), as the client at
// ip; "" is an address that nothing is known about.
func (s *site) get(path, ip string) answer {
	s.t.Helper()
	return s.request(http.MethodGet, escape(path), ip)
}

// request asks for a path and query as they are to be sent.
func (s *site) request(method, target, ip string) answer {
	s.t.Helper()
	a, err := s.ask(method, target, ip)
	if err != nil {
		s.t.Fatalf("%s /%s: %v", method, target, err)
	}
	return a
}

func (s *site) ask(method, target, ip string) (a answer, err error) {
	if ip == "" {
		ip = nowhere
	}
	req, err := http.NewRequestWithContext(context.Background(), method, s.base+target, nil)
	if err != nil {
		return a, err
	}
	req.Header.Set("X-Forwarded-For", netip.MustParseAddr(ip).String())
	start := time.Now()
	resp, err := client.Do(req)
	if err != nil {
		return a, err
	}
	defer resp.Body.Close()
	a = answer{
		status: resp.StatusCode, location: resp.Header.Get("Location"), header: resp.Header, took: time.Since(start),
		mirror: resp.Header.Get("X-MirrorBrain-Mirror"), realm: resp.Header.Get("X-MirrorBrain-Realm"),
	}
	if a.location != "" || resp.ContentLength > maxBody {
		return a, nil
	}
	a.body, err = io.ReadAll(resp.Body)
	return a, err
}

// maxBody is the size of the largest file that is read whole.
const maxBody = 64 << 20

// escape is percent-encoding written down once more, independently: every byte
// but RFC 3986's unreserved ones and the slash.
func escape(path string) string {
	var b strings.Builder
	for _, c := range []byte(path) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-._~/", c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
