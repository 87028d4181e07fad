package geotest

import "encoding/binary"

// Endless gives an mmdb file of a few hundred bytes whose search tree has 2^128
// ways through it, none of which leads to data: both records of each node lead
// to the next one. Nothing about it is broken otherwise.
func Endless() []byte {
	const nodes = 128
	var tree []byte
	for i := 1; i <= nodes; i++ { // the last one leads to node number nodes: no data
		tree = appendNode(tree, i, i)
	}
	return assemble(tree, nodes, 6, []byte{0xe0})
}

// Unfolding gives an AS database of a few hundred bytes with one network, whose
// AS number is a map of two maps of two maps, and so on, 2^60 in all: each is
// written once and pointed to twice.
func Unfolding() []byte {
	data := []byte{0xe0}
	below := 0
	pointer := func(to int) []byte { return []byte{0x20 | byte(to>>8), byte(to)} }
	for range 60 {
		at := len(data)
		data = append(data, 0xe2)
		for _, key := range "ab" {
			data = append(append(data, 0x41, byte(key)), pointer(below)...)
		}
		below = at
	}
	record := len(data)
	data = append(append(data, "\xe1\x43asn"...), pointer(below)...)
	const nodes = 1
	return assemble(appendNode(nil, nodes+16+record, nodes), nodes, 4, data)
}

// appendNode appends a node with records of 24 bits.
func appendNode(b []byte, left, right int) []byte {
	for _, n := range []int{left, right} {
		b = append(b, binary.BigEndian.AppendUint32(nil, uint32(n))[1:]...)
	}
	return b
}

// assemble puts the parts of an mmdb file together.
func assemble(tree []byte, nodes, ipVersion byte, data []byte) []byte {
	b := append(append(tree, make([]byte, 16)...), data...)
	b = append(b, "\xab\xcd\xefMaxMind.com"...)
	b = append(b, 0xe0|9)
	for _, f := range []struct {
		name  string
		value []byte
	}{
		{"binary_format_major_version", []byte{0xa1, 2}},
		{"binary_format_minor_version", []byte{0xa0}},
		{"build_epoch", []byte{0x01, 0x02, 1}},
		{"database_type", []byte("\x44Test")},
		{"description", []byte{0xe0}},
		{"ip_version", []byte{0xa1, ipVersion}},
		{"languages", []byte{0x00, 0x04}},
		{"node_count", []byte{0xc1, nodes}},
		{"record_size", []byte{0xa1, 24}},
	} {
		b = append(append(b, 0x40|byte(len(f.name))), f.name...)
		b = append(b, f.value...)
	}
	return b
}
