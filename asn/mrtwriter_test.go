package asn

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

// dump writes MRT files: RFC 6396 and RFC 8050.
type dump struct {
	bytes.Buffer
	sequence uint32
}

// entry is one route of a table: which peer has it, and its path as bgpdump
// prints it.
type entry struct {
	peer int
	path string
}

func (d *dump) record(kind, subtype uint16, body []byte) {
	h := binary.BigEndian.AppendUint32(nil, 1_790_000_000)
	h = binary.BigEndian.AppendUint16(h, kind)
	h = binary.BigEndian.AppendUint16(h, subtype)
	h = binary.BigEndian.AppendUint32(h, uint32(len(body)))
	d.Write(h)
	d.Write(body)
}

// peers writes the table of n peers, whose AS numbers are 1, 2 and so on: every
// second with an IPv6 address, every third with a 16-bit number.
func (d *dump) peers(n int) {
	b := []byte{192, 0, 2, 0, 0, 4, 'v', 'i', 'e', 'w'}
	b = binary.BigEndian.AppendUint16(b, uint16(n))
	for i := range n {
		kind := byte(2)
		if i%3 == 2 {
			kind = 0
		}
		kind |= byte(i % 2)
		b = append(b, kind, 192, 0, 2, byte(i))
		if i%2 == 1 {
			b = append(b, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, byte(i))
		} else {
			b = append(b, 192, 0, 2, byte(i))
		}
		if kind&2 != 0 {
			b = binary.BigEndian.AppendUint32(b, uint32(i+1))
		} else {
			b = binary.BigEndian.AppendUint16(b, uint16(i+1))
		}
	}
	d.record(mrtTableDumpV2, peerIndexTable, b)
}

// rib writes all routes to a prefix.
func (d *dump) rib(tb testing.TB, prefix string, paths bool, entries ...entry) {
	tb.Helper()
	p := netip.MustParsePrefix(prefix)
	subtype := uint16(ribIPv4)
	if p.Addr().Is6() {
		subtype = ribIPv6
	}
	if paths {
		subtype += ribIPv4Paths - ribIPv4
	}
	b := binary.BigEndian.AppendUint32(nil, d.sequence)
	d.sequence++
	b = append(b, byte(p.Bits()))
	b = append(b, p.Addr().AsSlice()[:(p.Bits()+7)/8]...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(entries)))
	for i, e := range entries {
		b = binary.BigEndian.AppendUint16(b, uint16(e.peer))
		b = binary.BigEndian.AppendUint32(b, 1_780_000_000)
		if paths {
			b = binary.BigEndian.AppendUint32(b, uint32(i+1))
		}
		a := attributes(tb, p, e.path, 4)
		b = binary.BigEndian.AppendUint16(b, uint16(len(a)))
		b = append(b, a...)
	}
	d.record(mrtTableDumpV2, subtype, b)
}

// old writes one route as dumps had it before.
func (d *dump) old(tb testing.TB, prefix string, e entry) {
	tb.Helper()
	p := netip.MustParsePrefix(prefix)
	subtype := uint16(tableIPv4)
	peer := []byte{192, 0, 2, byte(e.peer)}
	if p.Addr().Is6() {
		subtype = tableIPv6
		peer = []byte{0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, byte(e.peer)}
	}
	b := binary.BigEndian.AppendUint16(nil, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(d.sequence))
	d.sequence++
	b = append(b, p.Addr().AsSlice()...)
	b = append(b, byte(p.Bits()), 1)
	b = binary.BigEndian.AppendUint32(b, 1_780_000_000)
	b = append(b, peer...)
	b = binary.BigEndian.AppendUint16(b, uint16(e.peer+1))
	a := attributes(tb, p, e.path, 2)
	b = binary.BigEndian.AppendUint16(b, uint16(len(a)))
	b = append(b, a...)
	d.record(mrtTableDump, subtype, b)
}

