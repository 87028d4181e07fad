package mirrorlist

import (
	"io"
	"testing"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/page"
)

func BenchmarkJSON(b *testing.B) {
	f := many()
	buf := f.AppendJSON(nil, false)
	b.SetBytes(int64(len(buf)))
	b.ReportAllocs()
	for b.Loop() {
		buf = f.AppendJSON(buf[:0], false)
	}
}

func BenchmarkPage(b *testing.B) {
	f := many()
	p := newPage(b, page.Theme{})
	b.SetBytes(int64(len(render(b, p, f))))
	b.ReportAllocs()
	for b.Loop() {
		if err := p.Write(io.Discard, page.English(), f); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFolder(b *testing.B) {
	f := sampleFolder()
	for len(f.Sources) < 100 {
		f.Sources = append(f.Sources, f.Sources[0])
	}
	for _, format := range []Format{FormatJSON, FormatAPT} {
		b.Run(string(format), func(b *testing.B) {
			buf := f.Append(nil, format)
			b.SetBytes(int64(len(buf)))
			b.ReportAllocs()
			for b.Loop() {
				buf = f.Append(buf[:0], format)
			}
		})
	}
}
