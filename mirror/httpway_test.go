package mirror

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"testing"
	"time"
)

func TestHTTPWays(t *testing.T) {
	t.Parallel()
	for w := range HTTPWays {
		back, err := ParseHTTPWay(w.String())
		if err != nil || back != w {
			t.Errorf("%v is read as %v, %v", w, back, err)
		}
	}
	if _, err := ParseHTTPWay("gopher-ipv4"); err == nil {
		t.Error("gopher is taken")
	}
	v4, v6 := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")
	if !HTTPSOverIPv6.HTTPS() || HTTPOverIPv6.HTTPS() || !HTTPOverIPv6.Has(v6) || HTTPOverIPv6.Has(v4) || !HTTPSOverIPv4.Has(netip.Addr{}) {
		t.Error("schemes or families are wrong")
	}
}

func TestWaysJSON(t *testing.T) {
	t.Parallel()
	var want, got Ways
	want[HTTPSOverIPv6] = WayState{Down: true, Since: time.Unix(1_700_000_000, 0).UTC(), Error: "connection refused"}
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &got); err != nil || got != want {
		t.Errorf("%s is read as %+v, %v", text, got, err)
	}
	if err := json.Unmarshal([]byte(`{"http-ipv9":{"down":true}}`), &got); err != nil || got != (Ways{}) {
		t.Errorf("an unknown way: %+v, %v", got, err)
	}
}

func TestWaysOfMirror(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 18, 0, 0, 0, time.UTC)
	dead := WayState{Down: true, Since: now, Error: "refused"}
	expired := WayState{Down: true, Since: now, Error: "certificate expired"}
	http, https := "http://m.example/", "https://m.example/"
	tests := []struct {
		name     string
		urls     []string
		families Families
		ways     Ways
		has      string
		state    State
		reason   string
	}{
		{"nothing known", []string{http, https}, 0, Ways{}, "[http-ipv4 http-ipv6 https-ipv4 https-ipv6]", StateUp, ""},
		{
			"one down",
			[]string{https},
			IPv4 | IPv6,
			Ways{HTTPSOverIPv6: dead},
			"[https-ipv4 https-ipv6]", StateUp,
			"but not by https-ipv6 since 2026-11-24 18:00: refused",
		},
		{"all it has", []string{https}, IPv4, Ways{HTTPSOverIPv4: dead}, "[https-ipv4]", StateDown, "https-ipv4 since 2026-11-24 18:00: refused"},
		{"one that it has not", []string{https}, IPv4, Ways{HTTPOverIPv4: dead}, "[https-ipv4]", StateUp, ""},
		{
			"the families are not known",
			[]string{https},
			0,
			Ways{HTTPSOverIPv4: dead},
			"[https-ipv4 https-ipv6]", StateUp,
			"but not by https-ipv4 since 2026-11-24 18:00: refused",
		},
		{"up again", []string{http}, IPv6, Ways{HTTPOverIPv6: {Since: now}}, "[http-ipv6]", StateUp, ""},
		{
			"all, for two reasons",
			[]string{http, https},
			0,
			Ways{dead, dead, expired, expired},
			"[http-ipv4 http-ipv6 https-ipv4 https-ipv6]", StateDown,
			"http-ipv4, http-ipv6 since 2026-11-24 18:00: refused; https-ipv4, https-ipv6 since 2026-11-24 18:00: certificate expired",
		},
		{"no URL", nil, 0, Ways{dead, dead, dead, dead}, "[]", StateUp, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := Mirror{
				HTTP: test.urls, Families: test.families, Enabled: true,
				Probe: ProbeState{Ways: test.ways}, Scan: ScanState{Succeeded: now, Held: 1},
			}
			if got := fmt.Sprintf("%v", m.HTTPWays()); got != test.has {
				t.Errorf("has %s, want %s", got, test.has)
			}
			if state, reason := m.State(now, 0); state != test.state || reason != test.reason {
				t.Errorf("%s: %s, want %s: %s", state, reason, test.state, test.reason)
			}
		})
	}
}
