package catalog

import (
	"math/bits"
	"slices"
)

// table is a multi-map from 64-bit keys to small values without pointers:
// shards, chosen by the key's top bits, of open-addressing tables with linear
// probing. A published table never changes; apply makes a new one that shares
// the shards without changes. Keys must have been through normKey.
type table[V any] struct {
	bits   uint8 // 1<<bits shards
	n      int   // entries
	shards []shard[V]
}

type shard[V any] struct {
	slots []slot[V] // nil while empty; else with at least one free slot
	n     int       // slots in use
}

// slot is one entry. The shard knows the key's top bit, so that bit is used
// to say that another slot has the same key. A free slot's key is 0.
type slot[V any] struct {
	key uint64
	val V
}

const (
	twiceBit = 1 << 63

	// The directory is copied with every change and one shard is rebuilt for
	// nearly every changed file: with shards of this many entries a change of
	// 10,000 files among ten million copies a seventh of the table.
	shardTarget = 256
	shardMax    = 4 * shardTarget
	minBits     = 10
	// One slot in five is free: 40 bytes per file. More would save no time,
	// which goes into the first access to memory.
	spareSlots = 4
	maxBits    = 16
)

// normKey keeps keys apart from the free slot's.
func normKey(k uint64) uint64 {
	if k&^twiceBit == 0 {
		return k | 1
	}
	return k
}

func emptyTable[V any]() *table[V] { return newTable[V](minBits) }

func newTable[V any](b uint8) *table[V] {
	return &table[V]{bits: b, shards: make([]shard[V], 1<<b)}
}

// bitsFor gives the number of shards, as a power of two, for n entries.
func bitsFor(n int) uint8 {
	b := uint8(minBits)
	for b < maxBits && n>>b > shardTarget {
		b++
	}
	return b
}

func (t *table[V]) shardOf(key uint64) int { return int(key >> (64 - t.bits)) }

// home gives the first slot to try, by the bits that did not choose the shard.
func home(key uint64, b uint8, slots int) int {
	hi, _ := bits.Mul64(key<<b, uint64(slots))
	return int(hi)
}

// find gives one value of key, and whether there are others; nil if none.
func (t *table[V]) find(key uint64) (v *V, twice bool) {
	s := t.shards[t.shardOf(key)].slots
	if len(s) == 0 {
		return nil, false
	}
	want := key &^ twiceBit
	for i := home(key, t.bits, len(s)); ; {
		k := s[i].key
		if k&^twiceBit == want {
			return &s[i].val, k&twiceBit != 0
		}
		if k == 0 {
			return nil, false
		}
		if i++; i == len(s) {
			i = 0
		}
	}
}

// each calls fn for every value of key.
func (t *table[V]) each(key uint64, fn func(*V)) {
	s := t.shards[t.shardOf(key)].slots
	if len(s) == 0 {
		return
	}
	want := key &^ twiceBit
	for i := home(key, t.bits, len(s)); s[i].key != 0; {
		if k := s[i].key; k&^twiceBit == want {
			fn(&s[i].val)
			if k&twiceBit == 0 {
				return
			}
		}
		if i++; i == len(s) {
			i = 0
		}
	}
}

// all calls fn for every entry of shard i, in the order of its slots.
func (t *table[V]) all(i int, fn func(key uint64, v *V)) {
	top := uint64(i) << (64 - t.bits) & twiceBit
	s := t.shards[i].slots
	for j := range s {
		if k := s[j].key; k != 0 {
			fn(k&^twiceBit|top, &s[j].val)
		}
	}
}

// newSlots makes n slots, rounded up to what the allocator gives out anyway.
func newSlots[V any](n int) []slot[V] {
	if n == 0 {
		return nil
	}
	s := slices.Grow([]slot[V](nil), n)
	return s[:cap(s)]
}

// put adds an entry to a shard that is still being made and has a free slot.
func (s *shard[V]) put(key uint64, b uint8, v *V) {
	stored := key &^ twiceBit
	i := home(key, b, len(s.slots))
	for s.slots[i].key != 0 {
		if s.slots[i].key&^twiceBit == key&^twiceBit {
			s.slots[i].key |= twiceBit
			stored |= twiceBit
		}
		if i++; i == len(s.slots) {
			i = 0
		}
	}
	s.slots[i] = slot[V]{key: stored, val: *v}
	s.n++
}
