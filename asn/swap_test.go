package asn

import (
	"net/netip"
	"slices"
	"sync"
	"testing"
)

// TestReadersNeverWait swaps tables of many prefixes under readers: each of these
// gets all answers from one whole table, and never has to wait for the next.
func TestReadersNeverWait(t *testing.T) {
	t.Parallel()
	pfx := netip.MustParsePrefix
	build := func(asn uint32) *Table {
		list := []Prefix{{pfx("0.0.0.0/1"), asn}, {pfx("2000::/3"), asn}}
		for i := range 2000 {
			list = append(list, Prefix{netip.PrefixFrom(netip.AddrFrom4([4]byte{1, byte(i >> 8), byte(i), 0}), 24), asn})
		}
		return Build(slices.Values(list))
	}
	var live Live
	live.Store(build(1))
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			four, six := netip.MustParseAddr("1.0.7.9"), netip.MustParseAddr("2001:db8::1")
			for lookups := 0; ; lookups++ {
				select {
				case <-done:
					return
				default:
				}
				table := live.Load()
				_, a, ok1 := table.Lookup(four)
				_, b, ok2 := table.Lookup(six)
				if !ok1 || !ok2 || a != b {
					t.Errorf("%d and %d of one table", a, b)
					return
				}
			}
		})
	}
	for n := range uint32(50) {
		live.Store(build(n + 1))
	}
	close(done)
	wg.Wait()
}
