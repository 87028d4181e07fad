package scanner

import (
	"fmt"
	"testing"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/catalog"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// BenchmarkMatch matches a listing of 100,000 files, of which each agrees.
func BenchmarkMatch(b *testing.B) {
	const n = 100_000
	vs := catalog.NewVersions([16]byte{1}, nil)
	entries := make([]listing.Entry, n)
	for i := range n {
		path := fmt.Sprintf("releases/%d.%d/packages/file-%d.rpm", i%7, i%100, i)
		v := mirror.Version{ID: mirror.FileID(i + 1), Size: int64(i), MTime: at + int64(i), Precision: 1, Seen: at}
		vs.Add(path, v)
		entries[i] = listing.Entry{Path: path, SizeMin: v.Size, SizeMax: v.Size, MTime: v.MTime, Precision: 1, Mode: 0o644, HasMode: true}
	}
	vs.Compact()
	for b.Loop() {
		m := newMatcher(benchVersions{vs}, "", nil, nil)
		for i := range entries {
			m.entry(entries[i])
		}
		m.end()
		if m.counts.Held != n {
			b.Fatalf("%+v", m.counts)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/entry")
}

type benchVersions struct{ *catalog.Versions }

func (v benchVersions) Append(dst []mirror.Version, path string) []mirror.Version {
	return v.Lookup(path, dst)
}
