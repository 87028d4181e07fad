package note

import (
	"net/netip"
	"sync"
	"time"
)

// Memory is what a receiver remembers of earlier requests: signatures that must
// not come again, how often each sender came, and who is sending right now.
// Its size is bounded. The zero value is ready; it may be shared by receivers,
// and outlive them.
type Memory struct {
	mu      sync.Mutex
	seen    map[[32]byte]time.Time // by signature: when it may be forgotten
	buckets map[string]bucket
	swept   time.Time // when both were last rid of what counts no more
	inside  map[netip.Prefix]int
	total   int
}

// The limits. A scan or index run takes longer than these allow to ask for one.
const (
	notesBurst, notesEvery   = 20, 6 * time.Second         // of one sender
	totalBurst, totalEvery   = 200, 100 * time.Millisecond // of all
	askBurst, askEvery       = 60, time.Second             // questions about notes, of one sender
	maxInside, maxInsideEach = 256, 8                      // requests at the same time
	maxSeen                  = 1 << 14                     // far beyond what totalEvery lets in
	maxBuckets               = 1 << 14
)

// forgetAfter is when a signature is too old anyway.
const forgetAfter = 2*MaxSkew + time.Minute

// first reports whether a signature was not seen before, and remembers it. When
// there is no room it says no: better to refuse than to forget.
func (m *Memory) first(sum [32]byte, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.seen[sum]; ok {
		return false
	}
	if m.seen == nil {
		m.seen = map[[32]byte]time.Time{}
	}
	m.sweep(now)
	if len(m.seen) >= maxSeen {
		return false
	}
	m.seen[sum] = now.Add(forgetAfter)
	return true
}

// sweep forgets what counts no more, now and then.
func (m *Memory) sweep(now time.Time) {
	if now.Sub(m.swept) < 10*time.Second {
		return
	}
	m.swept = now
	for k, end := range m.seen {
		if now.After(end) {
			delete(m.seen, k)
		}
	}
	for k, b := range m.buckets {
		if !b.full.After(now) {
			delete(m.buckets, k)
		}
	}
}

// bucket is how much a sender has used up: it is full again at a time.
type bucket struct{ full time.Time }

// take lets a sender have one of burst, one more after each every; else it says
// how long to wait.
func (m *Memory) take(name string, burst int, every time.Duration, now time.Time) (wait time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.buckets == nil {
		m.buckets = map[string]bucket{}
	}
	m.sweep(now)
	b, ok := m.buckets[name]
	if !ok && len(m.buckets) >= maxBuckets {
		return every
	}
	if b.full.Before(now) {
		b.full = now
	}
	full := b.full.Add(every)
	if over := full.Sub(now) - time.Duration(burst)*every; over > 0 {
		return over
	}
	m.buckets[name] = bucket{full}
	return 0
}

// enter lets a request in while there are not too many inside, in all or of one
// client; the caller must call leave. Clients of IPv6 are networks of 64 bits.
func (m *Memory) enter(addr netip.Addr) (leave func(), ok bool) {
	bits := 32
	if addr = addr.Unmap().WithZone(""); addr.Is6() {
		bits = 64
	}
	p, _ := addr.Prefix(bits) // the zero one for what is on no network
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.total >= maxInside || m.inside[p] >= maxInsideEach {
		return nil, false
	}
	if m.inside == nil {
		m.inside = map[netip.Prefix]int{}
	}
	m.total++
	m.inside[p]++
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.total--
		if m.inside[p]--; m.inside[p] == 0 {
			delete(m.inside, p)
		}
	}, true
}
