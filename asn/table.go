package asn

import (
	"iter"
	"net/netip"
	"sync/atomic"

	"github.com/gaissmai/bart"
)

// Prefix says that an AS announces a prefix.
type Prefix struct {
	Prefix netip.Prefix // masked; IPv4 as IPv4, never mapped into IPv6
	ASN    uint32       // never 0
}

// Table finds the longest prefix that contains an address. It does not change
// once it is built and may be read by any number of goroutines. The zero value
// and a nil Table know no prefix.
type Table struct {
	bart bart.Table[uint32]
}

// Build makes a table. Of prefixes that appear twice the first counts; invalid
// ones and AS 0 are left out. A million prefixes take some 40 MB and half a
// second.
func Build(prefixes iter.Seq[Prefix]) *Table {
	t := new(Table)
	for p := range prefixes {
		t.add(p)
	}
	return t
}

// add reports whether p was new.
func (t *Table) add(p Prefix) bool {
	pfx, ok := canonical(p.Prefix)
	if !ok || p.ASN == 0 {
		return false
	}
	if _, exists := t.bart.Get(pfx); exists {
		return false
	}
	t.bart.Insert(pfx, p.ASN)
	return true
}

// Lookup gives the longest prefix that contains addr and the AS that announces
// it, without allocating. Zones are ignored and mapped IPv4 addresses are
// looked up as IPv4.
func (t *Table) Lookup(addr netip.Addr) (prefix netip.Prefix, asn uint32, ok bool) {
	if t == nil || !addr.IsValid() {
		return netip.Prefix{}, 0, false
	}
	addr = addr.Unmap().WithZone("")
	return t.bart.LookupPrefixLPM(netip.PrefixFrom(addr, addr.BitLen()))
}

// Get gives the AS that announces exactly this prefix.
func (t *Table) Get(prefix netip.Prefix) (asn uint32, ok bool) {
	if t == nil {
		return 0, false
	}
	p, ok := canonical(prefix)
	if !ok {
		return 0, false
	}
	return t.bart.Get(p)
}

// Len is the number of prefixes.
func (t *Table) Len() int {
	if t == nil {
		return 0
	}
	return t.bart.Size()
}

// All goes through the prefixes in order, IPv4 before IPv6.
func (t *Table) All() iter.Seq[Prefix] {
	return func(yield func(Prefix) bool) {
		if t == nil {
			return
		}
		for pfx, asn := range t.bart.AllSorted() {
			if !yield(Prefix{Prefix: pfx, ASN: asn}) {
				return
			}
		}
	}
}

// Live holds the table in use, for those who look up while others replace it.
// The zero value holds an empty table.
type Live struct {
	p atomic.Pointer[Table]
}

// Load gives the table in use; nil, which is an empty table, before the first
// Store.
func (l *Live) Load() *Table { return l.p.Load() }

// Store puts t in the place of the table in use.
func (l *Live) Store(t *Table) { l.p.Store(t) }

// Lookup looks addr up in the table in use, as Table.Lookup does.
func (l *Live) Lookup(addr netip.Addr) (prefix netip.Prefix, asn uint32, ok bool) {
	return l.p.Load().Lookup(addr)
}

// canonical brings a prefix into the one form that tables hold: masked, and
// IPv4 as IPv4.
func canonical(p netip.Prefix) (netip.Prefix, bool) {
	if !p.IsValid() {
		return netip.Prefix{}, false
	}
	if p.Addr().Is4In6() {
		if p.Bits() < 96 {
			return netip.Prefix{}, false
		}
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked(), true
}
