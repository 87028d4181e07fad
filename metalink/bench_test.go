package metalink

import "testing"

func BenchmarkV4(b *testing.B) {
	s, sources, o := sample(), places(100), full()
	buf := AppendV4(nil, s, sources, o)
	b.SetBytes(int64(len(buf)))
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendV4(buf[:0], s, sources, o)
	}
}

func BenchmarkV3(b *testing.B) {
	s, sources, o := sample(), places(100), full()
	buf := AppendV3(nil, s, sources, o)
	b.SetBytes(int64(len(buf)))
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendV3(buf[:0], s, sources, o)
	}
}
