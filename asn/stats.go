package asn

import (
	"fmt"
	"strings"
)

// Stats says what a file held and what was left out of it.
type Stats struct {
	Format   string // what it was read as: "CAIDA pfx2as", "iptoasn.com", "mmdb", "MRT" and others
	Lines    int    // lines with data; networks of an mmdb; routes of an MRT dump or a router's table
	Prefixes int    // prefixes yielded
	IPv4     int    // of these
	IPv6     int    // of these
	Names    int    // AS numbers with a name

	// What was left out.
	Bad        int // lines that could not be read
	Unrouted   int // lines with AS 0: nobody announces the network
	Reserved   int // lines whose AS numbers are reserved or private only
	Default    int // default routes
	Duplicates int // prefixes that were there already; the first counts

	// MultiOrigin counts prefixes with several AS numbers, of which the first that
	// is usable was taken; in tables of routes that which most peers see.
	MultiOrigin int
	// Private counts prefixes with private AS numbers that were kept, because
	// the file holds so many of them that it must be meant so.
	Private int
}

// String gives one line for people.
func (s Stats) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d prefixes (%d IPv4, %d IPv6) from %d lines", s.Format, s.Prefixes, s.IPv4, s.IPv6, s.Lines)
	sep := "; left out: "
	for _, part := range []struct {
		n    int
		what string
	}{
		{s.Unrouted, "not announced"},
		{s.Reserved, "with reserved AS numbers"},
		{s.Default, "default routes"},
		{s.Duplicates, "duplicates"},
		{s.Bad, "unreadable"},
	} {
		if part.n > 0 {
			fmt.Fprintf(&b, "%s%d %s", sep, part.n, part.what)
			sep = ", "
		}
	}
	if s.MultiOrigin > 0 {
		fmt.Fprintf(&b, "; %d announced by several", s.MultiOrigin)
	}
	if s.Names > 0 {
		fmt.Fprintf(&b, "; %d names", s.Names)
	}
	if s.Private > 0 {
		fmt.Fprintf(&b, "; %d with private AS numbers", s.Private)
	}
	return b.String()
}
