package filecheck

import (
	"math"
	"sync"
	"sync/atomic"
)

const (
	// ways is the number of answers a bucket holds. With one alone, a third of the
	// paths would push each other out of a table that is 40 per cent full.
	ways = 4
	// firstBuckets of a table; it grows when they are used.
	firstBuckets = 1 << 10
)

// table keeps the latest answers by path, a bounded number of them. Readers take
// no lock.
type table struct {
	now  atomic.Pointer[[]bucket]
	most int // buckets
	skip int // length of the root, with which the entries' paths begin
	seed seed

	pushed  atomic.Int64 // entries that made room for other paths since the last growth
	growing sync.Mutex
}

// bucket is one line of a processor's cache, so that a path that is not there
// costs one look into memory.
type bucket struct {
	mu   sync.Mutex // held by who puts an entry in, for moments
	tags [ways]atomic.Uint32
	way  [ways]atomic.Pointer[entry]
	_    [8]byte
}

// init makes a table for up to n answers, or a few more, below a root.
func (t *table) init(n int, root string) {
	t.most = 1
	for t.most*ways < n {
		t.most <<= 1
	}
	t.skip, t.seed = len(root), newSeed()
	first := make([]bucket, min(firstBuckets, t.most))
	t.now.Store(&first)
}

func (t *table) bucket(hash uint64) *bucket {
	all := *t.now.Load()
	return &all[hash&uint64(len(all)-1)]
}

// find gives the entry of a path; nil if there is none.
func (t *table) find(rel string, hash uint64) *entry {
	return t.bucket(hash).find(rel, hash, t.skip)
}

func (b *bucket) find(rel string, hash uint64, skip int) *entry {
	tag := uint32(hash >> 32)
	for i := range b.way {
		if b.tags[i].Load() != tag {
			continue
		}
		if e := b.way[i].Load(); e != nil && e.path[skip:] == rel {
			return e
		}
	}
	return nil
}

// put has e take the place of old, which find gave, or of the one that was asked
// for longest ago. When somebody else was faster, theirs is the entry to wait for.
func (t *table) put(hash uint64, e, old *entry) *entry {
	in, pushed := t.bucket(hash).put(hash, e, old, t.skip)
	if pushed {
		t.crowded()
	}
	return in
}

// put gives the entry that is there now, and whether another path had to go.
func (b *bucket) put(hash uint64, e, old *entry, skip int) (in *entry, pushed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if other := b.find(e.path[skip:], hash, skip); other != nil && other != old {
		return other, false
	}
	at, oldest := 0, int64(math.MaxInt64)
	for i := range b.way {
		was := b.way[i].Load()
		if was == nil || was == old {
			at, oldest = i, 0
			break
		}
		if was.asked < oldest {
			at, oldest = i, was.asked
		}
	}
	b.way[at].Store(e)
	b.tags[at].Store(uint32(hash >> 32))
	return e, oldest != 0
}

// crowded notes that a path made room for another, and makes the table larger
// when that happened to many.
func (t *table) crowded() {
	full := len(*t.now.Load())
	if full >= t.most || t.pushed.Add(1) < int64(full/2) || !t.growing.TryLock() {
		return
	}
	defer t.growing.Unlock()
	old := *t.now.Load()
	if len(old) != full { // by somebody else just now
		return
	}
	larger := make([]bucket, min(4*full, t.most))
	for i := range old {
		for w := range old[i].way {
			if e := old[i].way[w].Load(); e != nil {
				hash := t.seed.hash(e.path[t.skip:])
				larger[hash&uint64(len(larger)-1)].put(hash, e, nil, t.skip)
			}
		}
	}
	// What was put into the old one meanwhile is asked for once more.
	t.now.Store(&larger)
	t.pushed.Store(0)
}
