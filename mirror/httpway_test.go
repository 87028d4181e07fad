package mirror

import (
	"encoding/json"
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
