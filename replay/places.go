package replay

import (
	"hash/maphash"
	"net/netip"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// places remembers where clients are: each address has one slot, which it shares
// with others.
type places struct {
	locate func(netip.Addr) mirror.Client
	seed   maphash.Seed
	slots  []mirror.Client
}

// placeSlots are a few megabytes.
const placeSlots = 1 << 15

func newPlaces(locate func(netip.Addr) mirror.Client) places {
	return places{locate: locate, seed: maphash.MakeSeed(), slots: make([]mirror.Client, placeSlots)}
}

func (p *places) find(addr netip.Addr) mirror.Client {
	if !addr.IsValid() || p.locate == nil {
		return mirror.Client{Addr: addr}
	}
	slot := &p.slots[maphash.Comparable(p.seed, addr)%placeSlots]
	if slot.Addr != addr {
		*slot = p.locate(addr)
		slot.Addr = addr
	}
	return *slot
}
