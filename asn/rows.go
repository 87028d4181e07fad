package asn

import (
	"cmp"
	"encoding/binary"
	"net/netip"
	"slices"
)

// key is an address as a number: of IPv4 the top 32 bits.
type key struct{ hi, lo uint64 }

func keyOf(a netip.Addr) key {
	if a.Is4() {
		b := a.As4()
		return key{hi: uint64(binary.BigEndian.Uint32(b[:])) << 32}
	}
	b := a.As16()
	return key{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

func (k key) addr(six bool) netip.Addr {
	if !six {
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], uint32(k.hi>>32))
		return netip.AddrFrom4(b)
	}
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], k.hi)
	binary.BigEndian.PutUint64(b[8:], k.lo)
	return netip.AddrFrom16(b)
}

func (k key) compare(o key) int {
	return cmp.Or(cmp.Compare(k.hi, o.hi), cmp.Compare(k.lo, o.lo))
}

// next is the first address after a prefix that begins at k; ok is false where
// there is none.
func (k key) next(bits uint8) (n key, ok bool) {
	switch {
	case bits == 0:
		return n, false
	case bits <= 64:
		n.hi = k.hi + 1<<(64-bits)
		return n, n.hi != 0
	}
	n = key{k.hi, k.lo + 1<<(128-bits)}
	if n.lo == 0 {
		n.hi++
	}
	return n, n != key{}
}

// row4 and row6 are prefixes in little room.
type row4 struct {
	addr, asn uint32
	bits      uint8
}

type row6 struct {
	addr key
	asn  uint32
	bits uint8
}

func (r row4) key() key { return key{hi: uint64(r.addr) << 32} }

func (r row4) order(o row4) int {
	return cmp.Or(cmp.Compare(r.addr, o.addr), cmp.Compare(r.bits, o.bits))
}

func (r row6) order(o row6) int {
	return cmp.Or(r.addr.compare(o.addr), cmp.Compare(r.bits, o.bits))
}

// rows are the prefixes of a table that is about to be built.
type rows struct {
	four []row4
	six  []row6
}

// add takes a prefix in its canonical form.
func (r *rows) add(p netip.Prefix, asn uint32) {
	k, bits := keyOf(p.Addr()), uint8(p.Bits())
	if p.Addr().Is4() {
		r.four = append(r.four, row4{uint32(k.hi >> 32), asn, bits})
	} else {
		r.six = append(r.six, row6{k, asn, bits})
	}
}

func (r *rows) len() int { return len(r.four) + len(r.six) }

// count gives how many have an AS number of a kind.
func (r *rows) count(kind number) (n int) {
	for _, row := range r.four {
		if kindOf(row.asn) == kind {
			n++
		}
	}
	for _, row := range r.six {
		if kindOf(row.asn) == kind {
			n++
		}
	}
	return n
}

// sort puts the rows in order, and leaves the first of those with one prefix. It
// reports how many others there were.
func (r *rows) sort() (duplicates int) {
	before := r.len()
	r.four = sorted(r.four, row4.order)
	r.six = sorted(r.six, row6.order)
	return before - r.len()
}

func sorted[R any](list []R, order func(a, b R) int) []R {
	if !slices.IsSortedFunc(list, order) { // files mostly are
		slices.SortStableFunc(list, order)
	}
	list = slices.CompactFunc(list, func(a, b R) bool { return order(a, b) == 0 })
	return slices.Clone(list) // without the room it grew into
}
