package asn

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"strconv"

	"go4.org/netipx"
)

// iptoasn is what iptoasn.com publishes: ranges with their AS, country and
// description, separated by tabs. Its files for IPv4, IPv6 and both look
// alike; in the u32 variant IPv4 addresses are decimal numbers. AS 0 stands
// for networks that nobody announces.
var iptoasn = lineFormat{
	name:    "iptoasn.com",
	example: "192.0.2.0\t192.0.2.255\t64500\tDE\tEXAMPLE",
	parse:   parseIPtoASN,
}

func parseIPtoASN(line []byte, c *collector) error {
	first, rest, ok1 := bytes.Cut(line, []byte("\t"))
	last, rest, ok2 := bytes.Cut(rest, []byte("\t"))
	if !ok1 || !ok2 {
		return badLine("fewer than 3 columns")
	}
	number, rest, _ := bytes.Cut(rest, []byte("\t"))
	from, err := rangeAddr(first)
	if err != nil {
		return err
	}
	to, err := rangeAddr(last)
	if err != nil {
		return err
	}
	r := netipx.IPRangeFrom(from, to)
	if !r.IsValid() {
		return badLine("%v to %v is no range", from, to)
	}
	asn, err := number32(number)
	if err != nil {
		return badLine("%q is no AS number", clip(number))
	}
	if c.names.wants(asn) {
		country, text, _ := bytes.Cut(rest, []byte("\t"))
		c.names.add(asn, string(text), string(country))
	}
	return addRange(r, asn, c)
}

func addRange(r netipx.IPRange, asn uint32, c *collector) error {
	if asn == 0 {
		c.stats.Unrouted++
		return nil
	}
	var room [32]netip.Prefix
	for _, p := range r.AppendPrefixes(room[:0]) {
		if err := c.add(p, asn); err != nil {
			return err
		}
	}
	return nil
}

func rangeAddr(b []byte) (netip.Addr, error) {
	if n, err := strconv.ParseUint(string(b), 10, 32); err == nil {
		var a [4]byte
		binary.BigEndian.PutUint32(a[:], uint32(n))
		return netip.AddrFrom4(a), nil
	}
	a, err := netip.ParseAddr(string(b))
	if err != nil || a.Zone() != "" {
		return netip.Addr{}, badLine("%q is no address", clip(b))
	}
	return a.Unmap(), nil
}
