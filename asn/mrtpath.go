package asn

import (
	"encoding/binary"
	"hash/maphash"
	"net/netip"
)

// Attributes of routes and segments of paths: RFC 4271, section 4.3, RFC 6793
// for the paths of 32-bit numbers beside those of 16 bits, and RFC 5065 for
// confederations, whose segments never count.
const (
	attributeASPath  = 2
	attributeAS4Path = 17
	extendedLength   = 0x10

	segmentSet      = 1
	segmentSequence = 2
)

// mrtOrigin finds who announced a route. ok is false where the path is empty.
func mrtOrigin(attributes *fieldReader, size int) (asn uint32, ok bool, err error) {
	var path, path4 []byte
	for len(attributes.b) > 0 {
		flags, kind := attributes.uint8(), attributes.uint8()
		var length int
		if flags&extendedLength != 0 {
			length = int(attributes.uint16())
		} else {
			length = int(attributes.uint8())
		}
		value := attributes.take(length)
		if attributes.short {
			return 0, false, badLine("its attributes are cut off")
		}
		switch kind {
		case attributeASPath:
			path = value
		case attributeAS4Path:
			path4 = value
		}
	}
	best, length, err := segments(path, size)
	if err == nil && size == 2 && path4 != nil {
		// Its end is that of the path, unless somebody in between has cut the
		// path alone (RFC 6793, section 4.2.3).
		if best4, length4, err := segments(path4, 4); err == nil && best4.any && length4 <= length {
			best = best4
		}
	}
	return best.asn, best.any, err
}

// segments goes through a path and gives its origin, as pathOrigin does, and
// how many numbers it has, a set being one.
func segments(path []byte, size int) (origin originChoice, length int, err error) {
	b := fieldReader{b: path}
	var before originChoice // the last of the sequence before a set
	for len(b.b) > 0 {
		kind, count := b.uint8(), int(b.uint8())
		numbers := b.take(count * size)
		if b.short {
			return origin, 0, badLine("its path is cut off")
		}
		if count == 0 {
			continue
		}
		switch kind {
		case segmentSet:
			length++
			origin = originChoice{}
			for n := range count {
				origin.take(asNumber(numbers[n*size:], size))
			}
			if before.any {
				origin.take(before.asn)
			}
		case segmentSequence:
			length += count
			before = originChoice{}
			before.take(asNumber(numbers[len(numbers)-size:], size))
			origin = before
		}
	}
	return origin, length, nil
}

func asNumber(b []byte, size int) uint32 {
	if size == 2 {
		return uint32(binary.BigEndian.Uint16(b))
	}
	return binary.BigEndian.Uint32(b)
}

var peerSeed = maphash.MakeSeed()

// peerKey makes a number, which is not 0, of a peer's address.
func peerKey(addr []byte) uint64 { return max(1, maphash.Bytes(peerSeed, addr)) }

// fieldReader takes fields off a record. Beyond its end they are 0, and short is
// set.
type fieldReader struct {
	b     []byte
	short bool
}

func (f *fieldReader) take(n int) []byte {
	if n > len(f.b) {
		f.b, f.short = nil, true
		return nil
	}
	taken := f.b[:n]
	f.b = f.b[n:]
	return taken
}

func (f *fieldReader) skip(n int) { f.take(n) }

func (f *fieldReader) uint8() byte {
	if b := f.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (f *fieldReader) uint16() uint16 {
	if b := f.take(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (f *fieldReader) uint32() uint32 {
	if b := f.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

// prefix takes a prefix as RFC 4271, section 4.3 has it: bits beyond the length
// mean nothing.
func (f *fieldReader) prefix(six bool) (netip.Prefix, error) {
	var room [16]byte
	size := 4
	if six {
		size = 16
	}
	bits := int(f.uint8())
	if bits > 8*size {
		return netip.Prefix{}, badLine("a prefix has the length %d", bits)
	}
	copy(room[:], f.take((bits+7)/8))
	if f.short {
		return netip.Prefix{}, badLine("a prefix is cut off")
	}
	addr, _ := netip.AddrFromSlice(room[:size])
	p, ok := canonical(netip.PrefixFrom(addr, bits))
	if !ok {
		return netip.Prefix{}, badLine("%v/%d is no prefix", addr, bits)
	}
	return p, nil
}
