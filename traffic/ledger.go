// Package traffic keeps account of what a node sends to its mirrors, and says
// what follows for the next requests: which mirrors have their largest share or
// their quota, and by how much the draw must differ from the scores for bytes to
// follow them.
//
// Requests touch atomic counters alone. A [Ledger] outlives the lists of mirrors
// that requests choose from; each list has a [Load]. docs/limits.md says what
// operators may expect.
package traffic

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// Entry is what was credited to a mirror on a day and is not in the database yet.
type Entry = mirror.Traffic

// Ledger holds the accounts of a database's mirrors. It may be used by any
// number of goroutines.
type Ledger struct {
	accounts atomic.Pointer[map[mirror.ID]*account] // the map is not changed, but replaced
	day      atomic.Int64                           // the mirror.Day that is being counted
	month    atomic.Int64                           // its month's first day
	requests atomic.Int64                           // to all mirrors, since the start
	bytes    atomic.Int64
	epoch    atomic.Uint64 // raised when the corrections change
	byBytes  atomic.Bool   // a site shares by bytes

	mu       sync.Mutex // of what follows, and of replacing accounts
	unstored map[key]count
	balanced time.Time // when Balance was last at work; zero: never
}

type key struct {
	id  mirror.ID
	day mirror.Day
}

// count is a number of redirects and the bytes they were for.
type count struct{ requests, bytes int64 }

// account is a mirror's. It stays for as long as the ledger does: numbers of
// mirrors are never used again.
type account struct {
	requests atomic.Int64 // since the start
	bytes    atomic.Int64
	share    atomic.Int64                      // MaxShare
	taken    [2]atomic.Int64                   // the buckets of its share, by basis
	base     [2]atomic.Int64                   // by period, see used
	even     atomic.Uint64                     // the correction, a float64
	score    int64                             // of the newest list; under Ledger.mu, as all below
	drained  count                             // what was taken out for the database
	seen     count                             // by Balance
	recent   struct{ requests, bytes float64 } // decayed
}

// NewLedger gives an empty ledger.
func NewLedger() *Ledger {
	l := &Ledger{unstored: map[key]count{}}
	l.accounts.Store(&map[mirror.ID]*account{})
	return l
}

// Credit counts a redirect of a GET request to a mirror, for a file of that
// size. It neither waits nor allocates, but for the first request of a day. What
// has no mirror's number is not counted: the origin, and fallbacks.
func (l *Ledger) Credit(id mirror.ID, bytes int64, now time.Time) {
	if id <= 0 {
		return
	}
	bytes = min(max(bytes, 0), maxBytes)
	if day, counted := int64(mirror.DayOf(now)), l.day.Load(); day > counted || day < counted-1 {
		l.turn(now)
	}
	a := (*l.accounts.Load())[id]
	if a == nil {
		a = l.open(id)
	}
	l.requests.Add(1)
	l.bytes.Add(bytes)
	a.requests.Add(1)
	a.bytes.Add(bytes)
	if share := a.share.Load(); share > 0 {
		l.take(a, byRequests, share, oneRequest)
		l.take(a, byBytes, share, bytes)
	}
}

// maxBytes is more than any file has, and keeps sums of them from overflowing.
const maxBytes = 1 << 44

// open gives the account of a mirror that had none.
func (l *Ledger) open(id mirror.ID) *account {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.openLocked(id)
}

func (l *Ledger) openLocked(id mirror.ID) *account {
	old := *l.accounts.Load()
	if a := old[id]; a != nil {
		return a
	}
	a := newAccount()
	all := maps.Clone(old)
	all[id] = a
	l.accounts.Store(&all)
	return a
}

// turn begins a new day: what was counted up to now belongs to the day before.
func (l *Ledger) turn(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	day, month := int64(mirror.DayOf(now)), int64(mirror.MonthOf(now))
	if day == l.day.Load() {
		return
	}
	l.collect()
	newMonth := month != l.month.Load()
	for _, a := range *l.accounts.Load() {
		a.base[ofDay].Store(-a.bytes.Load())
		if newMonth {
			a.base[ofMonth].Store(-a.bytes.Load())
		}
	}
	l.month.Store(month)
	l.day.Store(day)
}

// collect moves what was counted since the last time to what is to be stored.
func (l *Ledger) collect() {
	day := mirror.Day(l.day.Load())
	for id, a := range *l.accounts.Load() {
		now := count{a.requests.Load(), a.bytes.Load()}
		if now == a.drained {
			continue
		}
		k := key{id, day}
		c := l.unstored[k]
		c.requests += now.requests - a.drained.requests
		c.bytes += now.bytes - a.drained.bytes
		l.unstored[k], a.drained = c, now
	}
}
