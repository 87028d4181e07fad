package asn

import (
	"bytes"
	"net/netip"
	"strings"
)

// bgpdump is what `bgpdump -m` and `-M` make of a table dump, one route in each
// line: kind, time, "B", address and AS of the peer, prefix, AS path, origin
// code, and more that does not matter here.
var bgpdump = lineFormat{
	name:    "bgpdump",
	example: "TABLE_DUMP2|1790000000|B|192.0.2.1|64496|198.51.100.0/24|64496 64500|IGP",
	parse:   parseBGPdump,
}

func parseBGPdump(line []byte, c *collector) error {
	var f [7][]byte
	for i := range f {
		var ok bool
		if f[i], line, ok = bytes.Cut(line, []byte("|")); !ok && i < len(f)-1 {
			return badLine("%d columns instead of 7 or more", i+1)
		}
	}
	switch kind := string(f[0]); {
	case strings.HasPrefix(kind, "BGP4MP"):
		return badLine("is an update and not of a table")
	case !strings.HasPrefix(kind, "TABLE_DUMP"), string(f[2]) != "B":
		return badLine("is not of a table dump")
	}
	p, err := netip.ParsePrefix(string(f[5]))
	if err != nil {
		return badLine("%q is no prefix", clip(f[5]))
	}
	if p, err = parsePrefix(p.Addr(), p.Bits()); err != nil {
		return err
	}
	asn, ok, err := pathOrigin(f[6])
	if err != nil {
		return err
	}
	if !ok { // the peer's own
		if asn, err = pathNumber(f[4]); err != nil {
			return err
		}
	}
	return c.route(p, asn, peerKey(f[3]))
}
