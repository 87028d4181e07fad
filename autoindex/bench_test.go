package autoindex

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// large is a folder of n entries as large mirrors have them.
func large(n int) []Entry {
	entries := make([]Entry, 0, n)
	for i := range n {
		e := New(fmt.Sprintf("libsomething%d-devel-%d.%d.%d-%d.x86_64.rpm", i%977, i%7, i%31, i%13, i), i%50 == 0)
		e.Size, e.ModTime = int64(i)*7919%(1<<28), time.Unix(1700000000+int64(i)*977%10000000, 0)
		e.Indexed, e.Mirrors, e.Documents = true, i%120, MirrorList|Meta4
		entries = append(entries, e)
	}
	return entries
}

func BenchmarkSort(b *testing.B) {
	entries := large(50_000)
	for _, o := range []Order{{}, {FoldersFirst: true, Version: true, IgnoreCase: true}, {Column: BySize, Descending: true}, {Column: ByModified, Version: true}} {
		b.Run(fmt.Sprintf("%+v", o), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				o.Sort(slices.Clone(entries))
			}
		})
	}
}

func BenchmarkAppend(b *testing.B) {
	l := &Listing{Path: "/pub/", Parent: true, Entries: large(50_000)}
	for f := Plain; f < formats; f++ {
		if f == HTML {
			continue
		}
		b.Run(f.String(), func(b *testing.B) {
			b.ReportAllocs()
			var buf []byte
			for b.Loop() {
				var err error
				if buf, err = Append(buf[:0], f, l, &Options{Columns: ApacheColumns | Mirrors | Details}); err != nil {
					b.Fatal(err)
				}
			}
			b.SetBytes(int64(len(buf)))
		})
	}
}

// BenchmarkPattern matches with what makes other matchers slow.
func BenchmarkPattern(b *testing.B) {
	entries := large(50_000)
	for _, pattern := range []string{"*.rpm", "*l*i*b*s*o*m*e*t*h*x", "*??????????????????????????????\x01*"} {
		b.Run(pattern, func(b *testing.B) {
			p, err := ParsePattern(pattern)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				for i := range entries {
					p.Match(entries[i].Name)
				}
			}
		})
	}
}

func BenchmarkLatest(b *testing.B) {
	entries := large(50_000)
	for b.Loop() {
		Latest(entries, "*.rpm", LatestByVersion)
	}
}
