package zone

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// printed is a true time as a server in a place prints it, to the minute, read
// as if it were UTC.
func printed(t *testing.T, place string, at time.Time) int64 {
	t.Helper()
	loc, err := time.LoadLocation(place)
	if err != nil {
		t.Skip(err)
	}
	l := at.In(loc)
	return time.Date(l.Year(), l.Month(), l.Day(), l.Hour(), l.Minute(), 0, 0, time.UTC).UnixNano()
}

// votes of n files, hours apart; every wrong-th has a time of its own.
func votes(t *testing.T, place string, from time.Time, n int, step time.Duration, wrong int) []Vote {
	t.Helper()
	var all []Vote
	for i := range n {
		at := from.Add(time.Duration(i) * step)
		e := listing.Entry{SizeMin: 5, SizeMax: 5, MTime: printed(t, place, at), Precision: time.Minute, ZoneUnknown: true}
		if wrong > 0 && i%wrong == 0 {
			e.MTime += int64(7 * time.Minute)
		}
		v, ok := Of(&e, []mirror.Version{{ID: 1, Size: 5, MTime: at.UnixNano(), Precision: 1}, {ID: 2, Size: 6}})
		if !ok {
			t.Fatal("no vote")
		}
		all = append(all, v)
	}
	return all
}

func TestDetect(t *testing.T) {
	t.Parallel()
	year := time.Date(2025, 1, 1, 0, 0, 31, 0, time.UTC)
	for _, place := range []string{
		"UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Adelaide",
		"America/St_Johns", "Pacific/Auckland", "Asia/Tokyo", "Pacific/Kiritimati",
	} {
		z := Detect(votes(t, place, year, 400, 23*time.Hour, 0))
		if !z.Known {
			t.Errorf("%s: not found", place)
			continue
		}
		wrong := 0
		for i := range 300 {
			at := year.Add(time.Duration(i) * 29 * time.Hour)
			if !slices.Contains(z.Times(printed(t, place, at), nil), at.Truncate(time.Minute).UnixNano()) {
				wrong++
			}
		}
		// New Zealand's summer begins and ends a week off Australia's.
		if limit := map[string]int{"Pacific/Auckland": 8}[place]; wrong > limit {
			t.Errorf("%s: %d of 300 times are wrong with %+v", place, wrong, z)
		}
	}
}

func TestDetectOneSeason(t *testing.T) {
	t.Parallel()
	// Files of January alone leave the summer open: then both hours count.
	z := Detect(votes(t, "Europe/Berlin", time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC), 20, time.Hour, 0))
	july := time.Date(2025, 7, 1, 12, 0, 0, 0, time.UTC)
	if got := z.Times(printed(t, "Europe/Berlin", july), nil); !slices.Contains(got, july.UnixNano()) || len(got) > 3 {
		t.Errorf("times %v", got)
	}
}

func TestDetectNothing(t *testing.T) {
	t.Parallel()
	from := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		votes []Vote
		known bool
	}{
		"no files":      {nil, false},
		"nine files":    {votes(t, "Asia/Tokyo", from, 9, time.Hour, 0), false},
		"ten files":     {votes(t, "Asia/Tokyo", from, 10, time.Hour, 0), true},
		"a tenth wrong": {votes(t, "Asia/Tokyo", from, 20, time.Hour, 10), true},
		"a third wrong": {votes(t, "Asia/Tokyo", from, 30, time.Hour, 3), false},
	} {
		if z := Detect(c.votes); z.Known != c.known {
			t.Errorf("%s: %+v", name, z)
		}
	}
	far := listing.Entry{SizeMin: 5, SizeMax: 5, MTime: from.Add(15 * time.Hour).UnixNano(), Precision: time.Minute}
	if v, ok := Of(&far, []mirror.Version{{ID: 1, Size: 5, MTime: from.UnixNano(), Precision: 1}}); !ok || !v.bad {
		t.Errorf("fifteen hours off: %+v", v)
	}
}

func TestSundays(t *testing.T) {
	t.Parallel()
	for want, got := range map[string]time.Time{
		"2026-03-29": lastSunday(2026, time.March), "2026-10-25": lastSunday(2026, time.October),
		"2026-03-08": nthSunday(2026, time.March, 2), "2026-11-01": nthSunday(2026, time.November, 1),
		"2025-12-28": lastSunday(2025, time.December),
	} {
		if s := got.Format(time.DateOnly); s != want {
			t.Errorf("%s, want %s", s, want)
		}
	}
}

func ExampleDetect() {
	fmt.Println(Detect(nil).Known)
	// Output: false
}
