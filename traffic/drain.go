package traffic

import (
	"cmp"
	"slices"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// Drain takes out what is not in the database yet, sorted by mirror and day.
// Whoever fails to store it gives it back to [Ledger.Restore].
func (l *Ledger) Drain() []Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.collect()
	entries := make([]Entry, 0, len(l.unstored))
	for k, c := range l.unstored {
		entries = append(entries, Entry{Mirror: k.id, Day: k.day, Requests: c.requests, Bytes: c.bytes})
	}
	clear(l.unstored)
	slices.SortFunc(entries, func(x, y Entry) int {
		return cmp.Or(cmp.Compare(x.Mirror, y.Mirror), cmp.Compare(x.Day, y.Day))
	})
	return entries
}

// unstoredDays is for how many days entries wait for the database: longer than any
// period that they count for. A node whose database is a replica never gets rid of
// them otherwise.
const unstoredDays = 62

// Restore takes back what could not be stored. There is at most one entry for a
// mirror and a day, and none of periods that are long over, however long the
// database stays away.
func (l *Ledger) Restore(entries []Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range entries {
		if int64(e.Day) < l.day.Load()-unstoredDays {
			continue
		}
		k := key{e.Mirror, e.Day}
		c := l.unstored[k]
		c.requests += e.Requests
		c.bytes += e.Bytes
		l.unstored[k] = c
	}
}

// The periods of quotas, as indices.
const (
	ofDay = iota
	ofMonth
)

// Learn takes over what all nodes together sent in the running periods, as the
// database says once it has stored what [Ledger.Drain] gave. Sums of other
// periods than those that [Ledger.Balance] is in are left alone.
func (l *Ledger) Learn(sums []mirror.Sums) {
	l.mu.Lock()
	defer l.mu.Unlock()
	day, month := mirror.Day(l.day.Load()), mirror.Day(l.month.Load())
	for i := range sums {
		s := &sums[i]
		a := l.openLocked(s.Mirror)
		own := [2]int64{-a.drained.bytes, -a.drained.bytes}
		for k, c := range l.unstored {
			if k.id != s.Mirror {
				continue
			}
			if k.day >= day {
				own[ofDay] += c.bytes
			}
			if k.day >= month {
				own[ofMonth] += c.bytes
			}
		}
		if s.Today == day {
			a.base[ofDay].Store(s.DayBytes + own[ofDay])
		}
		if s.Month == month {
			a.base[ofMonth].Store(s.MonthBytes + own[ofMonth])
		}
	}
}

// used gives the bytes of the running period, as far as they are known here.
// base is what makes the bytes counted since the start the period's: what the
// database had, less what had been counted then.
func (a *account) used(period int) int64 { return a.base[period].Load() + a.bytes.Load() }
