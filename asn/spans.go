package asn

import "slices"

// origin is who announces the addresses of a span, and by which length of
// prefix; the zero value: nobody.
type origin struct {
	asn  uint32
	bits uint8
}

// Of nested prefixes only the narrowest counts for an address. So the prefixes
// of a family are laid out as spans that do not overlap, each reaching to where
// the next begins: a lookup then touches one or two lines of memory instead of
// one or two for each level of a tree, and waiting for memory is all that it
// costs. The beginnings are apart from the rest, since only they are searched.
type (
	spans4 struct {
		starts  []uint32
		origins []origin
		index   []uint32 // by the first 16 bits of an address: where to search
	}
	spans6 struct {
		starts  []key
		origins []origin
		index   []uint32
	}
)

// span is one that flatten makes.
type span struct {
	start key
	origin
}

// flatten calls emit for each span in order. prefix gives the i-th of n prefixes
// in order. Spans at one start replace each other; the last counts.
func flatten(n int, prefix func(i int) span, emit func(span)) {
	var open []span // the prefixes that contain the present one
	closeUntil := func(before func(end key) bool) {
		for len(open) > 0 {
			last := open[len(open)-1]
			end, ok := last.start.next(last.bits)
			if !ok || !before(end) {
				return // !ok: it reaches to the last address, as do those around it
			}
			open = open[:len(open)-1]
			outer := origin{}
			if len(open) > 0 {
				outer = open[len(open)-1].origin
			}
			emit(span{end, outer})
		}
	}
	for i := range n {
		p := prefix(i)
		closeUntil(func(end key) bool { return end.compare(p.start) <= 0 })
		emit(p)
		open = append(open, p)
	}
	closeUntil(func(key) bool { return true })
}

func newSpans4(rows []row4) (s spans4) {
	flatten(len(rows), func(i int) span { return span{rows[i].key(), origin{rows[i].asn, rows[i].bits}} }, func(p span) {
		start := uint32(p.start.hi >> 32)
		if n := len(s.starts); n > 0 && s.starts[n-1] == start {
			s.origins[n-1] = p.origin
			return
		}
		s.starts, s.origins = append(s.starts, start), append(s.origins, p.origin)
	})
	s.starts, s.origins = slices.Clone(s.starts), slices.Clone(s.origins) // without the room they grew into
	s.index = index(len(s.starts), func(i int) uint16 { return uint16(s.starts[i] >> 16) })
	return s
}

func newSpans6(rows []row6) (s spans6) {
	flatten(len(rows), func(i int) span { return span{rows[i].addr, origin{rows[i].asn, rows[i].bits}} }, func(p span) {
		if n := len(s.starts); n > 0 && s.starts[n-1] == p.start {
			s.origins[n-1] = p.origin
			return
		}
		s.starts, s.origins = append(s.starts, p.start), append(s.origins, p.origin)
	})
	s.starts, s.origins = slices.Clone(s.starts), slices.Clone(s.origins) // without the room they grew into
	s.index = index(len(s.starts), func(i int) uint16 { return uint16(s.starts[i].hi >> 48) })
	return s
}

// leastIndexed is how many spans are worth an index, which takes 256 KiB.
const leastIndexed = 4096

// index gives for each value of the first 16 bits the first span that begins
// with it or later; one more entry is the end. It is nil for few spans.
func index(n int, first func(i int) uint16) (all []uint32) {
	if n < leastIndexed {
		return nil
	}
	all = make([]uint32, 0, 1<<16+1)
	for i, v := 0, 0; v <= 1<<16; v++ {
		for i < n && int(first(i)) < v {
			i++
		}
		all = append(all, uint32(i))
	}
	return all
}

// within16 gives which of n spans begin with the same 16 bits.
func within16(index []uint32, n int, bits uint64) (low, high int) {
	if index == nil {
		return 0, n
	}
	return int(index[bits]), int(index[bits+1])
}

// find gives the span of an address: the last that begins at it or before.
func (s *spans4) find(addr uint32) origin {
	low, high := within16(s.index, len(s.starts), uint64(addr>>16))
	for low < high {
		if mid := int(uint(low+high) >> 1); s.starts[mid] <= addr {
			low = mid + 1
		} else {
			high = mid
		}
	}
	if low == 0 {
		return origin{}
	}
	return s.origins[low-1]
}

func (s *spans6) find(addr key) origin {
	low, high := within16(s.index, len(s.starts), addr.hi>>48)
	for low < high {
		mid := int(uint(low+high) >> 1)
		if k := &s.starts[mid]; k.hi < addr.hi || k.hi == addr.hi && k.lo <= addr.lo {
			low = mid + 1
		} else {
			high = mid
		}
	}
	if low == 0 {
		return origin{}
	}
	return s.origins[low-1]
}
