package asn

import (
	"bytes"
	"net/netip"
	"strconv"
)

// pfx2as is CAIDA's RouteViews prefix-to-AS mapping: address, length and
// origins, separated by tabs. Prefixes with several origins have "1_2", AS
// sets "1,2".
var pfx2as = lineFormat{
	name:    "CAIDA pfx2as",
	example: "192.0.2.0\t24\t64500",
	parse:   parsePfx2as,
}

func parsePfx2as(line []byte, c *collector) error {
	f, n := fields(line)
	if n != 3 {
		return badLine("%d columns instead of 3", n)
	}
	addr, err := netip.ParseAddr(string(f[0]))
	if err != nil {
		return badLine("%q is no address", clip(f[0]))
	}
	bits, err := strconv.ParseUint(string(f[1]), 10, 8)
	if err != nil {
		return badLine("%q is no prefix length", clip(f[1]))
	}
	p, err := parsePrefix(addr, int(bits))
	if err != nil {
		return err
	}
	return addOrigins(p, f[2], c)
}

// prefixList is what people write by hand and what pyasn keeps: a prefix and
// its AS.
var prefixList = lineFormat{
	name:    "prefix list",
	example: "192.0.2.0/24\t64500",
	parse:   parsePrefixList,
}

func parsePrefixList(line []byte, c *collector) error {
	f, n := fields(line)
	if n != 2 {
		return badLine("%d columns instead of 2", n)
	}
	p, err := netip.ParsePrefix(string(f[0]))
	if err != nil {
		return badLine("%q is no prefix", clip(f[0]))
	}
	if p, err = parsePrefix(p.Addr(), p.Bits()); err != nil {
		return err
	}
	return addOrigins(p, f[1], c)
}

func addOrigins(p netip.Prefix, text []byte, c *collector) error {
	var room [4]uint32
	asns, err := origins(text, room[:0])
	if err != nil {
		return err
	}
	if len(asns) > 1 {
		c.stats.MultiOrigin++
	}
	return c.add(p, asns...)
}

// fields splits a line of up to four columns at tabs and spaces. n is the
// number of columns, 4 meaning four or more.
func fields(line []byte) (f [4][]byte, n int) {
	for n < len(f) {
		line = bytes.TrimLeft(line, "\t ")
		if len(line) == 0 {
			break
		}
		end := bytes.IndexAny(line, "\t ")
		if end < 0 {
			end = len(line)
		}
		f[n], line = line[:end], line[end:]
		n++
	}
	return f, n
}
