package mirror

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// HTTPWay is a way to a mirror's web server: a scheme over an IP version. Each
// has a state of its own, because each breaks on its own: a certificate that
// expired, a name with an IPv6 address that nobody listens on.
type HTTPWay uint8

// The ways.
const (
	HTTPOverIPv4 HTTPWay = iota
	HTTPOverIPv6
	HTTPSOverIPv4
	HTTPSOverIPv6
	HTTPWays // number of ways
)

var httpWayNames = [HTTPWays]string{"http-ipv4", "http-ipv6", "https-ipv4", "https-ipv6"}

// String gives "http-ipv4", "https-ipv6" and so on.
func (w HTTPWay) String() string {
	if w < HTTPWays {
		return httpWayNames[w]
	}
	return fmt.Sprintf("way(%d)", uint8(w))
}

// ParseHTTPWay reads what String gives.
func ParseHTTPWay(s string) (HTTPWay, error) {
	for w, name := range httpWayNames {
		if name == s {
			return HTTPWay(w), nil
		}
	}
	return 0, fmt.Errorf("%q is none of http-ipv4, http-ipv6, https-ipv4, https-ipv6", s)
}

// HTTPS reports whether the way is by https.
func (w HTTPWay) HTTPS() bool { return w >= HTTPSOverIPv4 }

// Has reports whether addr's family is the way's. An invalid addr, which is an
// unknown client, matches.
func (w HTTPWay) Has(addr netip.Addr) bool {
	f := IPv4
	if w == HTTPOverIPv6 || w == HTTPSOverIPv6 {
		f = IPv6
	}
	return f.Has(addr)
}

// WayState is the state of one way. The zero value: nothing is known, which is
// treated as up.
type WayState struct {
	Down  bool      `json:"down"`
	Since time.Time `json:"since"`           // since when Down has its value
	Error string    `json:"error,omitempty"` // why it is down
}

// Ways holds the state of each way, by HTTPWay. Its JSON is an object with
// those of which something is known, by name.
type Ways [HTTPWays]WayState

// MarshalJSON implements json.Marshaler.
func (ws Ways) MarshalJSON() ([]byte, error) {
	known := map[string]WayState{}
	for w, state := range ws {
		if state != (WayState{}) {
			state.Since = state.Since.UTC()
			known[HTTPWay(w).String()] = state
		}
	}
	return json.Marshal(known)
}

// HTTPWays gives the ways that the mirror has, by the schemes of its URLs and
// its IP versions; unknown versions are both.
func (m *Mirror) HTTPWays() (ways []HTTPWay) {
	for w := range HTTPWays {
		scheme, family := "http://", IPv4
		if w.HTTPS() {
			scheme = "https://"
		}
		if w == HTTPOverIPv6 || w == HTTPSOverIPv6 {
			family = IPv6
		}
		has := func(u string) bool { return strings.HasPrefix(u, scheme) }
		if (m.Families == 0 || m.Families&family != 0) && slices.ContainsFunc(m.HTTP, has) {
			ways = append(ways, w)
		}
	}
	return ways
}

// WaysDown gives those of the mirror's ways that are down, and whether all are.
func (m *Mirror) WaysDown() (down []HTTPWay, all bool) {
	has := m.HTTPWays()
	for _, w := range has {
		if m.Probe.Ways[w].Down {
			down = append(down, w)
		}
	}
	return down, len(down) > 0 && len(down) == len(has)
}

// waysReason says of ways that are down, which and why: "https-ipv6 since
// 2026-11-24 18:00: connection refused". Those with one reason are put together.
func (m *Mirror) waysReason(down []HTTPWay) string {
	var parts []string
	for i := 0; i < len(down); {
		state := m.Probe.Ways[down[i]]
		var names []string
		for ; i < len(down) && m.Probe.Ways[down[i]] == state; i++ {
			names = append(names, down[i].String())
		}
		parts = append(parts, strings.Join(names, ", ")+" "+state.reason())
	}
	return strings.Join(parts, "; ")
}

// reason gives since when and why a way is down.
func (s *WayState) reason() string {
	text := "since " + s.Since.UTC().Format("2006-01-02 15:04")
	if s.Error != "" {
		text += ": " + s.Error
	}
	return text
}

// UnmarshalJSON implements json.Unmarshaler. Ways that it does not know are left
// out: a newer program may have more.
func (ws *Ways) UnmarshalJSON(b []byte) error {
	var known map[string]WayState
	if err := json.Unmarshal(b, &known); err != nil {
		return err
	}
	*ws = Ways{}
	for name, state := range known {
		if w, err := ParseHTTPWay(name); err == nil {
			ws[w] = state
		}
	}
	return nil
}
