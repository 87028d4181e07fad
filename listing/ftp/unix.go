package ftp

import (
	"strconv"
	"strings"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
)

// field is a word of a line and where it ends.
type field struct {
	text string
	end  int
}

// maxFields is how many words are looked at; names of users and groups may have
// blanks, but not this many.
const maxFields = 16

// fields splits the beginning of a line into words.
func fields(line string) []field {
	var fs []field
	for i := 0; i < len(line) && len(fs) < maxFields; {
		if line[i] == ' ' || line[i] == '\t' {
			i++
			continue
		}
		start := i
		for i < len(line) && line[i] != ' ' && line[i] != '\t' {
			i++
		}
		fs = append(fs, field{line[start:i], i})
	}
	return fs
}

// parseUnix reads what "ls -l" prints:
//
//	-rw-r--r--    1 ftp      ftp       1229 Feb 03  2024 name
//
// Servers differ in what stands between mode and size, so the date is searched
// for: it is the first one that stands behind a number.
func parseUnix(line string, now time.Time) (listing.Entry, error) {
	fs := fields(line)
	if len(fs) == 2 && isNumber(fs[1].text) { // "total 12", in any language
		return listing.Entry{}, errNoEntry
	}
	if len(fs) < 5 {
		return listing.Entry{}, errLine
	}
	kind, mode, ok := parseMode(fs[0].text)
	if !ok {
		return listing.Entry{}, errLine
	}
	for i := 2; i < len(fs); i++ {
		if !isNumber(fs[i-1].text) {
			continue
		}
		at, precision, n := listDate(fs[i:], now)
		if n == 0 {
			continue
		}
		end := fs[i+n-1].end
		if end >= len(line) || line[end] != ' ' {
			return listing.Entry{}, errLine
		}
		name, target := line[end+1:], "" // exactly one blank: names may begin with one
		if kind == listing.Symlink {
			name, target, _ = strings.Cut(name, " -> ")
		}
		e, err := entry(name, kind)
		if err != nil {
			return e, err
		}
		e.Target = target
		e.Mode, e.HasMode = mode, true
		setTime(&e, at, precision, true)
		if size, err := strconv.ParseInt(fs[i-1].text, 10, 64); err == nil && kind == listing.File {
			e.SizeMin, e.SizeMax = size, size
		}
		return e, nil
	}
	return listing.Entry{}, errLine
}

// isNumber reports whether s is a decimal number without sign.
func isNumber(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// parseMode reads "drwxr-xr-x", which an ACL mark may follow.
func parseMode(s string) (kind listing.Kind, mode uint32, ok bool) {
	if len(s) < 10 || len(s) > 11 {
		return 0, 0, false
	}
	switch s[0] {
	case '-':
		kind = listing.File
	case 'd':
		kind = listing.Dir
	case 'l':
		kind = listing.Symlink
	case 'b', 'c', 'p', 's', 'D', 'C':
		kind = listing.Other
	default:
		return 0, 0, false
	}
	for i, c := range []byte(s[1:10]) {
		bit := uint32(1) << (8 - i)
		special := uint32(0o4000) >> (i / 3)
		switch {
		case c == '-':
		case c == "rwx"[i%3]:
			mode |= bit
		case i%3 == 2 && (c == 's' || c == 't'):
			mode |= bit | special
		case i%3 == 2 && (c == 'S' || c == 'T' || c == 'l'):
			mode |= special
		default:
			return 0, 0, false
		}
	}
	return kind, mode, true
}

// listDate reads a date at the beginning of fs: "Feb 03 04:05", "Feb 03 2024"
// (or day first), "2024-02-03 04:05". n is the number of words that it takes, 0
// when there is none.
func listDate(fs []field, now time.Time) (at time.Time, precision time.Duration, n int) {
	if len(fs) < 2 {
		return at, 0, 0
	}
	if t, err := time.Parse("2006-01-02 15:04", fs[0].text+" "+fs[1].text); err == nil && t.Year() > 0 {
		return t, time.Minute, 2
	}
	if len(fs) < 3 {
		return at, 0, 0
	}
	month, day := monthOf(fs[0].text), fs[1].text
	if month == 0 {
		month, day = monthOf(fs[1].text), fs[0].text
	}
	d, err := strconv.Atoi(strings.TrimSuffix(day, "."))
	if month == 0 || err != nil || d < 1 || d > 31 {
		return at, 0, 0
	}
	last := fs[2].text
	if len(last) == 4 && isNumber(last) {
		year, _ := strconv.Atoi(last) // four digits
		if at = date(year, month, d, 0, 0); at.Day() != d || year == 0 {
			return at, 0, 0
		}
		return at, 24 * time.Hour, 3
	}
	h, m, ok := clock(last)
	if !ok {
		return at, 0, 0
	}
	at, ok = recent(month, d, h, m, now)
	if !ok {
		return at, 0, 0
	}
	return at, time.Minute, 3
}

func date(year int, month time.Month, day, hour, minute int) time.Time {
	return time.Date(year, month, day, hour, minute, 0, 0, time.UTC)
}

// recent finds the year of a date that has none: the last one in which it is
// not in the future, give or take a day for the server's zone and clock.
func recent(month time.Month, day, hour, minute int, now time.Time) (time.Time, bool) {
	latest := now.UTC().Add(24 * time.Hour)
	for year := latest.Year(); year > latest.Year()-9; year-- { // 29 February may be far back
		at := date(year, month, day, hour, minute)
		if at.Day() == day && !at.After(latest) {
			return at, true
		}
	}
	return time.Time{}, false
}

// monthOf knows the English names of the months; 0 for others.
func monthOf(s string) time.Month {
	if len(s) != 3 {
		return 0
	}
	for m := time.January; m <= time.December; m++ {
		if strings.EqualFold(s, m.String()[:3]) {
			return m
		}
	}
	return 0
}

// clock reads "04:05".
func clock(s string) (hour, minute int, ok bool) {
	h, m, found := strings.Cut(s, ":")
	if !found || len(h) > 2 || len(m) != 2 || !isNumber(h) || !isNumber(m) {
		return 0, 0, false
	}
	hour, _ = strconv.Atoi(h)   // digits
	minute, _ = strconv.Atoi(m) // digits
	return hour, minute, hour < 24 && minute < 60
}
