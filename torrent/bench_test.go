package torrent

import "testing"

func BenchmarkFile(b *testing.B) {
	s, sources, o := sample("x y.iso", 64<<15), places(100), full()
	b.ReportAllocs()
	for b.Loop() {
		File(s, sources, o)
	}
}

func BenchmarkMagnet(b *testing.B) {
	s, sources, o := sample("x y.iso", 64<<15), places(100), full()
	b.ReportAllocs()
	for b.Loop() {
		Magnet(s, sources, o)
	}
}
