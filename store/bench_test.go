package store

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"testing"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/pgtest"
)

// BenchmarkFiles reads the whole index; STORE_BENCH_FILES sets its size.
func BenchmarkFiles(b *testing.B) {
	files := 20_000
	if n, err := strconv.Atoi(os.Getenv("STORE_BENCH_FILES")); err == nil {
		files = n
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
			l, err := s.Acquire(b.Context(), "index", "bench", 1e12)
			for at := 0; at < files && err == nil; at += MaxBatch {
				var batch IndexBatch
				for i := at; i < min(at+MaxBatch, files); i++ {
					batch.Add = append(batch.Add, NewFile{Path: fmt.Sprintf("repositories/project%d/x86_64/package-%d.rpm", i/40, i), Size: int64(i), Precision: 1})
				}
				_, err = s.ApplyIndex(b.Context(), l, batch)
			}
			if err == nil {
				err = s.FinishIndex(b.Context(), l, Origin{}, IndexStats{})
			}
			if err != nil {
				b.Fatal(err)
			}
			runtime.GC()
			b.ReportAllocs()
			for b.Loop() {
				n := 0
				err := s.Read(b.Context(), func(snap *Snapshot) error {
					return snap.Files(0, func(FileRow) error { n++; return nil })
				})
				if err != nil || n != files {
					b.Fatal(n, err)
				}
			}
			b.ReportMetric(float64(files)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
