package mirror

import (
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestValidPath(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		path string
		ok   bool
	}{
		{"", true},
		{"a", true},
		{"a/b.iso", true},
		{"\xff\xfe/x y", true},
		{"...", true},
		{"/a", false},
		{"a/", false},
		{"a//b", false},
		{".", false},
		{"a/../b", false},
		{"a/./b", false},
		{"a\x00b", false},
		{strings.Repeat("n", 255), true},
		{strings.Repeat("n", 256), false},
	} {
		if err := ValidPath(tc.path); (err == nil) != tc.ok {
			t.Errorf("ValidPath(%q) = %v, want ok %v", tc.path, err, tc.ok)
		}
	}
}

func FuzzEscapePath(f *testing.F) {
	f.Add("a b/\xff%2e?#&\"<>\r\n")
	f.Fuzz(func(t *testing.T, p string) {
		e := EscapePath(p)
		if got, err := url.PathUnescape(e); err != nil || got != p {
			t.Fatalf("EscapePath(%q) = %q, back: %q, %v", p, e, got, err)
		}
		if i := strings.IndexFunc(e, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`"'<>&?#;,()`, r) }); i >= 0 {
			t.Fatalf("EscapePath(%q) = %q leaves an unsafe byte", p, e)
		}
		if string(AppendEscaped(nil, p)) != e {
			t.Fatalf("AppendEscaped differs for %q", p)
		}
	})
}

func TestRequestPath(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"/a/b.iso": "a/b.iso", "/\xff": "\xff", "/": "", "": "", "/a/": "", "//a": "", "/a/../b": "", "/a\x00": "", "a": "",
	} {
		if got, ok := RequestPath(in); ok != (want != "") || ok && got != want {
			t.Errorf("RequestPath(%q) = %q, %v; want %q", in, got, ok, want)
		}
	}
}

func FuzzRequestPath(f *testing.F) {
	f.Add("/a/b.iso")
	f.Add("//a/../b\x00")
	f.Fuzz(func(t *testing.T, p string) {
		if file, ok := RequestPath(p); ok && (ValidPath(file) != nil || file == "" || "/"+file != p) {
			t.Errorf("%q gives %q", p, file)
		}
	})
}

func TestPublicURL(t *testing.T) {
	t.Parallel()
	if got, err := PublicURL("https://m.example/pub"); got != "https://m.example/pub/" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := PublicURL("https://u:secret@m.example/pub"); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("with a password: %v", err)
	}
}

func TestBaseURL(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ in, want, err string }{
		{"http://m.example/pub", "http://m.example/pub/", ""},
		{" https://m.example/pub/ ", "https://m.example/pub/", ""},
		{"http://m.example", "http://m.example/", ""},
		{"ftp://m.example/", "", "must begin with"},
		{"http:///x", "", "no host name"},
		{"http://m.example/?x", "", "no query"},
		{"http://u:secret@m.example/?x", "", "no query"},
		{"://u:secret@m.example", "", "missing protocol scheme"},
		{"127.0.0.1:8080", "", "must begin with"},
		{"m.example::module", "", "must begin with"},
		{"u:secret@127.0.0.1:8080/", "", "must begin with"},
	} {
		got, err := BaseURL(tc.in, "http", "https")
		if got != tc.want || (err == nil) != (tc.err == "") || err != nil && !strings.Contains(err.Error(), tc.err) {
			t.Errorf("BaseURL(%q) = %q, %v; want %q, %q", tc.in, got, err, tc.want, tc.err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("BaseURL(%q): %v shows the password", tc.in, err)
		}
	}
}

func TestSameTime(t *testing.T) {
	t.Parallel()
	sec, minute := int64(time.Second), int64(time.Minute)
	for _, tc := range []struct {
		name string
		vt   int64
		vp   time.Duration
		mt   int64
		mp   time.Duration
		want bool
	}{
		{"equal seconds", 5 * sec, time.Second, 5 * sec, time.Second, true},
		{"nanoseconds within the second", 5*sec + 7, 1, 5 * sec, time.Second, true},
		{"next second", 6 * sec, 1, 5 * sec, time.Second, false},
		{"minute covers", 2*minute + 59*sec, 1, 2 * minute, time.Minute, true},
		{"minute before", 2*minute - 1, 1, 2 * minute, time.Minute, false},
		{"unknown", 5 * sec, time.Second, 5 * sec, 0, false},
		{"unknown version", 5 * sec, 0, 5 * sec, time.Second, false},
	} {
		v := Version{MTime: tc.vt, Precision: tc.vp}
		if got := v.SameTime(tc.mt, tc.mp); got != tc.want {
			t.Errorf("%s: got %v", tc.name, got)
		}
	}
}

func TestState(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	good := Mirror{Enabled: true, Scan: ScanState{Succeeded: now.Add(-time.Hour)}}
	for _, tc := range []struct {
		want State
		edit func(*Mirror)
	}{
		{StateUp, func(*Mirror) {}},
		{StateDisabled, func(m *Mirror) { m.Enabled = false }},
		{StateDisabled, func(m *Mirror) { m.DisabledUntil = now.Add(time.Second) }},
		{StateUp, func(m *Mirror) { m.DisabledUntil = now }},
		{StateDown, func(m *Mirror) { m.Probe.Down = true }},
		{StateNeverScanned, func(m *Mirror) { m.Scan = ScanState{} }},
		{StateScanTooOld, func(m *Mirror) { m.Scan.Succeeded = now.Add(-15 * 24 * time.Hour) }},
		{StateQuotaSpent, func(m *Mirror) { m.Quota.Spent = true }},
	} {
		m := good
		tc.edit(&m)
		if got, why := m.State(now, DefaultMaxScanAge); got != tc.want {
			t.Errorf("got %s (%s), want %s", got, why, tc.want)
		}
	}
}

func TestDistance(t *testing.T) {
	t.Parallel()
	berlin := Place{Lat: 52.52, Lng: 13.405, HasCoords: true}
	nyc := Place{Lat: 40.7128, Lng: -74.006, HasCoords: true}
	if d := DistanceKm(berlin, nyc); d < 6370 || d > 6400 {
		t.Errorf("Berlin to New York: %.0f km", d)
	}
	if d := DistanceKm(berlin, Place{}); d != -1 {
		t.Errorf("unknown place: %v", d)
	}
	east, west := Place{Lng: 179.9, HasCoords: true}, Place{Lng: -179.9, HasCoords: true}
	if d := DistanceKm(east, west); d > 25 {
		t.Errorf("across the date line: %v km", d)
	}
}

func TestFamilies(t *testing.T) {
	t.Parallel()
	v4, v6 := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")
	for _, tc := range []struct {
		f      Families
		v4, v6 bool
	}{{0, true, true}, {IPv4, true, false}, {IPv6, false, true}, {IPv4 | IPv6, true, true}} {
		if tc.f.Has(v4) != tc.v4 || tc.f.Has(v6) != tc.v6 {
			t.Errorf("%s: got %v %v", tc.f, tc.f.Has(v4), tc.f.Has(v6))
		}
	}
}
