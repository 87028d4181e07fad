package redirector

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"strings"

	"github.com/dchest/siphash"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// Lot says what the order of those who share the requests hangs on. In all cases
// their shares of many requests are in proportion to their weights.
type Lot uint8

// The lots.
const (
	LotChance        Lot = iota // drawn anew for each request
	LotFile                     // by the file: one of few orders, drawn for each request
	LotClient                   // by the client and the time
	LotFileAndClient            // by the file: one of few orders, by the client and the time
)

// String says it in a few words.
func (l Lot) String() string {
	switch l {
	case LotChance:
		return "by chance"
	case LotFile:
		return "by the file"
	case LotClient:
		return "by the client"
	case LotFileAndClient:
		return "by the file and the client"
	}
	return fmt.Sprintf("lot(%d)", uint8(l))
}

// hashes reports whether anything is chosen by hash under this policy.
func (p *Policy) hashes() bool { return p.Affinity.Copies > 0 || p.Sticky > 0 }

// fate is what hangs on hashes in the choice for one request.
type fate struct {
	lot    Lot
	file   uint64 // of LotFile and LotFileAndClient: the hash of file or folder
	client uint64 // of LotClient and LotFileAndClient: that of client and time
	copies int    // how many orders there are; 1 without affinity
}

// fateOf works out the hashes of a request. name is memory to use.
func (s *Set) fateOf(r *request, name *[]byte) fate {
	f := fate{copies: 1}
	a := &s.policy.Affinity
	if a.Copies > 0 && r.size >= a.MinSize {
		f.lot, f.copies = LotFile, a.Copies
		f.file = s.fileHash(r, name)
	}
	if s.policy.Sticky > 0 && r.addr.IsValid() {
		f.lot += LotClient
		f.client = s.clientHash(r, name)
	}
	return f
}

// fileHash is the hash of what keeps a file with its mirrors: its path, so that
// its next version stays where it is, or its folder's; the number of the version
// where the path is not known.
func (s *Set) fileHash(r *request, name *[]byte) uint64 {
	b := (*name)[:0]
	switch {
	case r.path == "":
		b = binary.BigEndian.AppendUint64(append(b, 'i'), uint64(r.file))
	case r.size < s.policy.Affinity.FolderBelow:
		b = append(append(b, 'd'), r.path[:max(strings.LastIndexByte(r.path, '/'), 0)]...)
	default:
		b = append(append(b, 'f'), r.path...)
	}
	*name = b
	return keyedHash(s.policy.Key, b)
}

// clientHash is the hash of a client's IPv4 address, or the /64 of its IPv6
// address (a household has that many, and changes the rest by itself), and of
// the time: in cells that begin at another time for each client, so that not all
// move on at once.
func (s *Set) clientHash(r *request, name *[]byte) uint64 {
	b := (*name)[:0]
	if r.addr.Is4() {
		addr := r.addr.As4()
		b = append(append(b, '4'), addr[:]...)
	} else {
		addr := r.addr.As16()
		b = append(append(b, '6'), addr[:8]...)
	}
	*name = b
	client := keyedHash(s.policy.Key, b)
	length := uint64(s.policy.Sticky)
	offset, _ := bits.Mul64(mix(client), length)
	cell := (uint64(r.now) + offset) / length
	return mix(client + cell*golden)
}

// seed gives the seed of one of the orders of f.
func (f *fate) seed(order int) uint64 {
	if f.lot == LotClient {
		return f.client
	}
	return mix(f.file + uint64(order+1)*golden)
}

// order says which of its orders a client's hash picks.
func (f *fate) order() int {
	hi, _ := bits.Mul64(mix(f.client), uint64(f.copies))
	return int(hi)
}

// orders gives the first order that this request may get and the one after the
// last; every one is as likely.
func (f *fate) orders() (from, to int) {
	if f.lot == LotFileAndClient {
		return f.order(), f.order() + 1
	}
	return 0, f.copies
}

// settle works out, once per request, what its draws hang on.
func (t *table) settle() {
	f := t.s.fateOf(&t.r, &t.d.scratch.name)
	t.lot = f.lot
	if f.lot == LotChance {
		return
	}
	order, to := f.orders()
	if n := to - order; n > 1 {
		order += int(t.rnd.Uint64N(uint64(n)))
	}
	t.seed = f.seed(order)
}

// seedsOf gives each mirror's part in the race, see arrival. It hangs on nothing
// but the mirror's number, so that mirrors come and go without any effect on
// the others.
func seedsOf(mirrors []*mirror.Mirror, key [16]byte) []uint64 {
	seeds := make([]uint64, len(mirrors))
	for i, m := range mirrors {
		seeds[i] = keyedHash(key, binary.BigEndian.AppendUint64([]byte{'m'}, uint64(m.ID)))
	}
	return seeds
}

// keyedHash is SipHash-2-4: nobody without the key can tell which files or
// clients share a mirror.
func keyedHash(key [16]byte, b []byte) uint64 {
	return siphash.Hash(binary.LittleEndian.Uint64(key[:8]), binary.LittleEndian.Uint64(key[8:]), b)
}
