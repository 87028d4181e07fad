// Package zone finds out in which time zone a server prints times without saying
// so (FTP LIST, index pages), from files whose true times are known.
package zone

import (
	"slices"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

const (
	step      = 15 * time.Minute
	maxOffset = 14 * time.Hour
	minVotes  = 10 // files that must agree at least
	hour      = time.Hour
)

// summer says whether summer time is in force at a local standard time.
type summer func(t time.Time) bool

// summers are the customs of summer time that mirrors live by. The first is to
// have none.
var summers = []summer{
	func(time.Time) bool { return false },
	func(t time.Time) bool { // European Union: last Sundays of March and October
		return between(t, lastSunday(t.Year(), time.March), lastSunday(t.Year(), time.October))
	},
	func(t time.Time) bool { // United States and Canada: second Sunday of March, first of November
		return between(t, nthSunday(t.Year(), time.March, 2), nthSunday(t.Year(), time.November, 1))
	},
	func(t time.Time) bool { // Australia: first Sundays of October and April
		return !between(t, nthSunday(t.Year(), time.April, 1), nthSunday(t.Year(), time.October, 1))
	},
}

func between(t, from, to time.Time) bool {
	const change = 2 * hour // about when clocks change on those Sundays
	return !t.Before(from.Add(change)) && t.Before(to.Add(change))
}

func nthSunday(year int, m time.Month, n int) time.Time {
	t := time.Date(year, m, 1, 0, 0, 0, 0, time.UTC)
	return t.AddDate(0, 0, (7-int(t.Weekday()))%7+7*(n-1))
}

func lastSunday(year int, m time.Month) time.Time {
	t := time.Date(year, m+1, 0, 0, 0, 0, 0, time.UTC)
	return t.AddDate(0, 0, -int(t.Weekday()))
}

// Zone is what was found out about a server's unnamed local time.
type Zone struct {
	// Known is false when too few files agreed: then times are read as UTC, and
	// what is not equal so is neither older nor newer by less than 14 hours.
	Known bool
	rules []rule // those that explain the most files, equally well
}

type rule struct {
	offset time.Duration // standard time minus UTC
	summer int           // index into summers
}

// Times appends what a printed time can mean in UTC to dst: one value, or two or three
// when files of one season alone were seen so far.
func (z Zone) Times(printed int64, dst []int64) []int64 {
	if !z.Known {
		return append(dst, printed)
	}
	for _, r := range z.rules {
		t := printed - int64(r.offset)
		if summers[r.summer](time.Unix(0, printed).UTC()) {
			t -= int64(hour)
		}
		if !slices.Contains(dst, t) {
			dst = append(dst, t)
		}
	}
	return dst
}

// Slack is how far a time may be off either way: 14 hours while nothing is known.
func (z Zone) Slack() time.Duration {
	if z.Known {
		return 0
	}
	return maxOffset
}

// Vote is one file's word: how many quarters of an hour its printed time
// is off, in each custom of summer time; bad when it fits no multiple.
type Vote struct {
	steps  int
	summer [4]bool
	bad    bool
}

// Of compares an entry with the one version of its path that has its size.
func Of(e *listing.Entry, versions []mirror.Version) (Vote, bool) {
	var v Vote
	fits := false
	for i := range versions {
		ver := versions[i]
		if !ver.Current() || !e.SizeFits(ver.Size) || ver.Precision <= 0 || e.Precision <= 0 {
			continue
		}
		fits = true
		d := time.Duration(e.MTime - ver.MTime)
		for _, k := range []int{int(d / step), int(d/step) - 1, int(d/step) + 1} {
			off := time.Duration(k) * step
			if off.Abs() <= maxOffset && ver.SameTime(e.MTime-int64(off), e.Precision) {
				v.steps = k
				for i, s := range summers {
					v.summer[i] = s(time.Unix(0, e.MTime).UTC())
				}
				return v, true
			}
		}
	}
	v.bad = true
	return v, fits
}

// Detect finds the offset that explains at least 90 % of the votes, of
// which there must be ten.
func Detect(votes []Vote) Zone {
	if len(votes) < minVotes {
		return Zone{}
	}
	best, z := 0, Zone{}
	for s := range summers {
		count := map[int]int{}
		for _, v := range votes {
			if v.bad {
				continue
			}
			k := v.steps
			if v.summer[s] {
				k -= int(hour / step)
			}
			count[k]++
		}
		for k, n := range count {
			switch {
			case n*10 < len(votes)*9 || n < best:
				continue
			case n > best:
				best, z.rules = n, z.rules[:0]
			}
			z.Known = true
			z.rules = append(z.rules, rule{time.Duration(k) * step, s})
		}
	}
	return z
}
