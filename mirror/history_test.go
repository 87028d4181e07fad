package mirror

import (
	"testing"
	"time"
)

func TestPublicState(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 18, 0, 0, 0, time.UTC)
	const secret = "rsync://me:secret@host/ said no"
	good := Mirror{HTTP: []string{"https://m.example/"}, Enabled: true, Scan: ScanState{Succeeded: now, Held: 1}}
	for _, test := range []struct {
		name   string
		change func(*Mirror)
		state  State
		reason string
	}{
		{"up", func(*Mirror) {}, StateUp, ""},
		{"empty", func(m *Mirror) { m.Scan.Held = 0 }, StateUp, "but holds none of the origin's files"},
		{"a way down", func(m *Mirror) { m.Probe.Ways[HTTPSOverIPv4] = WayState{Down: true, Error: secret} }, StateUp, "but not by https-ipv4"},
		{"a way down, and empty", func(m *Mirror) {
			m.Probe.Ways[HTTPSOverIPv4] = WayState{Down: true, Error: secret}
			m.Scan.Held = 0
		}, StateUp, "but holds none of the origin's files"},
		{"all ways down", func(m *Mirror) {
			m.Families = IPv4
			m.Probe.Ways[HTTPSOverIPv4] = WayState{Down: true, Error: secret}
		}, StateDown, ""},
		{"down", func(m *Mirror) { m.Probe = ProbeState{Down: true, Error: secret} }, StateDown, ""},
		{"new", func(m *Mirror) { m.Scan = ScanState{} }, StateNeverScanned, ""},
		{"bad from the begin", func(m *Mirror) { m.Scan = ScanState{Error: secret} }, StateNeverScanned, "the last attempt failed"},
		{"quota", func(m *Mirror) { m.Quota = Quota{Bytes: 123, Period: QuotaMonth, Spent: true} }, StateQuotaSpent, "until 2026-12-01"},
		{"off", func(m *Mirror) { m.Enabled, m.Comment = false, secret }, StateDisabled, "switched off"},
		{"too old", func(m *Mirror) { m.Scan.Succeeded = now.Add(-48 * time.Hour) }, StateScanTooOld, "last good scan 2026-11-22 18:00"},
	} {
		m := good
		test.change(&m)
		if state, reason := m.PublicState(now, 24*time.Hour); state != test.state || reason != test.reason {
			t.Errorf("%s: %s, %q", test.name, state, reason)
		}
		if state, _ := m.State(now, 24*time.Hour); state != test.state {
			t.Errorf("%s: the operator sees %s", test.name, state)
		}
	}
}

func TestCopy(t *testing.T) {
	t.Parallel()
	now := time.Unix(1e9, 0)
	var none Copy
	if none.Coverage() != 0 || none.Age(now) != 0 {
		t.Errorf("nothing: %v, %v", none.Coverage(), none.Age(now))
	}
	c := Copy{Held: 1, Files: 4, BehindSince: now.Add(-time.Hour)}
	if c.Coverage() != 0.25 || c.Age(now) != time.Hour || c.Age(now.Add(-2*time.Hour)) != 0 {
		t.Errorf("%v, %v", c.Coverage(), c.Age(now))
	}
}
