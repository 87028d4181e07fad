package asn

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
)

// Types and subtypes of MRT records: RFC 6396, section 4, and RFC 8050 for those
// with path identifiers (RFC 7911). Routes for multicast say nothing about where
// clients are and are skipped, as are all others.
const (
	mrtTableDump   = 12
	mrtTableDumpV2 = 13
	mrtUpdates     = 16 // BGP4MP
	mrtUpdatesET   = 17

	tableIPv4 = 1
	tableIPv6 = 2

	peerIndexTable  = 1
	ribIPv4         = 2
	ribIPv6         = 4
	ribIPv4Paths    = 8
	ribIPv6Paths    = 10
	highestRIB      = 12
	mrtHeaderLength = 12
)

// maxRecord bounds a record, in bytes: thousands of routes to one prefix fit.
const maxRecord = 16 << 20

// sniffMRT goes by the header of the first record.
func sniffMRT(name string, head []byte) bool {
	if len(head) < mrtHeaderLength || strings.Contains(strings.ToLower(name), ".mmdb") {
		return false
	}
	h := readMRTHeader(head)
	if h.length > maxRecord {
		return false
	}
	switch h.kind {
	case mrtTableDump:
		return h.subtype == tableIPv4 || h.subtype == tableIPv6
	case mrtTableDumpV2:
		return h.subtype >= peerIndexTable && h.subtype <= highestRIB
	case mrtUpdates, mrtUpdatesET:
		return h.subtype <= 11
	}
	return false
}

type mrtHeader struct {
	kind, subtype uint16
	length        uint32
}

func readMRTHeader(b []byte) mrtHeader {
	return mrtHeader{binary.BigEndian.Uint16(b[4:]), binary.BigEndian.Uint16(b[6:]), binary.BigEndian.Uint32(b[8:])}
}

// mrtReader reads the records of a dump, one at a time.
type mrtReader struct {
	c       *collector
	peers   []uint32 // their AS numbers, by index
	updates bool     // there were some
}

func readMRT(r io.Reader, c *collector) error {
	m := mrtReader{c: c}
	var head [mrtHeaderLength]byte
	var body bytes.Buffer
	for n := 1; ; n++ {
		if _, err := io.ReadFull(r, head[:]); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return fmt.Errorf("record %d: its header: %w", n, err)
		}
		h := readMRTHeader(head[:])
		if h.length > maxRecord {
			return fmt.Errorf("record %d: says that it has %d bytes, more than %d", n, h.length, maxRecord)
		}
		body.Reset()
		// The buffer grows with what comes, not with what the header says.
		if got, err := io.Copy(&body, io.LimitReader(r, int64(h.length))); err != nil {
			return fmt.Errorf("record %d: %w", n, err)
		} else if got < int64(h.length) {
			return fmt.Errorf("record %d: %w", n, io.ErrUnexpectedEOF)
		}
		err := m.record(h, body.Bytes())
		if bad, ok := errors.AsType[lineError](err); ok {
			c.stats.Lines++
			c.reject(fmt.Errorf("record %d: %w", n, bad))
		} else if err != nil {
			return fmt.Errorf("record %d: %w", n, err)
		}
	}
	if c.stats.Lines == 0 && m.updates {
		return errors.New("holds updates and no table: a table dump is needed (rib.*, bview.*)")
	}
	return nil
}

// record takes one record. A record that is broken somewhere is a lineError, and
// the routes before that count.
func (m *mrtReader) record(h mrtHeader, body []byte) error {
	b := fieldReader{b: body}
	switch h.kind {
	case mrtTableDump:
		return m.oldRoute(h.subtype, &b)
	case mrtUpdates, mrtUpdatesET:
		m.updates = true
	case mrtTableDumpV2:
		switch h.subtype {
		case peerIndexTable:
			return m.peerTable(&b)
		case ribIPv4, ribIPv6, ribIPv4Paths, ribIPv6Paths:
			return m.rib(&b, h.subtype == ribIPv6 || h.subtype == ribIPv6Paths, h.subtype >= ribIPv4Paths)
		}
	}
	return nil
}

// peerTable is RFC 6396, section 4.3.1.
func (m *mrtReader) peerTable(b *fieldReader) error {
	b.skip(4) // the collector's identifier
	b.skip(int(b.uint16()))
	count := int(b.uint16())
	m.peers = m.peers[:0]
	for range count {
		kind := b.uint8()
		b.skip(4)
		if kind&1 != 0 {
			b.skip(16)
		} else {
			b.skip(4)
		}
		var asn uint32
		if kind&2 != 0 {
			asn = b.uint32()
		} else {
			asn = uint32(b.uint16())
		}
		if b.short {
			return badLine("the table of peers is cut off")
		}
		m.peers = append(m.peers, asn)
	}
	return nil
}

// rib is RFC 6396, sections 4.3.2 and 4.3.4: all routes to a prefix.
func (m *mrtReader) rib(b *fieldReader, six, paths bool) error {
	b.skip(4) // a number
	p, err := b.prefix(six)
	if err != nil {
		return err
	}
	count := int(b.uint16())
	for range count {
		peer := b.uint16()
		b.skip(4) // when it was learned
		if paths {
			b.skip(4)
		}
		attributes := fieldReader{b: b.take(int(b.uint16()))}
		if b.short {
			return badLine("the routes to %v are cut off", p)
		}
		m.c.stats.Lines++
		own := uint32(0)
		if int(peer) < len(m.peers) {
			own = m.peers[peer]
		}
		if err := m.route(p, &attributes, 4, own, uint64(peer)+1); err != nil {
			return err
		}
	}
	return nil
}

// oldRoute is RFC 6396, section 4.2: one route, with a path of 16-bit numbers.
func (m *mrtReader) oldRoute(subtype uint16, b *fieldReader) error {
	if subtype != tableIPv4 && subtype != tableIPv6 {
		return nil
	}
	size := 4
	if subtype == tableIPv6 {
		size = 16
	}
	b.skip(4) // view and number
	addr, _ := netip.AddrFromSlice(b.take(size))
	bits := int(b.uint8())
	b.skip(1 + 4) // status, when it was learned
	peer := b.take(size)
	own := uint32(b.uint16())
	attributes := fieldReader{b: b.take(int(b.uint16()))}
	if b.short {
		return badLine("is cut off")
	}
	p, ok := canonical(netip.PrefixFrom(addr, bits))
	if !ok {
		return badLine("%d is no prefix length for %v", bits, addr)
	}
	m.c.stats.Lines++
	return m.route(p, &attributes, 2, own, peerKey(peer))
}

// route takes a route with its attributes, in whose path numbers have size
// bytes. A path that cannot be read is the route's fault alone.
func (m *mrtReader) route(p netip.Prefix, attributes *fieldReader, size int, own uint32, peer uint64) error {
	asn, ok, err := mrtOrigin(attributes, size)
	if err != nil {
		m.c.reject(fmt.Errorf("a route to %v: %w", p, err))
		return nil
	}
	if !ok {
		asn = own
	}
	return m.c.route(p, asn, peer)
}