// attributes writes those of a route. Paths of 16-bit numbers have the longer
// ones in a path beside them.
func attributes(tb testing.TB, p netip.Prefix, path string, size int) []byte {
	tb.Helper()
	b := []byte{0x40, 1, 1, 0} // origin code
	long := encodePath(tb, path, 4)
	value := long
	if size == 2 {
		value = encodePath(tb, path, 2)
	}
	b = append(b, 0x40|extendedLength, attributeASPath)
	b = binary.BigEndian.AppendUint16(b, uint16(len(value)))
	b = append(b, value...)
	if p.Addr().Is4() {
		b = append(b, 0x40, 3, 4, 192, 0, 2, 1)
	} else {
		b = append(b, 0x80, 14, 17, 16, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)
	}
	if size == 2 && bytes.Contains(value, []byte{23456 >> 8, 23456 & 0xff}) {
		b = append(b, 0xc0, attributeAS4Path, byte(len(long)))
		b = append(b, long...)
	}
	return b
}

func encodePath(tb testing.TB, path string, size int) (b []byte) {
	tb.Helper()
	path = strings.NewReplacer("{", " {", "}", "} ", "(", " (", ")", ") ").Replace(path)
	kind, numbers := byte(segmentSequence), []string(nil)
	flush := func() {
		if len(numbers) == 0 {
			return
		}
		b = append(b, kind, byte(len(numbers)))
		for _, text := range numbers {
			n, err := pathNumber([]byte(text))
			if err != nil {
				tb.Fatal(err)
			}
			if size == 4 {
				b = binary.BigEndian.AppendUint32(b, n)
			} else if n > 65535 {
				b = binary.BigEndian.AppendUint16(b, 23456)
			} else {
				b = binary.BigEndian.AppendUint16(b, uint16(n))
			}
		}
		numbers = nil
	}
	for _, word := range strings.FieldsFunc(path, func(r rune) bool { return r == ' ' || r == ',' }) {
		if word[0] == '{' || word[0] == '(' {
			flush()
			kind = map[byte]byte{'{': segmentSet, '(': 3}[word[0]]
		}
		number := strings.Trim(word, "{}()")
		numbers = append(numbers, number)
		if last := word[len(word)-1]; last == '}' || last == ')' {
			flush()
			kind = segmentSequence
		}
	}
	flush()
	return b
}

// inAllRouteFormats writes a table in each format: 1.0.0.0/24 with the paths,
// default routes, and more prefixes: 50 are enough for one that is left out to be
// the exception.
func inAllRouteFormats(tb testing.TB, more int, paths ...string) map[string][]byte {
	tb.Helper()
	table := []struct {
		prefix string
		paths  []string
	}{{"0.0.0.0/0", []string{"1 3320", "2 3321"}}, {"0.0.0.0/1", []string{"1 3320"}}, {"1.0.0.0/24", paths}}
	for i := range more {
		table = append(table, struct {
			prefix string
			paths  []string
		}{fmt.Sprintf("100.64.%d.0/24", i), []string{"1 3320"}})
	}
	var router, lines strings.Builder
	var v2, addPath, old dump
	router.WriteString(prose)
	v2.peers(10)
	addPath.peers(10)
	for _, t := range table {
		var entries []entry
		for i, path := range t.paths {
			fmt.Fprintf(&router, "*  %-16s %-15s %10d %6s %6d %s i\n", t.prefix, "192.0.2.1", 0, "", 0, path)
			fmt.Fprintf(&lines, "TABLE_DUMP2|1790000000|B|192.0.2.%d|%d|%s|%s|IGP|192.0.2.1|0|0||NAG||\n", i, i+1, t.prefix, path)
			entries = append(entries, entry{i, path})
			old.old(tb, t.prefix, entry{i, path})
		}
		v2.rib(tb, t.prefix, false, entries...)
		addPath.rib(tb, t.prefix, true, entries...)
	}
	return map[string][]byte{
		"show ip bgp": []byte(router.String()), "bgpdump": []byte(lines.String()),
		"TABLE_DUMP_V2": v2.Bytes(), "path identifiers": addPath.Bytes(), "TABLE_DUMP": old.Bytes(),
	}
}
