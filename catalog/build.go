package catalog

import (
	"cmp"
	"slices"
)

// builder fills a table that nobody reads yet.
type builder[V any] struct {
	t     *table[V]
	fixed bool // keep the number of shards
	hint  int  // entries a shard will likely have
}

// newBuilder makes room for about n entries; n may be wrong.
func newBuilder[V any](n int) *builder[V] {
	b := &builder[V]{t: newTable[V](bitsFor(n))}
	if n > shardTarget<<minBits/4 {
		b.hint = n >> b.t.bits
	}
	return b
}

func (b *builder[V]) add(key uint64, v V) {
	t := b.t
	if !b.fixed && t.n > shardMax<<t.bits && t.bits < maxBits {
		t = t.reshard(bitsFor(4 * t.n))
		b.t = t
	}
	s := &t.shards[t.shardOf(key)]
	if s.n >= len(s.slots)-len(s.slots)/8-1 {
		s.resize(t.shardOf(key), t, roomFor(max(b.hint, s.n+s.n/3+4), spareSlots))
	}
	s.put(key, t.bits, &v)
	t.n++
}

// done gives the table, its shards cut to size.
func (b *builder[V]) done() *table[V] {
	b.cut(spareSlots)
	return b.t
}

// cut rebuilds the shards that have much more room than one free slot for
// every spare entries needs.
func (b *builder[V]) cut(spare int) {
	for i := range b.t.shards {
		s := &b.t.shards[i]
		if want := roomFor(s.n, spare); len(s.slots) > want+want/16+4 {
			s.resize(i, b.t, want)
		}
	}
}

// roomFor gives the slots for n entries with one free for every spare of them.
func roomFor(n, spare int) int {
	if n == 0 {
		return 0
	}
	return n + n/spare + 1
}

// resize rebuilds shard i of t, which is s, with room for that many slots.
func (s *shard[V]) resize(i int, t *table[V], slots int) {
	next := shard[V]{slots: newSlots[V](slots)}
	t.all(i, func(key uint64, v *V) { next.put(key, t.bits, v) })
	*s = next
}

// reshard gives a table of the same entries in 1<<bits shards.
func (t *table[V]) reshard(bits uint8) *table[V] {
	b := builder[V]{t: newTable[V](bits), fixed: true}
	for i := range t.shards {
		t.all(i, func(key uint64, v *V) { b.add(key, *v) })
	}
	return b.done()
}

// op is one change: the entry to add, or (gone) to take away.
type op[V any] struct {
	key  uint64
	gone bool
	val  V
}

// apply gives the table after ops. An entry that is the same as an op's (same
// key, and same says so) is replaced by it, so applying ops again changes
// nothing. Of several ops for one entry the last one counts. ops is sorted.
func (t *table[V]) apply(ops []op[V], same func(a, b *V) bool) *table[V] {
	if len(ops) == 0 {
		return t
	}
	slices.SortStableFunc(ops, func(a, b op[V]) int { return cmp.Compare(a.key, b.key) })
	next := &table[V]{bits: t.bits, n: t.n, shards: slices.Clone(t.shards)}
	var keep []slot[V]
	for len(ops) > 0 {
		i := t.shardOf(ops[0].key)
		end := 1
		for end < len(ops) && t.shardOf(ops[end].key) == i {
			end++
		}
		keep = t.merge(keep[:0], i, ops[:end], same)
		s := shard[V]{slots: newSlots[V](roomFor(len(keep), spareSlots))}
		for j := range keep {
			s.put(keep[j].key, t.bits, &keep[j].val)
		}
		next.shards[i] = s
		next.n += next.shards[i].n - t.shards[i].n
		ops = ops[end:]
	}
	if next.n > shardMax<<next.bits && next.bits < maxBits {
		return next.reshard(bitsFor(2 * next.n))
	}
	return next
}

// merge appends to keep the entries of shard i after ops, which are sorted and
// all in that shard.
func (t *table[V]) merge(keep []slot[V], i int, ops []op[V], same func(a, b *V) bool) []slot[V] {
	t.all(i, func(key uint64, v *V) {
		j, _ := slices.BinarySearchFunc(ops, key, func(o op[V], key uint64) int { return cmp.Compare(o.key, key) })
		for ; j < len(ops) && ops[j].key == key; j++ {
			if same(v, &ops[j].val) {
				return
			}
		}
		keep = append(keep, slot[V]{key, *v})
	})
	for j := range ops {
		if !ops[j].gone && lastFor(ops, j, same) {
			keep = append(keep, slot[V]{ops[j].key, ops[j].val})
		}
	}
	return keep
}

// lastFor reports whether no op after ops[j] is about the same entry.
func lastFor[V any](ops []op[V], j int, same func(a, b *V) bool) bool {
	for k := j + 1; k < len(ops) && ops[k].key == ops[j].key; k++ {
		if same(&ops[j].val, &ops[k].val) {
			return false
		}
	}
	return true
}
