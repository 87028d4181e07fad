package catalog

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// benchFiles is how many files the benchmarks have: ten million with
// MIRRORBRAIN_BENCH_FILES=10000000, by default fewer, for a quick look.
func benchFiles(b *testing.B) int {
	b.Helper()
	if s := os.Getenv("MIRRORBRAIN_BENCH_FILES"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			b.Fatal(err)
		}
		return n
	}
	return 200_000
}

func benchPath(i int) string {
	return "debian/pool/main/p/package-" + strconv.Itoa(i/20) + "/package_" + strconv.Itoa(i) + "_amd64.deb"
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// hugeSnapshot makes its rows up.
type hugeSnapshot struct {
	fakeSnapshot
	n, changed int
}

func (s *hugeSnapshot) FileCount() (int64, error) { return int64(s.n), nil }

func (s *hugeSnapshot) row(i int) FileRow {
	return FileRow{
		Version: mirror.Version{ID: mirror.FileID(i + 1), Size: int64(i) * 1000, MTime: int64(i) * 1e9, Precision: 1, Seen: int64(i)},
		Path:    []byte(benchPath(i)),
	}
}

func (s *hugeSnapshot) Files(since int64, fn func(FileRow) error) error {
	if since == 0 {
		for i := range s.n {
			if err := fn(s.row(i)); err != nil {
				return err
			}
		}
		return nil
	}
	// Every change replaces some files.
	for i := range s.changed {
		at := int(uint64(i+int(since)*s.changed) * 7919 % uint64(s.n))
		old, now := s.row(at), s.row(at)
		old.Gone = 1
		now.ID += mirror.FileID(s.n)
		for _, r := range []FileRow{old, now} {
			if err := fn(r); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *hugeSnapshot) Versions(fn func(FileRow, []AltMTime) error) error {
	return s.Files(0, func(r FileRow) error { return fn(r, nil) })
}

func (s *hugeSnapshot) Holdings(since int64, fn func(Holdings) error) error {
	if since > 0 {
		return nil
	}
	for id := range 200 {
		b := roaring.New()
		rnd := rand.New(rand.NewPCG(uint64(id), 1))
		for from := 0; from < s.n; from += 1000 {
			if rnd.IntN(10) < 6 {
				b.AddRange(uint64(from), uint64(from+900+rnd.IntN(100)))
			}
		}
		if err := fn(Holdings{Mirror: mirror.ID(id + 1), Held: b}); err != nil {
			return err
		}
	}
	return nil
}

func newHuge(n int) *hugeSnapshot {
	s := &hugeSnapshot{n: n, changed: 10_000, fakeSnapshot: fakeSnapshot{fakeState: newFakeDB().fakeState}}
	for id := range 200 {
		s.mirrors[mirror.ID(id+1)] = fakeMirror{m: mirror.Mirror{ID: mirror.ID(id + 1), Name: fmt.Sprint("m", id)}, rev: 1}
	}
	return s
}

func loadHuge(b *testing.B, s *hugeSnapshot) *Catalog {
	b.Helper()
	c := New(Options{})
	r := reader{base: c.View(), progress: func(time.Duration) {}}
	u, err := r.read(s)
	if err != nil {
		b.Fatal(err)
	}
	c.publish(c.View(), u.view(c.View(), nil), time.Now())
	return c
}

// BenchmarkCatalog has its parts share one catalog, which takes a while to make.
func BenchmarkCatalog(b *testing.B) {
	n := benchFiles(b)
	s := newHuge(n)
	before := heap()
	start := time.Now()
	c := loadHuge(b, s)
	took := time.Since(start)
	perFile := float64(heap()-before) / float64(n)
	b.Logf("%d files and 200 mirrors: read in %v, %.1f bytes of heap per file, 2^%d shards", n, took, perFile, c.View().files.bits)

	b.Run("Lookup", func(b *testing.B) {
		b.ReportAllocs()
		paths := make([]string, 1<<16)
		rnd := rand.New(rand.NewPCG(1, 1))
		for i := range paths {
			paths[i] = benchPath(rnd.IntN(n))
		}
		i := 0
		defer cpuTime(b)()
		for b.Loop() {
			if _, res := c.Lookup(paths[i&(1<<16-1)]); res != Found {
				b.Fatal("not found")
			}
			i++
		}
	})
	b.Run("Miss", func(b *testing.B) {
		paths := make([]string, 1<<16)
		for i := range paths {
			paths[i] = benchPath(i*100) + ".gone"
		}
		i := 0
		defer cpuTime(b)()
		for b.Loop() {
			if _, res := c.Lookup(paths[i&(1<<16-1)]); res == Found {
				b.Fatal("found")
			}
			i++
		}
	})
	b.Run("Delta10k", func(b *testing.B) {
		defer cpuTime(b)()
		for b.Loop() {
			s.head = Head{Revision: s.head.Revision + 1, Stamp: 1}
			s.history = []Head{c.View().head}
			r := reader{base: c.View(), progress: func(time.Duration) {}}
			u, err := r.read(s)
			if err != nil || u.kind != change {
				b.Fatal(err, u.kind)
			}
			c.publish(c.View(), u.view(c.View(), nil), time.Now())
		}
	})
	path := filepath.Join(b.TempDir(), "catalog")
	b.Run("Save", func(b *testing.B) {
		defer cpuTime(b)()
		for b.Loop() {
			if err := c.Save(path); err != nil {
				b.Fatal(err)
			}
		}
		info, err := os.Stat(path)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(info.Size())/float64(n), "bytes/file")
	})
	b.Run("Load", func(b *testing.B) {
		defer cpuTime(b)()
		for b.Loop() {
			if err := New(Options{}).Load(path); err != nil {
				b.Fatal(err)
			}
		}
	})
	runtime.KeepAlive(c)
}

func BenchmarkVersions(b *testing.B) {
	n := benchFiles(b)
	before := heap()
	start := time.Now()
	v, err := LoadVersions(b.Context(), newHuge(n))
	if err != nil {
		b.Fatal(err)
	}
	took := time.Since(start)
	b.Logf("%d versions: read in %v, %.1f bytes of heap per version", n, took, float64(heap()-before)/float64(n))
	var buf []mirror.Version
	i := 0
	rnd := rand.New(rand.NewPCG(1, 1))
	paths := make([]string, 1<<16)
	for i := range paths {
		paths[i] = benchPath(rnd.IntN(n))
	}
	defer cpuTime(b)()
	for b.Loop() {
		if buf = v.Lookup(paths[i&(1<<16-1)], buf[:0]); len(buf) != 1 {
			b.Fatal(len(buf))
		}
		i++
	}
}
