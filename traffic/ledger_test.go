package traffic

import (
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// noon is on the last day of a month.
var noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// limited gives mirrors numbered from 1, with score 100 and a largest share.
func limited(shares ...int) (list []*mirror.Mirror) {
	for i, share := range shares {
		list = append(list, &mirror.Mirror{ID: mirror.ID(i + 1), Score: 100, MaxShare: share})
	}
	return list
}

func entry(id mirror.ID, day mirror.Day, requests, bytes int64) Entry {
	return Entry{Mirror: id, Day: day, Requests: requests, Bytes: bytes}
}

func TestDrain(t *testing.T) {
	t.Parallel()
	l := NewLedger()
	today := mirror.DayOf(noon)
	l.Credit(2, 10, noon)
	l.Credit(1, 5, noon)
	l.Credit(2, 20, noon)
	l.Credit(0, 99, noon) // the origin
	l.Credit(2, 7, noon.Add(24*time.Hour))
	l.Credit(2, 1, noon.Add(12*time.Hour-time.Second)) // was under way at midnight
	want := []Entry{entry(1, today, 1, 5), entry(2, today, 2, 30), entry(2, today+1, 2, 8)}
	got := l.Drain()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if again := l.Drain(); len(again) != 0 {
		t.Errorf("drained twice: %v", again)
	}
	l.Credit(1, 1, noon.Add(24*time.Hour))
	l.Restore(got)
	l.Restore([]Entry{entry(2, today, 1, 1)})
	want = []Entry{entry(1, today, 1, 5), entry(1, today+1, 1, 1), entry(2, today, 3, 31), entry(2, today+1, 2, 8)}
	if diff := cmp.Diff(want, l.Drain()); diff != "" {
		t.Error(diff)
	}
}

// A database that takes nothing, being a replica, does not fill the memory.
func TestNeverStored(t *testing.T) {
	t.Parallel()
	l := NewLedger()
	for day := range 400 {
		l.Credit(1, 1, noon.AddDate(0, 0, day))
		l.Restore(l.Drain())
	}
	if n := len(l.Drain()); n != unstoredDays+1 {
		t.Errorf("%d entries wait", n)
	}
}

// Nothing is lost or counted twice while everything goes on at once.
func TestConcurrent(t *testing.T) {
	t.Parallel()
	l := NewLedger()
	list := limited(100, 5000, 0)
	var workers, drainer sync.WaitGroup
	stop := make(chan struct{})
	var requests, bytes int64
	sum := func(entries []Entry) {
		for _, e := range entries {
			requests += e.Requests
			bytes += e.Bytes
		}
	}
	drainer.Go(func() {
		for i := 0; ; i++ {
			entries := l.Drain()
			if i%3 == 0 {
				l.Restore(entries)
			} else {
				sum(entries)
			}
			l.Balance(noon.Add(time.Duration(i) * time.Second))
			l.Learn([]mirror.Sums{{Mirror: 1, Today: mirror.DayOf(noon), DayBytes: 1}})
			select {
			case <-stop:
				return
			default:
			}
		}
	})
	const each = 5000
	for range 4 {
		workers.Go(func() {
			load := l.For(list, true)
			for i := range each {
				at := i % len(list)
				load.Full(at)
				load.Weights()
				l.Credit(list[at].ID, 3, noon.Add(time.Duration(i)*time.Minute))
			}
		})
	}
	workers.Wait()
	close(stop)
	drainer.Wait()
	sum(l.Drain())
	if requests != 4*each || bytes != 4*each*3 {
		t.Errorf("%d requests and %d bytes, want %d and %d", requests, bytes, 4*each, 4*each*3)
	}
}

func TestCreditAllocatesNothing(t *testing.T) {
	l := NewLedger()
	list := limited(100, 0)
	load := l.For(list, true)
	l.Credit(1, 1, noon)
	load.Weights()
	if n := testing.AllocsPerRun(100, func() {
		load.Full(0)
		load.Weights()
		l.Credit(1, 1000, noon)
		l.Credit(2, 1000, noon)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestQuota(t *testing.T) {
	t.Parallel()
	l := NewLedger()
	list := limited(0, 0, 0)
	list[0].Quota = mirror.Quota{Bytes: 100, Period: mirror.QuotaDay}
	list[1].Quota = mirror.Quota{Bytes: 100, Period: mirror.QuotaMonth}
	load := l.For(list, false)
	today, month := mirror.DayOf(noon), mirror.MonthOf(noon)
	full := func(when string, want ...bool) {
		t.Helper()
		for i, w := range want {
			if load.Full(i) != w {
				t.Errorf("%s: mirror %d full: %v", when, i+1, !w)
			}
		}
	}
	both := func(n int64, now time.Time) {
		l.Credit(1, n, now)
		l.Credit(2, n, now)
		l.Credit(3, n, now)
	}
	l.Balance(noon)
	both(40, noon)
	full("40 of 100", false, false, false)

	// Other nodes sent 30 today and 30 before; 5 come while ours are stored.
	l.Drain()
	both(5, noon)
	l.Learn([]mirror.Sums{
		{Mirror: 1, Today: today, Month: month, DayBytes: 70, MonthBytes: 70},
		{Mirror: 2, Today: today, Month: month, DayBytes: 70, MonthBytes: 100},
		{Mirror: 3, Today: today, Month: month, DayBytes: 70, MonthBytes: 100},
	})
	full("75 today, 105 this month", false, true, false)
	both(25, noon)
	full("100 today", true, true, false)

	// The database goes away: what is known goes on.
	l.Restore(l.Drain())
	full("without the database", true, true, false)
	l.Balance(noon.Add(24 * time.Hour))
	full("a new day and month", false, false, false)
	both(100, noon.Add(24*time.Hour))
	full("used up without the database", true, true, false)

	// It is back; what it says is of its own today, which is ours.
	l.Restore(l.Drain())
	l.Learn([]mirror.Sums{{Mirror: 1, Today: today + 1, Month: today + 1, DayBytes: 1, MonthBytes: 1}})
	if got := (*l.accounts.Load())[1].used(ofDay); got != 101 {
		t.Errorf("used %d, want what others sent and what is still to be stored", got)
	}
	l.Learn([]mirror.Sums{{Mirror: 1, Today: today, DayBytes: 1000}})
	if got := (*l.accounts.Load())[1].used(ofDay); got != 101 {
		t.Errorf("used %d after the sum of another day", got)
	}
}

func TestForNothing(t *testing.T) {
	t.Parallel()
	l := NewLedger()
	if l.For(limited(0, 0), false) != nil || l.For(limited(0, wholeShare), false) != nil {
		t.Error("a load of mirrors without limits")
	}
	if l.For(limited(0, 1), false) == nil || l.For(limited(0), true) == nil {
		t.Error("no load")
	}
	if l.For(limited(1), false).Weights() != nil {
		t.Error("weights where requests are shared by score")
	}
	// The origin among the mirrors has no account.
	load := l.For([]*mirror.Mirror{{Score: 7, MaxShare: 1}, {ID: 1, Score: 0}}, true)
	if load.Full(0) || !cmp.Equal(load.Weights(), []uint32{7 * evenScale, 0}) {
		t.Errorf("%v, %v", load.Full(0), load.Weights())
	}
}
