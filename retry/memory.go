// Package retry remembers for seconds which mirrors a client was sent to for a
// file, so that a client that comes back gets another: whoever asks for the same
// file again has mostly not got it.
//
// Nothing here tells who asked: an entry is found by a hash with a key that is
// drawn when the process starts, and holds no more than a part of that hash.
package retry

import (
	"encoding/binary"
	"hash/maphash"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

const (
	slotBits = 14
	// Most is how many of the mirrors a client was given are remembered.
	Most = 3
	// patience: a client that makes many requests, but lets at least this time
	// pass between them, is trying again. Fleets behind one address and downloads
	// in segments are quicker.
	patience = time.Second
)

// MaxWindow is the longest window that the table's clock can measure.
const MaxWindow = 24 * time.Hour

// Memory is a table of a fixed size (256 KiB). Whoever comes takes the slot of
// whoever was there: what is lost by that is a chance to escape, and two clients
// that are taken for one cost a needless other mirror. It may be used by any
// number of goroutines, none of which waits.
type Memory struct {
	seed  maphash.Seed
	slots [1 << slotBits]slot
}

// slot is an entry of two words. They are not written at once: a reader that
// sees one of each of two entries errs as with a collision.
type slot struct {
	// who has a part of the hash in its upper half, and in its lower when the
	// client last asked, in milliseconds modulo 2^32.
	who atomic.Uint64
	// given has how many requests came in the window, up to many, in its lowest
	// bits, then the mirrors, the latest first, in idBits each.
	given atomic.Uint64
}

const (
	countBits = 2
	many      = 1<<countBits - 1 // three requests before this one, or more
	idBits    = 20
	maxID     = 1<<idBits - 2 // of the mirrors that are remembered; far more than there ever are
)

// New makes an empty memory with a key of its own.
func New() *Memory { return &Memory{seed: maphash.MakeSeed()} }

// Visit is a client that asks for a file. The zero value is nobody, of whom
// nothing is known or remembered.
type Visit struct {
	hash   uint64
	now    uint32        // milliseconds
	window time.Duration // 0: nobody
}

// Visit gives the visit of a client at now, in nanoseconds since the Unix epoch.
// Clients with IPv6 addresses are told apart by their /64. window is for how long
// it is remembered, up to MaxWindow; 0, and an address that is not valid: nobody.
func (m *Memory) Visit(addr netip.Addr, file mirror.FileID, now int64, window time.Duration) Visit {
	if !addr.IsValid() || window <= 0 {
		return Visit{}
	}
	var key [13]byte
	if addr = addr.Unmap(); addr.Is4() {
		a := addr.As4()
		copy(key[:], a[:])
		key[12] = 4
	} else {
		a := addr.As16()
		copy(key[:8], a[:8])
		key[12] = 6
	}
	binary.LittleEndian.PutUint32(key[8:12], uint32(file))
	return Visit{
		hash: maphash.Bytes(m.seed, key[:]), now: uint32(uint64(now / int64(time.Millisecond))), window: min(window, MaxWindow),
	}
}

func (m *Memory) slot(v Visit) *slot { return &m.slots[v.hash&(1<<slotBits-1)] }

// read gives what is remembered of the visit's client, and how long ago it last
// asked; false: nothing that is not older than the window.
func (s *slot) read(v Visit) (given uint64, ago time.Duration, ok bool) {
	who := s.who.Load()
	if who == 0 || uint32(who>>32) != v.mark() {
		return 0, 0, false
	}
	passed := int32(v.now - uint32(who))
	if passed < 0 && passed > -1000 { // another request of the same moment was quicker
		passed = 0
	}
	ago = time.Duration(passed) * time.Millisecond
	return s.given.Load(), ago, passed >= 0 && ago < v.window
}

// mark is the part of the hash that is kept.
func (v Visit) mark() uint32 { return uint32(v.hash>>32) | 1 } // never 0, which is an empty slot

// Tried appends the mirrors to skip for a visit, the latest last: those that
// the client was given already, at its second and third request within the
// window. One with more requests is taken for several clients, or for one that
// fetches a file in parts, and skips none; unless it waited before this request.
func (m *Memory) Tried(v Visit, list []mirror.ID) []mirror.ID {
	if v.window == 0 {
		return list
	}
	given, ago, ok := m.slot(v).read(v)
	if !ok || given&many == many && ago < patience {
		return list
	}
	from := len(list)
	for ids := given >> countBits; ids != 0; ids >>= idBits { // the latest is lowest
		if id := ids & (1<<idBits - 1); id != 0 {
			list = append(list, mirror.ID(id-1))
		}
	}
	slices.Reverse(list[from:])
	return list
}

// Note remembers that a visit's client was sent to a mirror.
func (m *Memory) Note(v Visit, to mirror.ID) {
	if v.window == 0 {
		return
	}
	s := m.slot(v)
	before, _, ok := s.read(v)
	if !ok {
		before = 0
	}
	count := min(before&many+1, many)
	ids := before >> countBits << idBits // the oldest falls out at the top
	if to >= 0 && to <= maxID {
		ids |= uint64(to) + 1
	}
	ids &= 1<<(Most*idBits) - 1
	s.given.Store(ids<<countBits | count)
	s.who.Store(uint64(v.mark())<<32 | uint64(v.now))
}
