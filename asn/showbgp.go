package asn

import (
	"bytes"
	"fmt"
	"io"
	"net/netip"
	"strings"
)

// showBGP is what routers print for `show ip bgp` and `show bgp ipv6`, which
// RouteViews publishes as oix-full-snapshot-*: one route in each line or two or
// three, with status codes, network, next hop, metric, local preference, weight,
// path and origin code. The network is left out where it is that of the route
// before; long networks and next hops have a line of their own.
var showBGP = format{name: showBGPName, sniff: sniffShowBGP, read: readShowBGP}

const (
	showBGPName    = "show ip bgp"
	showBGPExample = "*> 192.0.2.0/24     198.51.100.1             0             0 64496 64500 i"

	// Where the path begins in the table of most routers, when no header says so.
	pathColumn = 61
	// proseLines is how many lines may come before the first route.
	proseLines = 100
)

func sniffShowBGP(_ string, head []byte) bool {
	s := showBGPReader{c: new(collector)}
	cut := len(head) == headSize
	for n := 0; n < proseLines && len(head) > 0 && s.routes == 0; n++ {
		line, rest, complete := bytes.Cut(head, []byte("\n"))
		if cut && !complete {
			return false
		}
		head = rest
		_ = s.line(bytes.TrimRight(line, " \t\r"))
	}
	return s.routes > 0
}

func readShowBGP(r io.Reader, c *collector) error {
	s := showBGPReader{c: c}
	err := eachLine(r, showBGPExample, func(n int, line []byte) error {
		err := s.line(bytes.TrimRight(line, " \t\r"))
		if _, bad := err.(lineError); bad { //nolint:errorlint // never wrapped
			c.reject(fmt.Errorf("line %d, %q: %w; expected is a line like %q", n, clip(line), err, showBGPExample))
			return nil
		}
		return err
	})
	if err == nil && s.open && s.routes > 0 {
		return fmt.Errorf("ends in the middle of a route to %v", s.network)
	}
	return err
}

// showBGPReader reads line after line.
type showBGPReader struct {
	c       *collector
	routes  int          // that were complete
	path    int          // column; 0: pathColumn
	network netip.Prefix // of the present route and those that name none
	open    bool         // the route is not complete
	dead    bool         // it is withdrawn, and only shown for its history
	hop     bool         // its next hop has been read
	begun   []byte       // of its path, when it goes on in the next line
}

// line takes one line, which is not empty at its begin only: columns count.
func (s *showBGPReader) line(line []byte) error {
	if len(line) == 0 {
		return nil
	}
	rest, dead, starts := routeStart(line)
	switch {
	case starts:
		broken := s.open
		s.open, s.hop, s.dead, s.begun = true, false, dead, s.begun[:0]
		s.c.stats.Lines++
		err := s.goOn(line, rest)
		if err != nil {
			s.open = false
			if s.routes == 0 { // a line that explains the codes
				s.c.stats.Lines--
				return nil
			}
		} else if broken && s.routes > 0 {
			return badLine("begins a route, but the one before has no path")
		}
		return err
	case s.open:
		err := s.goOn(line, line)
		if err != nil {
			s.open = false
		}
		return err
	}
	return s.prose(line)
}

// prose takes lines around the table. The header tells where the path is.
func (s *showBGPReader) prose(line []byte) error {
	text := string(bytes.TrimSpace(line))
	switch {
	case strings.HasPrefix(text, "Network") && strings.HasSuffix(text, "Path"):
		s.path = len(line) - len("Path")
	case s.routes > 0 && !strings.HasPrefix(text, "Total number of prefixes") && !strings.HasPrefix(text, "Displayed") &&
		!strings.HasPrefix(text, "Processed") && line[len(line)-1] != '>' && line[len(line)-1] != '#':
		s.c.stats.Lines++
		return badLine("is no route")
	}
	return nil
}

// routeStart splits the status codes off. Nothing separates the code "i" from
// the network.
func routeStart(line []byte) (rest []byte, dead, ok bool) {
	trimmed := bytes.TrimLeft(line, " ")
	if len(line)-len(trimmed) > 2 {
		return nil, false, false // further in there are only continued routes
	}
	word := trimmed
	if end := bytes.IndexAny(trimmed, " \t"); end >= 0 {
		word = trimmed[:end]
	}
	for i, b := range word {
		if i > 0 && i < 5 && (b >= '0' && b <= '9' || b == ':' || b >= 'a' && b <= 'f') {
			if _, err := parseNetwork(word[i:]); err == nil {
				return trimmed[i:], dead, true
			}
		}
		if bytes.IndexByte([]byte("*>=sdhrSRimbfxacVNI+"), b) < 0 {
			return nil, false, false
		}
		dead = dead || b == 'h' || b == 'R'
	}
	rest = trimmed[len(word):]
	if len(word) == 1 && bytes.HasPrefix(rest, []byte(" i")) {
		rest = rest[len(" i"):] // internal, and not the best
	}
	return rest, dead, len(word) > 0 && len(word) < 6
}

