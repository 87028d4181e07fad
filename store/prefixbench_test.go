package store

import (
	"encoding/binary"
	"net/netip"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/pgtest"
)

// BenchmarkASTable replaces the prefix table, with a tenth as many names, and
// reads it as a node does; STORE_BENCH_PREFIXES sets its size.
func BenchmarkASTable(b *testing.B) {
	prefixes := 20_000
	if n, err := strconv.Atoi(os.Getenv("STORE_BENCH_PREFIXES")); err == nil {
		prefixes = n
	}
	table := ASTable{
		Source: "bench",
		Prefixes: func(yield func(Prefix) error) error {
			for i := range uint32(prefixes) {
				var a [4]byte
				binary.BigEndian.PutUint32(a[:], i<<8)
				if err := yield(Prefix{netip.PrefixFrom(netip.AddrFrom4(a), 24), i}); err != nil {
					return err
				}
			}
			return nil
		},
		Names: func(yield func(ASName) error) error {
			for i := range uint32(prefixes / 10) {
				if err := yield(ASName{i + 1, "EXAMPLE-AS Example Ltd", "de"}); err != nil {
					return err
				}
			}
			return nil
		},
	}
	for name, url := range map[string]func() string{
		"sqlite":   func() string { return sqliteURL(b.TempDir() + "/b.db") },
		"postgres": func() string { return pgtest.New(b) },
	} {
		b.Run(name, func(b *testing.B) {
			s, err := Open(url(), Options{})
			if err == nil {
				err = s.Prepare(b.Context())
			}
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			var writing, reading time.Duration
			for b.Loop() {
				start := time.Now()
				if _, err := s.ReplaceASTable(b.Context(), table); err != nil {
					b.Fatal(err)
				}
				writing += time.Since(start)
				start = time.Now()
				n := 0
				err := s.Read(b.Context(), func(snap *Snapshot) error {
					return snap.Prefixes(func(Prefix) error { n++; return nil })
				})
				if err != nil || n != prefixes {
					b.Fatal(n, err)
				}
				reading += time.Since(start)
			}
			b.ReportMetric(writing.Seconds()/float64(b.N), "s/write")
			b.ReportMetric(reading.Seconds()/float64(b.N), "s/read")
		})
	}
}
