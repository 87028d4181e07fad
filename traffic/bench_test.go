package traffic

import (
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// benchList has 200 mirrors, half of them with a share and a quota.
func benchList() (list []*mirror.Mirror) {
	for i := range 200 {
		m := &mirror.Mirror{ID: mirror.ID(i + 1), Score: 100}
		if i%2 == 0 {
			m.MaxShare, m.Quota = 100, mirror.Quota{Bytes: 1 << 60, Period: mirror.QuotaMonth}
		}
		list = append(list, m)
	}
	return list
}

// BenchmarkRequest is what a request costs with all limits: ten mirrors that are
// asked, the weights, and the credit.
func BenchmarkRequest(b *testing.B) {
	l := NewLedger()
	list := benchList()
	load := l.For(list, true)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			at := i % 190
			for k := range 10 {
				load.Full(at + k)
			}
			_ = load.Weights()
			l.Credit(list[at].ID, 1<<20, noon)
		}
	})
}

func BenchmarkFull(b *testing.B) {
	load := NewLedger().For(benchList(), true)
	for b.Loop() {
		load.Full(0)
	}
}

func BenchmarkCredit(b *testing.B) {
	for name, id := range map[string]mirror.ID{"limited": 1, "unlimited": 2} {
		b.Run(name, func(b *testing.B) {
			l := NewLedger()
			l.For(benchList(), true)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					l.Credit(id, 1<<20, noon)
				}
			})
		})
	}
}

// BenchmarkBalance is a second's work for 200 mirrors.
func BenchmarkBalance(b *testing.B) {
	l := NewLedger()
	list := benchList()
	load := l.For(list, true)
	for i := 0; b.Loop(); i++ {
		l.Credit(list[i%200].ID, 1<<20, noon)
		l.Balance(noon.Add(time.Duration(i) * time.Millisecond))
		load.Weights()
	}
}
