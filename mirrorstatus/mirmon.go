package mirrorstatus

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// mirmonDays is how many days, and how many probes, mirmon remembers.
const mirmonDays = 14

// mirmonFresh is the age at which mirmon by its defaults calls a copy oldish (its
// max_age1, two days), and mirmonOld that at which it calls it old (max_age2,
// four).
const (
	mirmonFresh = 48 * time.Hour
	mirmonOld   = 96 * time.Hour
)

// AppendMirmon appends the mirrors as mirmon keeps them in its file `state`
// (mirmon.pm(3), "Mirmon::Mirror object methods"): a line for each URL, sorted,
// with these fields, separated by blanks:
//
//	url age last_status last_ok_probe probe_history state_history last_probe
//
// Times are in seconds since 1970, or "undef". The age is the time as of which
// the copy has everything; a scan takes the place of a probe, with `ok` or
// `no_time` as its status, and `s` or `f` in the history of the last fourteen.
// The other history is the time of the last entry, a hyphen, and a letter for
// each day: `s` fresh, `b` oldish, `f` old, `z` bad. Mirrors of a part of the
// tree are left out, as mirmon looks for its file at the top, and so are those
// that were never scanned, and hosts that mirmon cannot read.
func (s *Site) AppendMirmon(dst []byte) []byte {
	var lines []string
	for i := range s.Mirrors {
		m := &s.Mirrors[i]
		if m.Subtree != "" || m.Attempted.IsZero() {
			continue
		}
		rest := m.mirmon(s.AsOf)
		for _, u := range m.URLs {
			if p, err := url.Parse(u.URL); err != nil || strings.ContainsAny(p.Host, "[]") || strings.ContainsAny(u.URL, " \t\r\n") {
				continue
			}
			lines = append(lines, u.URL+" "+rest+"\n")
		}
	}
	slices.Sort(lines)
	for _, l := range lines {
		dst = append(dst, l...)
	}
	return dst
}

// mirmon is the line of a mirror without its URL.
func (m *Mirror) mirmon(now time.Time) string {
	status := "ok"
	if m.Failing || m.Scanned.IsZero() {
		status = "no_time"
	}
	history := m.probes(status == "ok")
	// The last entry is of today; its time is when mirmon begins another one.
	days := m.days(now)
	return strings.Join([]string{
		epoch(m.CopyTime()), status, epoch(m.Scanned), history, epoch(m.Attempted) + "-" + days, epoch(m.Attempted),
	}, " ")
}

// probes are the last scans, at least one.
func (m *Mirror) probes(ok bool) string {
	var b strings.Builder
	for _, r := range m.Recent[max(0, len(m.Recent)-mirmonDays):] {
		b.WriteByte(letter(r.OK))
	}
	if b.Len() == 0 {
		b.WriteByte(letter(ok))
	}
	return b.String()
}

func letter(ok bool) byte {
	if ok {
		return 's'
	}
	return 'f'
}

// days has a letter for each of the last days: today's is by the age of the copy.
// Of the others only the scans are known: with a good one they were fresh, with
// bad ones bad, and with none they are skipped.
func (m *Mirror) days(now time.Time) string {
	days := []byte(strings.Repeat("x", mirmonDays))
	for _, r := range m.Recent {
		ago := int(now.Sub(r.At) / (24 * time.Hour))
		if ago < 1 || ago >= mirmonDays {
			continue
		}
		if d := &days[mirmonDays-1-ago]; r.OK {
			*d = 's'
		} else if *d == 'x' {
			*d = 'z'
		}
	}
	today := byte('z')
	if copied := m.CopyTime(); !copied.IsZero() {
		switch age := now.Sub(copied); {
		case age <= mirmonFresh:
			today = 's'
		case age <= mirmonOld:
			today = 'b'
		default:
			today = 'f'
		}
	}
	days[mirmonDays-1] = today
	return strings.TrimLeft(string(days), "x")
}

func epoch(t time.Time) string {
	if t.IsZero() {
		return "undef"
	}
	return strconv.FormatInt(t.Unix(), 10)
}
