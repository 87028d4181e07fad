package rsync

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/rsynctest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
)

// BenchmarkFileList decodes what a real daemon sent for a tree of 10,000 files.
func BenchmarkFileList(b *testing.B) {
	dir := b.TempDir()
	for i := range 100 {
		folder := filepath.Join(dir, fmt.Sprintf("distribution/pool/package-%d", i))
		check(b, os.MkdirAll(folder, 0o755))
		for j := range 100 {
			name := filepath.Join(folder, fmt.Sprintf("package-%d_%d.0-1_amd64.deb", i, j))
			check(b, os.WriteFile(name, nil, 0o644))
			at := time.Unix(1e9+int64(i*100+j)*7919, 0)
			check(b, os.Chtimes(name, at, at))
		}
	}
	srv := rsynctest.Start(b, rsynctest.Module{Name: "m", Path: dir})
	l := newLister(b, srv.URL("m"), listing.Options{})
	raw := capture(b, l)
	for _, yield := range []string{"decode", "list"} {
		b.Run(yield, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(raw)))
			var entries int
			for b.Loop() {
				w := newWire(bytes.NewReader(raw))
				s := sink{yield: func(listing.Entry) error { return nil }, stopped: func() error { return nil }, sieve: listing.Sieve{Skip: listing.Temporary}}
				w.startMux(s.handleMessage)
				f := newFlist(w, newestVersion, compatSafeList, "")
				if yield == "decode" {
					for f.next() {
						entries++
					}
				} else if err := receive(f, &s); err != nil {
					b.Fatal(err)
				}
				entries += s.summary.Entries
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(entries), "ns/entry")
		})
	}
}

// capture returns the frames of a listing.
func capture(b *testing.B, l *Lister) []byte {
	b.Helper()
	c, closeConn, err := l.dial(context.Background())
	check(b, err)
	defer closeConn()
	var all bytes.Buffer
	w := newWire(io.TeeReader(c, &all))
	version, compat, err := l.begin(c, w, "")
	check(b, err)
	start := all.Len() - (w.have - w.pos)
	var s sink
	w.startMux(s.handleMessage)
	f := newFlist(w, version, compat, "")
	for f.next() {
	}
	check(b, w.err)
	return all.Bytes()[start:]
}
