package asn

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"testing"
)

// slowTable is the golden model: every prefix is looked at.
type slowTable []Prefix

func (s slowTable) lookup(addr netip.Addr) (best Prefix, ok bool) {
	addr = addr.Unmap().WithZone("")
	for _, p := range s {
		if p.Prefix.Contains(addr) && (!ok || p.Prefix.Bits() > best.Prefix.Bits()) {
			best, ok = p, true
		}
	}
	return best, ok
}

func TestTableAgreesWithSlowModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 7))
		prefixes := randomPrefixes(random, 300)
		table := Build(slices.Values(prefixes))
		for range 500 {
			addr := randomAddr(random, prefixes)
			want, wantOK := slowTable(prefixes).lookup(addr)
			prefix, asn, ok := table.Lookup(addr)
			if ok != wantOK || prefix != want.Prefix || asn != want.ASN {
				t.Fatalf("seed %d: Lookup(%v) = %v, %d, %v; want %v, %v", seed, addr, prefix, asn, ok, want, wantOK)
			}
		}
	}
}

func TestTableForms(t *testing.T) {
	t.Parallel()
	pfx := netip.MustParsePrefix
	table := Build(slices.Values([]Prefix{
		{pfx("192.0.2.0/24"), 1},
		{pfx("192.0.2.0/24"), 2}, // the first counts
		{pfx("192.0.2.77/25"), 3},
		{pfx("::ffff:198.51.100.0/120"), 4},
		{pfx("2001:db8::/32"), 5},
		{pfx("203.0.113.0/24"), 0},
		{netip.Prefix{}, 6},
		{pfx("::/8"), 7},
	}))
	if table.Len() != 5 {
		t.Errorf("Len() = %d, want 5", table.Len())
	}
	for _, test := range []struct {
		addr, prefix string
		asn          uint32
	}{
		{"192.0.2.1", "192.0.2.0/25", 3},
		{"192.0.2.200", "192.0.2.0/24", 1},
		{"::ffff:192.0.2.200", "192.0.2.0/24", 1},
		{"198.51.100.9", "198.51.100.0/24", 4},
		{"2001:db8::1%eth0", "2001:db8::/32", 5},
		{"203.0.113.1", "", 0},
		{"::1", "::/8", 7},
	} {
		prefix, asn, ok := table.Lookup(netip.MustParseAddr(test.addr))
		if asn != test.asn || ok != (asn != 0) || ok && prefix.String() != test.prefix {
			t.Errorf("Lookup(%s) = %v, %d, %v; want %s, %d", test.addr, prefix, asn, ok, test.prefix, test.asn)
		}
	}
	if _, _, ok := table.Lookup(netip.Addr{}); ok {
		t.Error("the zero address was found")
	}
}

func TestEmptyTables(t *testing.T) {
	t.Parallel()
	addr := netip.MustParseAddr("192.0.2.1")
	for name, table := range map[string]*Table{"nil": nil, "zero": new(Table), "built": Build(slices.Values([]Prefix(nil)))} {
		if _, _, ok := table.Lookup(addr); ok || table.Len() != 0 {
			t.Errorf("%s: holds something", name)
		}
		for p := range table.All() {
			t.Errorf("%s: yields %v", name, p)
		}
	}
	var live Live
	if _, _, ok := live.Lookup(addr); ok {
		t.Error("an empty Live finds something")
	}
}

func TestAllIsSorted(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	prefixes := randomPrefixes(random, 500)
	got := slices.Collect(Build(slices.Values(prefixes)).All())
	if len(got) != len(prefixes) {
		t.Fatalf("%d prefixes, want %d", len(got), len(prefixes))
	}
	if !slices.IsSortedFunc(got, func(a, b Prefix) int {
		if a.Prefix.Addr().Is4() != b.Prefix.Addr().Is4() {
			return a.Prefix.Addr().BitLen() - b.Prefix.Addr().BitLen()
		}
		return a.Prefix.Compare(b.Prefix)
	}) {
		t.Error("not sorted")
	}
}

// TestLive replaces the table while others read it: each answer must be that
// of one of the tables.
func TestLive(t *testing.T) {
	t.Parallel()
	pfx, addr := netip.MustParsePrefix("192.0.2.0/24"), netip.MustParseAddr("192.0.2.1")
	var live Live
	live.Store(Build(slices.Values([]Prefix{{pfx, 1}})))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 10_000 {
				if prefix, asn, ok := live.Lookup(addr); !ok || prefix != pfx || asn < 1 || asn > 100 {
					t.Errorf("Lookup = %v, %d, %v", prefix, asn, ok)
					return
				}
			}
		})
	}
	for n := range uint32(100) {
		live.Store(Build(slices.Values([]Prefix{{pfx, n + 1}})))
	}
	wg.Wait()
	if live.Load().Len() != 1 {
		t.Error("Load gives another table")
	}
}

