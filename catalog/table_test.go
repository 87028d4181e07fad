package catalog

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// model is the obvious way to do what a table does.
type model map[uint64]map[uint32]int64 // key, id, size

func (m model) set(key uint64, id uint32, size int64) {
	if m[key] == nil {
		m[key] = map[uint32]int64{}
	}
	m[key][id] = size
}

func (m model) drop(key uint64, id uint32) {
	delete(m[key], id)
	if len(m[key]) == 0 {
		delete(m, key)
	}
}

func (m model) len() (n int) {
	for _, ids := range m {
		n += len(ids)
	}
	return n
}

func checkTable(t *testing.T, tab *table[fileVal], m model, keys uint64, spread func(uint64) uint64) {
	t.Helper()
	if got, want := tab.n, m.len(); got != want {
		t.Fatalf("table has %d entries, want %d", got, want)
	}
	for k := range keys {
		key := spread(k)
		v, twice := tab.find(key)
		want := m[key]
		if (v != nil) != (len(want) > 0) || twice != (len(want) > 1) {
			t.Fatalf("key %#x: found %v, twice %v; the model has %v", key, v, twice, want)
		}
		if v != nil && want[v.id] != v.size {
			t.Fatalf("key %#x: got %+v, the model has %v", key, *v, want)
		}
		seen := map[uint32]int64{}
		tab.each(key, func(v *fileVal) { seen[v.id] = v.size })
		if len(seen) != len(want) {
			t.Fatalf("key %#x: each gave %v, the model has %v", key, seen, want)
		}
	}
}

func TestTableAgainstModel(t *testing.T) {
	t.Parallel()
	spreads := map[string]func(uint64) uint64{
		"spread":    func(k uint64) uint64 { return normKey(k * 0x9e3779b97f4a7c15) },
		"one shard": normKey,
		"colliding": func(k uint64) uint64 { return normKey(k % 7 << 61) },
	}
	for name, spread := range spreads {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rnd := rand.New(rand.NewPCG(1, 2))
			const keys = 300
			m, tab := model{}, emptyTable[fileVal]()
			for round := range 60 {
				var ops []op[fileVal]
				for range rnd.IntN(60) {
					key, id, size := spread(rnd.Uint64N(keys)), rnd.Uint32N(4)+1, rnd.Int64()
					gone := rnd.IntN(2) == 0
					ops = append(ops, op[fileVal]{key: key, gone: gone, val: fileVal{id: id, size: size}})
					if gone {
						m.drop(key, id)
					} else {
						m.set(key, id, size)
					}
				}
				tab = tab.apply(ops, sameFile)
				again := tab.apply(ops, sameFile)
				if round%10 == 0 {
					checkTable(t, tab, m, keys, spread)
					checkTable(t, again, m, keys, spread)
					checkTable(t, tab.reshard(12), m, keys, spread)
				}
			}
		})
	}
}

func TestBuilderAgainstModel(t *testing.T) {
	t.Parallel()
	for _, hint := range []int{0, 100, 5_000_000} {
		rnd := rand.New(rand.NewPCG(3, 4))
		b, m := newBuilder[fileVal](hint), model{}
		const keys = 20_000
		spread := func(k uint64) uint64 { return normKey(k * 0x9e3779b97f4a7c15) }
		for i := range uint32(keys) {
			key := spread(rnd.Uint64N(keys))
			b.add(key, fileVal{id: i + 1, size: int64(i)})
			m.set(key, i+1, int64(i))
		}
		checkTable(t, b.done(), m, keys, spread)
	}
}

func TestTableGrows(t *testing.T) {
	t.Parallel()
	b := newBuilder[fileVal](0)
	const n = shardMax<<minBits + 5000
	for i := range uint64(n) {
		b.add(normKey(i*0x9e3779b97f4a7c15), fileVal{id: uint32(i + 1)})
	}
	tab := b.done()
	if tab.bits == minBits || tab.n != n {
		t.Errorf("after %d entries: %d, 2^%d shards", n, tab.n, tab.bits)
	}
	for i := range uint64(n) {
		if v, twice := tab.find(normKey(i * 0x9e3779b97f4a7c15)); v == nil || twice || v.id != uint32(i+1) {
			t.Fatalf("entry %d: %v, %v", i, v, twice)
		}
	}
}

func TestPrecision(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ in, want time.Duration }{
		{0, 0},
		{-5, 0},
		{1, 1},
		{time.Second, time.Second},
		{time.Minute, time.Minute},
		{24 * time.Hour, 24 * time.Hour},
		{2, 2},
		{3, 4},
		{1500 * time.Millisecond, 1 << 31},
		{48 * time.Hour, 1 << 48},
		{1<<63 - 1, 1 << 62},
	} {
		if got := unpackPrecision(packPrecision(tc.in)); got != tc.want {
			t.Errorf("precision %d comes back as %d, want %d", tc.in, got, tc.want)
		}
	}
	for c := range 256 {
		if d := unpackPrecision(uint8(c)); unpackPrecision(packPrecision(d)) != d {
			t.Errorf("code %d: %v is not stable", c, d)
		}
	}
}

// TestReadersBesideWriter has readers look while the catalog changes: a path
// is always there in one of its versions, and never in two.
func TestReadersBesideWriter(t *testing.T) {
	t.Parallel()
	db := newFakeDB()
	c := New(Options{})
	const paths = 200
	name := func(i int) string { return fmt.Sprintf("folder/%d/file.iso", i) }
	ids := make([]mirror.FileID, paths)
	for i := range paths {
		ids[i] = db.add(name(i), int64(i))
	}
	db.commit()
	mustSync(t, c, db)

	var stop atomic.Bool
	var wg sync.WaitGroup
	for r := range 3 {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(r), 1))
			for !stop.Load() {
				i := rnd.IntN(paths)
				e, res := c.Lookup(name(i))
				if res != Found || e.Size%paths != int64(i) {
					t.Errorf("%s: %+v, %v", name(i), e, res)
					return
				}
			}
		})
	}
	rnd := rand.New(rand.NewPCG(9, 9))
	for round := range 100 {
		for range 50 {
			i := rnd.IntN(paths)
			db.remove(ids[i])
			ids[i] = db.add(name(i), int64(i+paths*(round+1)))
		}
		db.commit()
		mustSync(t, c, db)
	}
	stop.Store(true)
	wg.Wait()
	if c.View().Files() != paths {
		t.Errorf("%d files, want %d", c.View().Files(), paths)
	}
}
