package asn

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

// lengths are how many of a thousand announced prefixes have each length, as
// public reports of the Internet's table have them, roughly.
var (
	lengths4 = map[int]int{24: 612, 23: 105, 22: 112, 21: 52, 20: 45, 19: 26, 18: 14, 17: 8, 16: 14, 15: 3, 14: 3, 13: 2, 12: 2, 11: 1, 10: 1}
	lengths6 = map[int]int{48: 470, 47: 40, 46: 50, 45: 30, 44: 90, 42: 25, 40: 95, 38: 10, 36: 40, 33: 12, 32: 115, 29: 23}
)

// internet gives a table of the Internet's size: a million prefixes of IPv4
// within the space that is given out, and a quarter of that of IPv6, most of
// them close to others, as networks are divided.
var internet = sync.OnceValue(func() []Prefix {
	random := rand.New(rand.NewPCG(1, 1))
	seen := make(map[netip.Prefix]bool, 1_250_000)
	prefixes := make([]Prefix, 0, 1_250_000)
	fill := func(n int, six bool, lengths map[int]int) {
		var choices []int
		for _, bits := range slices.Sorted(func(yield func(int) bool) {
			for bits := range lengths {
				if !yield(bits) {
					return
				}
			}
		}) {
			choices = append(choices, slices.Repeat([]int{bits}, lengths[bits])...)
		}
		near := netip.Prefix{}
		for have := 0; have < n; {
			bits := choices[random.IntN(len(choices))]
			p := randomPrefix(random, six, bits, bits)
			if near.IsValid() && near.Bits() < bits && random.IntN(3) > 0 {
				p = netip.PrefixFrom(within(random, near), bits).Masked()
			}
			if first := p.Addr().As16()[12]; !six && (first == 0 || first >= 224 || first == 10 || first == 127) || seen[p] {
				near = netip.Prefix{}
				continue
			}
			if !near.IsValid() || random.IntN(30) == 0 {
				near = netip.PrefixFrom(p.Addr(), max(bits-12, 8+16*b2i(six))).Masked()
			}
			seen[p], have = true, have+1
			prefixes = append(prefixes, Prefix{p, 1 + random.Uint32N(400_000)})
		}
	}
	fill(1_000_000, false, lengths4)
	fill(250_000, true, lengths6)
	return prefixes
})

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// BenchmarkBuild builds a table of the Internet's size: a million prefixes of
// IPv4 and a quarter of that of IPv6.
func BenchmarkBuild(b *testing.B) {
	prefixes := internet()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var table *Table
	for b.Loop() {
		table = Build(slices.Values(prefixes))
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric((float64(after.HeapAlloc)-float64(before.HeapAlloc))/(1<<20), "MiB")
	b.ReportMetric(float64(table.Len()), "prefixes")
	runtime.KeepAlive(prefixes)
}

func BenchmarkLookup(b *testing.B) {
	prefixes := internet()
	table := Build(slices.Values(prefixes))
	random := rand.New(rand.NewPCG(9, 9))
	for _, family := range []string{"v4", "v6"} {
		addrs := make([]netip.Addr, 0, 1<<16)
		for len(addrs) < cap(addrs) {
			p := prefixes[random.IntN(len(prefixes))].Prefix
			if p.Addr().Is4() == (family == "v4") {
				addrs = append(addrs, within(random, p))
			}
		}
		b.Run(family, func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				table.Lookup(addrs[i&(len(addrs)-1)])
				i++
			}
		})
	}
}

// BenchmarkHot looks one address up again and again, and a few.
func BenchmarkHot(b *testing.B) {
	table := Build(slices.Values(internet()))
	addr := internet()[1000].Prefix.Addr()
	for b.Loop() {
		table.Lookup(addr)
	}
}

// BenchmarkParse reads tables of the Internet's size, and dumps with the routes of
// forty peers for a fiftieth of it.
func BenchmarkParse(b *testing.B) {
	prefixes := internet()
	var pfx2as, tsv, router strings.Builder
	var mrt dump
	mrt.peers(40)
	for i, p := range prefixes {
		fmt.Fprintf(&pfx2as, "%s\t%d\t%d\n", p.Prefix.Addr(), p.Prefix.Bits(), p.ASN)
		fmt.Fprintf(&tsv, "%s\t%s\t%d\tUS\tNAME-%d\n", p.Prefix.Addr(), lastOf(p.Prefix), p.ASN, p.ASN)
		if i%50 != 0 {
			continue
		}
		var entries []entry
		for peer := range 40 {
			path := fmt.Sprintf("%d 3356 1299 %d", peer+1, p.ASN)
			entries = append(entries, entry{peer, path})
			if p.Prefix.Addr().Is4() {
				fmt.Fprintf(&router, "*  %-16s %-15s %10d %6d %6d %s i\n", p.Prefix, "192.0.2.1", 0, 0, 0, path)
			}
		}
		mrt.rib(b, p.Prefix.String(), false, entries...)
	}
	for _, test := range []struct {
		name    string
		content []byte
	}{
		{"pfx2as", []byte(pfx2as.String())},
		{"iptoasn", []byte(tsv.String())},
		{"router", []byte(router.String())},
		{"MRT", mrt.Bytes()},
	} {
		b.Run(test.name, func(b *testing.B) {
			b.SetBytes(int64(len(test.content)))
			b.ReportAllocs()
			for b.Loop() {
				d, err := parse("x", bytes.NewReader(test.content))
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(d.Stats.Lines), "lines")
			}
		})
	}
}

func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := range b {
		if keep := p.Bits() - 8*i; keep <= 0 {
			b[i] = 0xff
		} else if keep < 8 {
			b[i] |= 0xff >> keep
		}
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}
