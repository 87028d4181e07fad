package traffic

import "math"

// What shares are of.
const (
	byRequests = iota
	byBytes
)

const (
	// oneRequest is a request in the units in which buckets count requests:
	// large enough for parts of one to be exact.
	oneRequest = 1 << 20
	wholeShare = 10_000 // hundredths of a per cent
	// burst is how many requests ahead of its share a mirror may be: enough for
	// the draw's own unevenness, too few to be felt after a pause.
	burst = 20
)

// A mirror's largest share is kept by a bucket. Each redirect to any mirror lets
// MaxShare of a token flow in, each to the mirror itself takes one. The
// level is not kept, but the count of all redirects at which the bucket would
// have been empty: then one atomic number says it all, a pause gives no more
// than a full bucket, and what several requests take at once is owed. (The
// generic cell rate algorithm of ITU-T I.371, with redirects for the clock.)

// newAccount has full buckets.
func newAccount() *account {
	a := &account{}
	a.even.Store(math.Float64bits(1))
	for basis := range a.taken {
		a.taken[basis].Store(math.MinInt64)
	}
	return a
}

// clock gives the count of all redirects on a basis.
func (l *Ledger) clock(basis int) int64 {
	if basis == byBytes {
		return l.bytes.Load()
	}
	return l.requests.Load() * oneRequest
}

// request is what an average request comes to on a basis.
func (l *Ledger) request(basis int) int64 {
	if basis == byBytes {
		return min(l.bytes.Load()/max(l.requests.Load(), 1)+1, 1<<40) // times burst and wholeShare is in range
	}
	return oneRequest
}

// inflow gives how far the clock must go for so much to flow in.
func inflow(amount, share int64) int64 {
	return amount/share*wholeShare + amount%share*wholeShare/share
}

// take lets something out of a bucket; what is not there is owed.
func (l *Ledger) take(a *account, basis int, share, amount int64) {
	earliest := l.clock(basis) - inflow(burst*l.request(basis), share)
	cost := inflow(amount, share)
	for {
		old := a.taken[basis].Load()
		if a.taken[basis].CompareAndSwap(old, max(old, earliest)+cost) {
			return
		}
	}
}

// empty reports whether there is less in a bucket than a request takes. The size
// of the next file is not known, so where bytes count, anything will do.
func (l *Ledger) empty(a *account, basis int, share int64) bool {
	need := int64(oneRequest)
	if basis == byBytes {
		need = 1
	}
	taken := a.taken[basis].Load()
	return taken != math.MinInt64 && l.clock(basis)-taken < inflow(need, share)
}
