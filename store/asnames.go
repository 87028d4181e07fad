package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// ASName is what an autonomous system is called, as far as the imported data has
// it. It was written by others.
type ASName struct {
	ASN     uint32
	Name    string
	Country string // two lower-case letters; "" is unknown
}

// ASImport tells of an import of the prefix table. The zero value stands for
// none.
type ASImport struct {
	Generation int64
	Source     string
	At         time.Time
	Prefixes   int64
}

// presentTable are the rows of the prefix table in use.
const presentTable = "generation = (SELECT prefix_generation FROM head)"

// ASNames gives the names of autonomous systems, of those that have one.
func (s *Store) ASNames(ctx context.Context, asns ...uint32) (map[uint32]ASName, error) {
	names := make(map[uint32]ASName, len(asns))
	for chunk := range slices.Chunk(asns, MaxBatch) {
		if err := s.addASNames(ctx, chunk, names); err != nil {
			return nil, fail("reading names of autonomous systems", deadline(ctx, err))
		}
	}
	return names, nil
}

func (s *Store) addASNames(ctx context.Context, asns []uint32, to map[uint32]ASName) error {
	rows, err := s.db.QueryContext(ctx, "SELECT asn, name, country FROM asn_name WHERE "+presentTable+" AND asn IN ("+idList(asns)+")")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var n ASName
		if err := rows.Scan(&n.ASN, &n.Name, &n.Country); err != nil {
			return err
		}
		to[n.ASN] = n
	}
	return rows.Err()
}

// CountASNames is how many names there are.
func (s *Store) CountASNames(ctx context.Context) (n int64, err error) {
	err = s.db.QueryRowContext(ctx, "SELECT count(*) FROM asn_name WHERE "+presentTable).Scan(&n)
	return n, fail("counting names of autonomous systems", deadline(ctx, err))
}

// PrefixesOf gives the prefixes that an autonomous system announces, IPv4
// before IPv6, in order. The whole table is looked at, which takes part of a
// second.
func (s *Store) PrefixesOf(ctx context.Context, asn uint32) ([]netip.Prefix, error) {
	all, err := s.prefixesOf(ctx, asn)
	slices.SortFunc(all, netip.Prefix.Compare)
	return all, fail("reading the prefixes of an autonomous system", deadline(ctx, err))
}

func (s *Store) prefixesOf(ctx context.Context, asn uint32) (all []netip.Prefix, err error) {
	rows, err := s.db.QueryContext(ctx, "SELECT prefix FROM asn_prefix WHERE "+presentTable+" AND asn = $1", int64(asn))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var raw string
		if err := rows.Scan(&raw); err != nil {
			return nil, err
		}
		p, err := netip.ParsePrefix(raw)
		if err != nil {
			return nil, fmt.Errorf("prefix table: %w", err)
		}
		all = append(all, p)
	}
	return all, rows.Err()
}

// ASImport tells of the import that the prefix table in use is from.
func (s *Store) ASImport(ctx context.Context) (i ASImport, err error) {
	var at int64
	err = s.db.QueryRowContext(ctx, "SELECT generation, source, at, prefixes FROM asn_import WHERE "+presentTable).
		Scan(&i.Generation, &i.Source, &at, &i.Prefixes)
	if errors.Is(err, sql.ErrNoRows) {
		return ASImport{}, nil
	}
	i.At = instant(at)
	return i, fail("reading the last import of prefixes", deadline(ctx, err))
}
