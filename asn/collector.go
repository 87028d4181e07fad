package asn

import (
	"errors"
	"fmt"
	"net/netip"
)

const (
	// maxPrefixes bounds the memory that a file can make us take. The whole
	// Internet has 1.3 million prefixes, iptoasn.com's ranges make a few more.
	maxPrefixes = 10_000_000

	// maxBadShare is the share of lines that may be unreadable, in per cent.
	// Above it the file is not what it seems to be.
	maxBadShare = 1

	// leakShare is the share of lines with private AS numbers (of prefixes, where
	// each has many lines), in per cent, up to which they are leaks in a table of the public Internet. Above it the
	// file describes a network of one's own, and they are meant.
	leakShare = 5
)

// collector gathers the prefixes of one file, so that nothing of it is used
// before all of it has been found good.
type collector struct {
	rows    rows
	table   *Table   // of the rows, once the file has ended
	private []Prefix // with private AS numbers, until their share is known
	votes   votes    // of tables with several routes to a prefix
	counted int      // prefixes that were voted on
	names   namer
	stats   Stats
	bad     error // the first line that could not be read
}

// add takes one prefix with the AS numbers that announce it, in the order of
// the file. It fails when the file holds too many.
func (c *collector) add(p netip.Prefix, asns ...uint32) error {
	pfx, ok := canonical(p)
	if !ok || len(asns) == 0 {
		return nil // parsers let nothing such through
	}
	if pfx.Bits() == 0 {
		c.stats.Default++
		return nil
	}
	asn, kind := choose(asns)
	switch kind {
	case unrouted:
		c.stats.Unrouted++
	case reserved:
		c.stats.Reserved++
	case private:
		c.private = append(c.private, Prefix{pfx, asn})
	case public:
		c.rows.add(pfx, asn)
	}
	if c.rows.len()+len(c.private) > maxPrefixes {
		return fmt.Errorf("more than %d prefixes", maxPrefixes)
	}
	return nil
}

// reject counts a line that could not be read.
func (c *collector) reject(err error) {
	c.stats.Bad++
	if c.bad == nil {
		c.bad = err
	}
}

// finish decides whether the file as a whole can be used.
func (c *collector) finish() error {
	s := &c.stats
	if err := c.count(); err != nil {
		return err
	}
	if s.Lines == 0 {
		return errors.New("holds no data: an AS table is expected")
	}
	if s.Bad*100 > s.Lines*maxBadShare {
		return fmt.Errorf("%d of %d lines cannot be read, the first: %w", s.Bad, s.Lines, c.bad)
	}
	prefixes := s.Lines
	if c.counted > 0 {
		prefixes = c.counted
	}
	meant := len(c.private)*100 > prefixes*leakShare
	if meant {
		for _, p := range c.private {
			c.rows.add(p.Prefix, p.ASN)
		}
	} else {
		s.Reserved += len(c.private)
	}
	c.private = nil
	c.table, s.Duplicates = newTable(c.rows)
	c.rows = c.table.rows
	if meant {
		s.Private = c.rows.count(private)
	}
	s.IPv4, s.IPv6 = len(c.rows.four), len(c.rows.six)
	s.Names = c.names.finish()
	if s.Prefixes = c.table.Len(); s.Prefixes == 0 && s.Names == 0 {
		return fmt.Errorf("holds no prefix that could be used (%v)", *s)
	}
	return nil
}

// number is what kind of AS number something is, from the least to the most
// useful.
type number uint8

const (
	unrouted number = iota // 0: RFC 7607, "not announced" in tables
	reserved               // AS_TRANS (RFC 6793), 65535 and 4294967295 (RFC 7300)
	private                // private use (RFC 6996) and documentation (RFC 5398)
	public
)

func kindOf(asn uint32) number {
	switch {
	case asn == 0:
		return unrouted
	case asn == 23456, asn == 65535, asn == 4294967295:
		return reserved
	case asn >= 64496 && asn <= 65551, asn >= 4200000000:
		return private
	}
	return public
}

// choose takes the first of the most useful kind that is there.
func choose(asns []uint32) (asn uint32, kind number) {
	asn, kind = asns[0], kindOf(asns[0])
	for _, n := range asns[1:] {
		if k := kindOf(n); k > kind {
			asn, kind = n, k
		}
	}
	return asn, kind
}
