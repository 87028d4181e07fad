package mirror

import (
	"fmt"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // so that a zone known where it was written is known everywhere
)

// Window is a time of the week: some days, from one minute to another.
type Window struct {
	days     [7]bool // by time.Weekday: on which it begins
	from, to int     // minutes after midnight; to may be on the next day
	zone     *time.Location
	text     string
}

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// ParseWindow reads "[DAYS] HH:MM-HH:MM [ZONE]": days as "sat,sun" or
// "mon-fri" (left out: every day), a zone as "Europe/Berlin" (left out: UTC).
// A window that ends before it begins ends on the next day.
func ParseWindow(s string) (Window, error) {
	w := Window{zone: time.UTC, text: strings.Join(strings.Fields(s), " ")}
	words := strings.Fields(s)
	bad := func(why string) (Window, error) {
		return Window{}, fmt.Errorf("window %q: %s (write for example \"sat,sun 02:00-06:00 Europe/Berlin\")", s, why)
	}
	if len(words) > 0 && !strings.Contains(words[0], ":") {
		if !w.addDays(strings.ToLower(words[0])) {
			return bad("the days are not to be understood")
		}
		words = words[1:]
	} else {
		w.days = [7]bool{true, true, true, true, true, true, true}
	}
	if len(words) == 0 || len(words) > 2 {
		return bad("a time like 02:00-06:00 is needed")
	}
	from, to, _ := strings.Cut(words[0], "-")
	var ok1, ok2 bool
	w.from, ok1 = minutes(from)
	w.to, ok2 = minutes(to)
	if !ok1 || !ok2 || w.from == w.to {
		return bad("a time like 02:00-06:00 is needed")
	}
	if len(words) == 2 {
		zone, err := time.LoadLocation(words[1])
		if err != nil || zone == time.Local { // which is another one on each host
			return bad("the time zone is not known")
		}
		w.zone = zone
	}
	return w, nil
}

func (w *Window) addDays(list string) bool {
	for part := range strings.SplitSeq(list, ",") {
		first, last, span := strings.Cut(part, "-")
		a, b := slices.Index(weekdays, first), slices.Index(weekdays, last)
		if !span {
			b = a
		}
		if a < 0 || b < 0 {
			return false
		}
		for d := a; ; d = (d + 1) % 7 {
			w.days[d] = true
			if d == b {
				break
			}
		}
	}
	return true
}

// minutes reads "HH:MM"; "24:00" is the end of the day.
func minutes(s string) (int, bool) {
	if s == "24:00" {
		return 24 * 60, true
	}
	t, err := time.Parse("15:04", s)
	return t.Hour()*60 + t.Minute(), err == nil
}

// Contains reports whether the window is open at now.
func (w Window) Contains(now time.Time) bool {
	if w.zone == nil {
		return false
	}
	local := now.In(w.zone)
	day, at := local.Weekday(), local.Hour()*60+local.Minute()
	if w.from < w.to {
		return w.days[day] && w.from <= at && at < w.to
	}
	return w.days[day] && at >= w.from || w.days[(day+6)%7] && at < w.to
}

// String gives the form that ParseWindow reads.
func (w Window) String() string { return w.text }

// MarshalText implements encoding.TextMarshaler.
func (w Window) MarshalText() ([]byte, error) { return []byte(w.text), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (w *Window) UnmarshalText(b []byte) (err error) {
	*w, err = ParseWindow(string(b))
	return err
}

// Resting reports whether the mirror wants nobody to be sent to it at now.
func (m *Mirror) Resting(now time.Time) bool {
	return slices.ContainsFunc(m.NoTraffic, func(w Window) bool { return w.Contains(now) })
}

// InQuiet reports whether the mirror is to be left in peace at now.
func (m *Mirror) InQuiet(now time.Time) bool {
	return slices.ContainsFunc(m.Rules.Quiet, func(w Window) bool { return w.Contains(now) })
}
