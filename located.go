package mirrorbrain

import (
	"encoding/binary"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/asn"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/geoip"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// locator remembers where clients are: those who fetch one file often fetch
// the next one at once, and reading the mmdb file is a good part of what a
// redirect costs. An address has one slot, and takes it from whoever has it.
type locator struct {
	slots [1 << 12]atomic.Pointer[located]
}

// located is a client as some version of the data had it.
type located struct {
	mirror.Client
	data geodata
}

// geodata tells versions of the data apart.
type geodata struct {
	prefixes         *asn.Table
	rules            *geoip.Rules
	places, networks time.Time // when the files were read
}

func (in *instance) geodata() (g geodata) {
	g.prefixes = in.db.prefixes.Load()
	g.rules = in.geoRules(in.db.catalog.View())
	if in.places != nil {
		g.places = in.places.Info().Loaded
	}
	if in.networks != nil {
		g.networks = in.networks.Info().Loaded
	}
	return g
}

// locate finds out what is known about an address, which must be unmapped and
// without a zone.
func (in *instance) locate(addr netip.Addr) mirror.Client {
	if !addr.IsValid() {
		return mirror.Client{}
	}
	slot, now := in.locator.slot(addr), in.geodata()
	if c := slot.Load(); c != nil && c.Addr == addr && c.data == now {
		return c.Client
	}
	c := &located{Client: now.rules.Client(addr, in.find(addr)), data: now}
	slot.Store(c)
	return c.Client
}

// find asks the data.
func (in *instance) find(addr netip.Addr) mirror.Client {
	c := mirror.Client{Addr: addr}
	if in.places != nil {
		c.Place, _ = in.places.Lookup(addr)
	}
	var ok bool
	if c.Prefix, c.ASN, ok = in.db.prefixes.Lookup(addr); !ok && in.networks != nil {
		c.ASN, c.Prefix, _ = in.networks.Lookup(addr)
	}
	return c
}

func (l *locator) slot(addr netip.Addr) *atomic.Pointer[located] {
	b := addr.As16()
	h := binary.LittleEndian.Uint64(b[:8])*0x9e3779b97f4a7c15 ^ binary.LittleEndian.Uint64(b[8:])
	h *= 0xbf58476d1ce4e5b9 // so that the top bits depend on all
	return &l.slots[h>>52]
}
