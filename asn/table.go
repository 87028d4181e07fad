package asn

import (
	"iter"
	"net/netip"
	"slices"
	"sync/atomic"
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
	rows rows // in order, each prefix once
	four spans4
	six  spans6
}

// Build makes a table. Of prefixes that appear twice the first counts; invalid
// ones and AS 0 are left out. A million prefixes take some 40 MB and about a
// second.
func Build(prefixes iter.Seq[Prefix]) *Table {
	var r rows
	for p := range prefixes {
		if pfx, ok := canonical(p.Prefix); ok && p.ASN != 0 {
			r.add(pfx, p.ASN)
		}
	}
	t, _ := newTable(r)
	return t
}

// newTable also tells how many prefixes were there already.
func newTable(r rows) (t *Table, duplicates int) {
	duplicates = r.sort()
	return &Table{rows: r, four: newSpans4(r.four), six: newSpans6(r.six)}, duplicates
}

// Lookup gives the longest prefix that contains addr and the AS that announces
// it, without allocating. Zones are ignored and mapped IPv4 addresses are
// looked up as IPv4.
func (t *Table) Lookup(addr netip.Addr) (prefix netip.Prefix, asn uint32, ok bool) {
	if t == nil || !addr.IsValid() {
		return netip.Prefix{}, 0, false
	}
	addr = addr.Unmap().WithZone("")
	var o origin
	if k := keyOf(addr); addr.Is4() {
		o = t.four.find(uint32(k.hi >> 32))
	} else {
		o = t.six.find(k)
	}
	if o.asn == 0 {
		return netip.Prefix{}, 0, false
	}
	prefix, _ = addr.Prefix(int(o.bits)) // bits are those of a prefix
	return prefix, o.asn, true
}

// Get gives the AS that announces exactly this prefix.
func (t *Table) Get(prefix netip.Prefix) (asn uint32, ok bool) {
	p, ok := canonical(prefix)
	if t == nil || !ok {
		return 0, false
	}
	k, bits := keyOf(p.Addr()), uint8(p.Bits())
	if p.Addr().Is4() {
		i, ok := slices.BinarySearchFunc(t.rows.four, row4{addr: uint32(k.hi >> 32), bits: bits}, row4.order)
		if !ok {
			return 0, false
		}
		return t.rows.four[i].asn, true
	}
	i, ok := slices.BinarySearchFunc(t.rows.six, row6{addr: k, bits: bits}, row6.order)
	if !ok {
		return 0, false
	}
	return t.rows.six[i].asn, true
}

// Len is the number of prefixes.
func (t *Table) Len() int {
	if t == nil {
		return 0
	}
	return t.rows.len()
}

// All goes through the prefixes in order, IPv4 before IPv6.
func (t *Table) All() iter.Seq[Prefix] {
	return func(yield func(Prefix) bool) {
		if t == nil {
			return
		}
		for _, r := range t.rows.four {
			if !yield(Prefix{netip.PrefixFrom(r.key().addr(false), int(r.bits)), r.asn}) {
				return
			}
		}
		for _, r := range t.rows.six {
			if !yield(Prefix{netip.PrefixFrom(r.addr.addr(true), int(r.bits)), r.asn}) {
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
