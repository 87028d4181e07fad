package mirror

import (
	"strconv"
	"time"
)

// The periods of quotas: days and calendar months of UTC.
const (
	QuotaDay   = 24 * time.Hour
	QuotaMonth = 30 * QuotaDay // stands for a calendar month
)

// Day is a day of UTC, counted from 1970-01-01.
type Day int64

// DayOf gives the day of a time.
func DayOf(t time.Time) Day {
	const seconds = int64(QuotaDay / time.Second)
	s := t.Unix()
	if s < 0 {
		s -= seconds - 1 // division rounds towards zero
	}
	return Day(s / seconds)
}

// Time is when the day begins.
func (d Day) Time() time.Time { return time.Unix(int64(d)*int64(QuotaDay/time.Second), 0).UTC() }

// MonthOf gives the first day of the calendar month of a time in UTC.
func MonthOf(t time.Time) Day {
	t = t.UTC()
	return DayOf(time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC))
}

// Since gives the first day of the period that now is in.
func (q Quota) Since(now time.Time) Day {
	if q.Period == QuotaDay {
		return DayOf(now)
	}
	return MonthOf(now)
}

// Renews gives the beginning of the next period.
func (q Quota) Renews(now time.Time) time.Time {
	if q.Period == QuotaDay {
		return (DayOf(now) + 1).Time()
	}
	return MonthOf(now).Time().AddDate(0, 1, 0)
}

// Traffic is what was sent to a mirror on a day: redirects of GET requests, and
// the sizes of the files that they were for.
type Traffic struct {
	Mirror   ID
	Day      Day
	Requests int64
	Bytes    int64
}

// Sums is what was sent to a mirror in the running periods.
type Sums struct {
	Mirror ID
	// Today and Month are the days on which the periods began.
	Today, Month Day
	DayRequests  int64
	DayBytes     int64
	MonthRequests,
	MonthBytes int64
}

// Used gives the bytes of the period of a quota.
func (s *Sums) Used(q Quota) int64 {
	if q.Period == QuotaDay {
		return s.DayBytes
	}
	return s.MonthBytes
}

// SpentBy reports whether a quota is used up.
func (s *Sums) SpentBy(q Quota) bool { return q.Bytes > 0 && s.Used(q) >= q.Bytes }

// String gives "25TiB/month" or "500GiB/day"; "" for no quota.
func (q Quota) String() string {
	switch {
	case q.Bytes <= 0:
		return ""
	case q.Period == QuotaDay:
		return FormatSize(q.Bytes) + "/day"
	}
	return FormatSize(q.Bytes) + "/month"
}

// FormatSize gives a number of bytes exactly, in the largest unit that allows it,
// since hosts sell traffic by the TB, and not the TiB: "4GiB", "25TB", "1500".
func FormatSize(n int64) string {
	for _, u := range []struct {
		name string
		size int64
	}{
		{"PiB", 1 << 50},
		{"PB", 1e15},
		{"TiB", 1 << 40},
		{"TB", 1e12},
		{"GiB", 1 << 30},
		{"GB", 1e9},
		{"MiB", 1 << 20},
		{"MB", 1e6},
		{"KiB", 1 << 10},
	} {
		if n >= u.size && n%u.size == 0 {
			return strconv.FormatInt(n/u.size, 10) + u.name
		}
	}
	return strconv.FormatInt(n, 10)
}
