package accesslog

import (
	"bytes"
	"math"
	"net/netip"
	"strconv"
	"time"
)

// parseCaddy reads a line of Caddy's access log in JSON
// (https://caddyserver.com/docs/caddyfile/directives/log), with the object
// "mirrorbrain" of our module where it is there. The time may have any of the
// names and forms that Caddy's log encoders offer.
func (r *Reader) parseCaddy(line []byte, e *Entry) verdict {
	s := &r.json
	s.b, s.i, s.bad = line, 0, false
	if s.peek() != '{' {
		return bad
	}
	var c caddyLine
	for key, ok := s.enter(); ok; key, ok = s.more() {
		switch string(key) {
		case "ts", "time", "timestamp", "@timestamp":
			e.Time = r.caddyTime(s.text())
		case "logger":
			// Errors and a server's own messages may be in the same file.
			c.elsewhere = !bytes.HasPrefix(s.text(), []byte("http.log.access"))
		case "request":
			r.caddyRequest(s, e, &c)
		case "status":
			e.Status, _ = status(s.text())
		case "size":
			if n, ok := number(s.text()); ok {
				e.Bytes = n
			}
		case "resp_headers":
			r.caddyAnswer(s, e)
		case "mirrorbrain":
			r.caddyMirror(s, e)
		default:
			s.skip()
		}
	}
	switch {
	case s.bad || s.peek() != 0:
		return bad
	case c.elsewhere || !c.request:
		return other
	}
	c.finish(e)
	return good
}

// caddyLine is what is needed of a line until its end.
type caddyLine struct {
	elsewhere, request bool
	tls, forwardedTLS  bool
	remote             netip.Addr
}

// finish works out what depends on several fields. A proxy's word about the scheme
// counts where Caddy trusted its word about the client.
func (c *caddyLine) finish(e *Entry) {
	proxied := c.remote.IsValid() && e.Addr.IsValid() && c.remote != e.Addr
	if !e.Addr.IsValid() {
		e.Addr = c.remote // of versions before 2.7, or with client_ip filtered out
	}
	switch {
	case c.tls, proxied && c.forwardedTLS:
		e.Scheme = "https"
	default:
		e.Scheme = "http"
	}
}

func (r *Reader) caddyRequest(s *scanner, e *Entry, c *caddyLine) {
	for key, ok := s.enter(); ok; key, ok = s.more() {
		switch string(key) {
		case "client_ip":
			e.Addr = address(s.text())
		case "remote_ip":
			c.remote = address(s.text())
		case "method":
			e.Method = r.intern(s.text())
		case "host":
			e.host(r.intern(s.text()))
		case "uri":
			c.request = true
			host := e.Host
			e.target(s.text())
			if host != "" {
				e.Host = host
			}
		case "tls":
			c.tls = s.peek() == '{'
			s.skip()
		case "headers":
			r.caddyHeaders(s, e, c)
		default:
			s.skip()
		}
	}
}

func (r *Reader) caddyHeaders(s *scanner, e *Entry, c *caddyLine) {
	for key, ok := s.enter(); ok; key, ok = s.more() {
		switch string(key) {
		case "User-Agent":
			e.Agent = r.intern(s.first())
		case "Range":
			e.Range = string(s.first())
		case "X-Forwarded-Proto":
			c.forwardedTLS = string(s.first()) == "https"
		default:
			s.skip()
		}
	}
}

// caddyAnswer finds the mirror in the answer's fields, for logs without our object.
func (r *Reader) caddyAnswer(s *scanner, e *Entry) {
	for key, ok := s.enter(); ok; key, ok = s.more() {
		switch {
		case string(key) == "X-Mirrorbrain-Mirror" && !e.Logged:
			e.Mirror = r.mirrorName(s.first())
			e.Logged = e.Mirror != ""
		case string(key) == "X-Mirrorbrain-Realm" && e.Realm == "":
			e.Realm = r.intern(s.first())
			e.Fallback = e.Realm == "fallback"
		default:
			s.skip()
		}
	}
}

// caddyMirror reads what the module said of the request.
func (r *Reader) caddyMirror(s *scanner, e *Entry) {
	if s.peek() != '{' {
		s.skip()
		return
	}
	e.Logged, e.Mirror, e.Realm, e.Fallback = true, "", "", false
	for key, ok := s.enter(); ok; key, ok = s.more() {
		switch string(key) {
		case "mirror":
			e.Mirror = r.mirrorName(s.text())
		case "realm":
			e.Realm = r.intern(s.text())
			e.Fallback = e.Realm == "fallback"
		case "result":
			e.Document = e.Document || string(s.text()) == "document"
		case "representation":
			kind := s.text()
			e.Document = e.Document || string(kind) != "redirect" && string(kind) != "file"
		case "country":
			e.Country = code(s.text())
		case "continent":
			e.Continent = code(s.text())
		case "asn":
			e.ASN = asNumber(s.text())
		case "prefix":
			e.Prefix = network(s.text())
		case "simulated":
			e.Simulated = string(s.text()) == "true"
		default:
			s.skip()
		}
	}
}

// caddyTime reads a time in one of the forms of Caddy's time_format. Numbers are
// told apart by their size: seconds, milliseconds or nanoseconds since the epoch.
func (r *Reader) caddyTime(b []byte) time.Time {
	if t, ok := ncsaTime(b); ok {
		return t
	}
	if t, rest, ok := plainTime(b, time.UTC); ok {
		switch {
		case len(rest) > 0 && (rest[0] == '+' || rest[0] == '-'):
			return t.Add(-zoneOffset(rest))
		case len(rest) == 0 && b[4] == '/': // wall: local time
			t, _, _ = plainTime(b, r.zone)
		}
		return t
	}
	f, err := strconv.ParseFloat(string(b), 64)
	switch {
	case err != nil || !(f > 0 && f < 1<<62):
		return time.Time{}
	case f < 1e11:
		seconds, part := math.Modf(f)
		return time.Unix(int64(seconds), int64(part*1e6)*1e3) // a float has no more than microseconds
	case f < 1e14:
		return time.UnixMicro(int64(f * 1e3))
	}
	return time.Unix(0, int64(f))
}

// zoneOffset reads "+0100" or "-07:30"; 0 for anything else.
func zoneOffset(b []byte) time.Duration {
	if len(b) == 6 && b[3] == ':' {
		b = append(append(make([]byte, 0, 5), b[:3]...), b[4:]...)
	}
	if len(b) != 5 {
		return 0
	}
	h, ok1 := digits(b, 1, 3)
	m, ok2 := digits(b, 3, 5)
	if !ok1 || !ok2 {
		return 0
	}
	d := time.Duration(h)*time.Hour + time.Duration(m)*time.Minute
	if b[0] == '-' {
		return -d
	}
	return d
}
