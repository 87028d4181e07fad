package scanner

import (
	"slices"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

const (
	zoneStep  = 15 * time.Minute
	zoneMax   = 14 * time.Hour
	zoneVotes = 10 // files that must agree at least
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

// zone is what was found out about a server's unnamed local time.
type zone struct {
	// known is false when too few files agreed: then times are read as UTC, and
	// what is not equal so is neither older nor newer by less than 14 hours.
	known bool
	rules []zoneRule // those that explain the most files, equally well
}

type zoneRule struct {
	offset time.Duration // standard time minus UTC
	summer int           // index into summers
}

// times gives what a printed time can mean in UTC: one value, or two or three
// when files of one season alone were seen so far.
func (z zone) times(printed int64, dst []int64) []int64 {
	if !z.known {
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

func (z zone) slack() time.Duration {
	if z.known {
		return 0
	}
	return zoneMax
}

// zoneVote is one file's word: how many quarters of an hour its printed time
// is off, in each custom of summer time; bad when it fits no multiple.
type zoneVote struct {
	steps  int
	summer [4]bool
	bad    bool
}

// vote compares an entry with the one version of its path that has its size.
func vote(e *listing.Entry, versions []mirror.Version) (zoneVote, bool) {
	var v zoneVote
	fits := false
	for i := range versions {
		ver := versions[i]
		if !ver.Current() || !e.SizeFits(ver.Size) || ver.Precision <= 0 || e.Precision <= 0 {
			continue
		}
		fits = true
		d := time.Duration(e.MTime - ver.MTime)
		for _, k := range []int{int(d / zoneStep), int(d/zoneStep) - 1, int(d/zoneStep) + 1} {
			off := time.Duration(k) * zoneStep
			if off.Abs() <= zoneMax && ver.SameTime(e.MTime-int64(off), e.Precision) {
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

// detectZone finds the offset that explains at least 90 % of the votes, of
// which there must be ten.
func detectZone(votes []zoneVote) zone {
	if len(votes) < zoneVotes {
		return zone{}
	}
	best, z := 0, zone{}
	for s := range summers {
		count := map[int]int{}
		for _, v := range votes {
			if v.bad {
				continue
			}
			k := v.steps
			if v.summer[s] {
				k -= int(hour / zoneStep)
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
			z.known = true
			z.rules = append(z.rules, zoneRule{time.Duration(k) * zoneStep, s})
		}
	}
	return z
}
