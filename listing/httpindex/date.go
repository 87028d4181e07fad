package httpindex

import (
	"errors"
	"time"
)

// shownDate is the modification time of a row, and what its form says.
type shownDate struct {
	at        time.Time
	precision time.Duration
	form      dateForm
}

type dateForm uint8

const (
	isoForm      dateForm = iota // 2006-01-02 15:04: Apache since 2.4
	dayFirstForm                 // 02-Jan-2006 15:04: nginx, Apache before 2.4
	yearJanForm                  // 2006-Jan-02 15:04:05: lighttpd
)

var dateLayouts = [...]string{isoForm: "2006-01-02", dayFirstForm: "02-Jan-2006", yearJanForm: "2006-Jan-02"}

// parseDate reads a date and a time of day, two words of an index page.
func parseDate(day, clock string) (shownDate, bool) {
	if len(day) < 10 || len(day) > 11 || len(clock) < 5 || len(clock) > 8 {
		return shownDate{}, false
	}
	layout, precision := " 15:04", time.Minute
	if len(clock) == 8 {
		layout, precision = " 15:04:05", time.Second
	}
	for form, l := range dateLayouts {
		if len(l) != len(day) {
			continue
		}
		if at, err := time.Parse(l+layout, day+" "+clock); err == nil && at.Year() > 1678 && at.Year() < 2262 { // what nanoseconds hold
			return shownDate{at, precision, dateForm(form)}, true
		}
	}
	return shownDate{}, false
}

// parseRFC3339 reads the time of a machine-readable form, to the second, in UTC.
func parseRFC3339(text string) (time.Time, error) {
	at, err := time.Parse(time.RFC3339, text)
	if err == nil && (at.Year() <= 1678 || at.Year() >= 2262) {
		err = errors.New("a year that nanoseconds do not hold")
	}
	return at.Truncate(time.Second), err
}