// goOn takes what a line has of the present route. rest is the end of line
// after the status codes.
func (s *showBGPReader) goOn(line, rest []byte) error {
	if !s.hop {
		var err error
		if rest, err = s.addresses(rest); err != nil || !s.hop {
			return err
		}
	}
	rest = bytes.TrimLeft(rest, " \t")
	if len(rest) == 0 {
		return nil
	}
	body, done := cutOrigin(rest)
	if !done {
		if len(s.begun)+len(rest) > maxLine {
			return badLine("the path is longer than %d bytes", maxLine)
		}
		s.begun = append(append(s.begun, s.cutNumbers(line, rest, len(line)-len(rest))...), ' ')
		return nil
	}
	s.open = false
	path := append(s.begun, s.cutNumbers(line, body, len(line)-len(rest))...) //nolint:gocritic // begun is only room
	return s.end(path)
}

// addresses takes network and next hop as far as they are there.
func (s *showBGPReader) addresses(rest []byte) ([]byte, error) {
	word, after := nextWord(rest)
	if len(word) == 0 {
		return nil, nil
	}
	second, _ := nextWord(after)
	isNetwork := bytes.IndexByte(word, '/') >= 0
	if !isNetwork {
		if _, err := netip.ParseAddr(string(second)); err == nil {
			isNetwork = true // and the second is the next hop
		}
	}
	if isNetwork {
		p, err := parseNetwork(word)
		if err != nil {
			return nil, err
		}
		s.network, rest = p, after
		if word, after = nextWord(rest); len(word) == 0 {
			return nil, nil
		}
	}
	if _, err := netip.ParseAddr(string(word)); err != nil {
		return nil, badLine("%q is no next hop", clip(word))
	}
	if !s.network.IsValid() {
		return nil, badLine("has no network")
	}
	s.hop = true
	return after, nil
}

// cutNumbers leaves the path of what comes after the next hop: metric, local
// preference and weight are before its column, and may be empty. body is the part
// of line from start on. Where there are no columns, as spaces were squeezed, the weight at
// least comes before the path.
func (s *showBGPReader) cutNumbers(line, body []byte, start int) []byte {
	if len(s.begun) > 0 {
		return body
	}
	column := s.path
	if column == 0 {
		column = pathColumn
	}
	aligned := bytes.Contains(line, []byte("  ")) && bytes.IndexByte(line, '\t') < 0
	if end := start + len(body); aligned && column >= start && line[min(column, len(line))-1] == ' ' {
		return body[min(column, end)-start:]
	}
	_, path := nextWord(body)
	return path
}

func (s *showBGPReader) end(path []byte) error {
	asn, ok, err := pathOrigin(path)
	if err != nil {
		return err
	}
	s.routes++
	switch {
	case s.dead:
		return nil
	case !ok: // of the router itself, whose number the table does not tell
		s.c.stats.Unrouted++
		return nil
	}
	return s.c.route(s.network, asn, 0)
}

// cutOrigin takes the origin code off, with which a route ends.
func cutOrigin(b []byte) (before []byte, ok bool) {
	last := len(b) - 1
	if bytes.IndexByte([]byte("ie?"), b[last]) < 0 || last > 0 && b[last-1] != ' ' && b[last-1] != '\t' {
		return nil, false
	}
	return b[:last], true
}

// nextWord splits the first word off.
func nextWord(b []byte) (word, rest []byte) {
	b = bytes.TrimLeft(b, " \t")
	if end := bytes.IndexAny(b, " \t"); end >= 0 {
		return b[:end], b[end:]
	}
	return b, nil
}

// parseNetwork reads a network, which has no length when it is that of its
// class (RFC 791, section 3.2), as routers have printed it since before there
// were others.
func parseNetwork(b []byte) (netip.Prefix, error) {
	if bytes.IndexByte(b, '/') >= 0 {
		p, err := netip.ParsePrefix(string(b))
		if err != nil {
			return p, badLine("%q is no network", clip(b))
		}
		return parsePrefix(p.Addr(), p.Bits())
	}
	a, err := netip.ParseAddr(string(b))
	if err != nil || !a.Is4() {
		return netip.Prefix{}, badLine("%q is no network", clip(b))
	}
	switch first := a.As4()[0]; {
	case a == netip.IPv4Unspecified():
		return parsePrefix(a, 0)
	case first < 128:
		return parsePrefix(a, 8)
	case first < 192:
		return parsePrefix(a, 16)
	case first < 224:
		return parsePrefix(a, 24)
	}
	return netip.Prefix{}, badLine("%v has no length", a)
}