func TestLookupDoesNotAllocate(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	prefixes := randomPrefixes(random, 1000)
	var live Live
	live.Store(Build(slices.Values(prefixes)))
	addrs := make([]netip.Addr, 100)
	for i := range addrs {
		addrs[i] = randomAddr(random, prefixes)
	}
	addrs[0] = netip.MustParseAddr("::ffff:192.0.2.1")
	if n := testing.AllocsPerRun(100, func() {
		for _, a := range addrs {
			live.Lookup(a)
		}
	}); n != 0 {
		t.Errorf("%v allocations for %d lookups", n, len(addrs))
	}
}

// randomPrefixes gives distinct prefixes of all lengths, many within another.
func randomPrefixes(random *rand.Rand, n int) []Prefix {
	seen := map[netip.Prefix]bool{}
	var list []Prefix
	for len(list) < n {
		v6 := random.IntN(2) == 0
		p := randomPrefix(random, v6, 1, 24+random.IntN(9))
		if len(list) > 0 && random.IntN(2) == 0 {
			outer := list[random.IntN(len(list))].Prefix
			p = netip.PrefixFrom(within(random, outer), min(outer.Bits()+random.IntN(9), outer.Addr().BitLen())).Masked()
		}
		if seen[p] {
			continue
		}
		seen[p] = true
		list = append(list, Prefix{p, 1 + random.Uint32N(1000)})
	}
	return list
}

func randomPrefix(random *rand.Rand, v6 bool, shortest, longest int) netip.Prefix {
	bits := shortest + random.IntN(longest-shortest+1)
	if !v6 {
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], random.Uint32())
		return netip.PrefixFrom(netip.AddrFrom4(b), bits).Masked()
	}
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], random.Uint64())
	b[0] = 0x20 | b[0]&0x1f
	return netip.PrefixFrom(netip.AddrFrom16(b), bits).Masked()
}

// randomAddr gives an address within one of the prefixes, or anywhere.
func randomAddr(random *rand.Rand, prefixes []Prefix) netip.Addr {
	a := within(random, prefixes[random.IntN(len(prefixes))].Prefix)
	switch random.IntN(4) {
	case 0:
		return within(random, netip.PrefixFrom(a, 0))
	case 1:
		return netip.AddrFrom16(a.As16()) // IPv4 mapped into IPv6
	}
	return a
}

func within(random *rand.Rand, p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := range b {
		noise := byte(random.Uint32())
		switch keep := p.Bits() - 8*i; {
		case keep >= 8:
		case keep <= 0:
			b[i] = noise
		default:
			b[i] |= noise >> keep
		}
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// TestLargeTableAgreesWithSlowModel is about tables that are large enough for an
// index. Their prefixes are close together, so that the model need not look at all.
func TestLargeTableAgreesWithSlowModel(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(21, 22))
	var prefixes []Prefix
	byFirst := map[[2]byte]slowTable{} // by the first 16 bits
	first := func(a netip.Addr) [2]byte { return [2]byte(a.AsSlice()) }
	for range 4 * leastIndexed {
		six := random.IntN(2) == 0
		p := Prefix{randomPrefix(random, six, 17, 32), 1 + random.Uint32N(1000)}
		if slices.ContainsFunc(byFirst[first(p.Prefix.Addr())], func(o Prefix) bool { return o.Prefix == p.Prefix }) {
			continue
		}
		prefixes = append(prefixes, p)
		byFirst[first(p.Prefix.Addr())] = append(byFirst[first(p.Prefix.Addr())], p)
	}
	table := Build(slices.Values(prefixes))
	if table.four.index == nil || table.six.index == nil {
		t.Fatal("the table has no index")
	}
	for range 50_000 {
		addr := randomAddr(random, prefixes)
		want, wantOK := byFirst[first(addr.Unmap())].lookup(addr)
		if prefix, asn, ok := table.Lookup(addr); ok != wantOK || prefix != want.Prefix || asn != want.ASN {
			t.Fatalf("Lookup(%v) = %v, %d, %v; want %v, %v", addr, prefix, asn, ok, want, wantOK)
		}
	}
	for _, p := range prefixes {
		if asn, ok := table.Get(p.Prefix); !ok || asn != p.ASN {
			t.Fatalf("Get(%v) = %d, %v; want %d", p.Prefix, asn, ok, p.ASN)
		}
	}
	if _, ok := table.Get(netip.MustParsePrefix("10.0.0.0/8")); ok {
		t.Error("a prefix that is not there was got")
	}
}
