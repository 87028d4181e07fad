package catalog

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"time"
)

// prefixFollower hands each new generation of the prefix table to
// FollowOptions.OnPrefixes, and keeps the newest in a file. The table is not
// held here: whoever looks addresses up has a form of his own for it.
type prefixFollower struct {
	o   FollowOptions
	log *slog.Logger
	src *patient

	wanted  int64 // generation in the database; 0: none, or not known yet
	have    int64 // generation that was handed over
	running chan prefixResult
	failed  time.Time // when it last went wrong; zero: it did not
}

type prefixResult struct {
	generation int64
	err        error
}

// prefixRetry is how long a failure is left alone.
const prefixRetry = 10 * time.Second

// prefixMeta is the first block of the prefix file.
type prefixMeta struct {
	Generation int64 `json:"generation"`
}

const (
	prefixLen    = 16 + 1 + 1 + 4
	prefixesPer  = 32 << 10 // in a block
	prefixSuffix = ".prefixes"
)

// tick starts reading the table if there is a newer one.
func (p *prefixFollower) tick(ctx context.Context) {
	if p.running != nil {
		select {
		case r := <-p.running:
			p.ended(r)
		default:
			return
		}
	}
	if p.o.OnPrefixes == nil || p.wanted == p.have || time.Since(p.failed) < prefixRetry {
		return
	}
	p.running = make(chan prefixResult, 1)
	go func(done chan<- prefixResult) {
		g, err := p.read(ctx)
		done <- prefixResult{g, err}
	}(p.running)
}

func (p *prefixFollower) ended(r prefixResult) {
	p.running = nil
	if r.err != nil {
		if p.failed.IsZero() {
			p.log.Warn("the table of prefixes was not read; the one before stays", "error", r.err)
		}
		p.failed = time.Now()
		return
	}
	p.have, p.failed = r.generation, time.Time{}
}

// stop waits for what was started, which ends with its context.
func (p *prefixFollower) stop() {
	if p.running != nil {
		p.ended(<-p.running)
	}
}

// read hands the table over and writes it to the file.
func (p *prefixFollower) read(ctx context.Context) (generation int64, err error) {
	return readSnapshot(ctx, p.src, p.o.limits().load, func(s Snapshot, progress func(time.Duration)) (int64, error) {
		g, err := s.PrefixGeneration()
		if err != nil {
			return 0, fmt.Errorf("reading the generation of prefixes: %w", err)
		}
		rows := 0
		each := func(yield func(Prefix) error) error {
			return s.Prefixes(func(x Prefix) error {
				if rows++; rows&1023 == 0 {
					progress(p.o.limits().load)
				}
				return yield(x)
			})
		}
		if p.o.File == "" {
			return g, p.o.OnPrefixes(each)
		}
		return g, p.tee(g, each)
	})
}

// tee writes the file while the table is handed over. If it cannot be written
// the table still is.
func (p *prefixFollower) tee(generation int64, each func(func(Prefix) error) error) error {
	var handed error
	_, err := replaceFile(p.o.File+prefixSuffix, func(w io.Writer) error {
		b := newBlockWriter(w, magicPrefixes)
		pw := prefixWriter{b: b}
		if err := b.json(blockMeta, 0, 0, prefixMeta{generation}); err != nil {
			b.err = err
		}
		handed = p.o.OnPrefixes(func(yield func(Prefix) error) error {
			return each(func(x Prefix) error {
				pw.add(x)
				return yield(x)
			})
		})
		pw.flush()
		b.block(blockEnd, 0, 0, nil)
		return errors.Join(handed, b.err)
	})
	if handed == nil && err != nil {
		p.log.Warn("the file of prefixes cannot be written", "error", err)
	}
	return handed
}

// prefixWriter writes prefixes in blocks.
type prefixWriter struct {
	b   *blockWriter
	n   uint32
	buf []byte
}

func (w *prefixWriter) add(x Prefix) {
	a := x.Prefix.Addr().As16()
	w.buf = append(w.buf, a[:]...)
	four := byte(0)
	if x.Prefix.Addr().Is4() {
		four = 1
	}
	w.buf = append(w.buf, four, byte(x.Prefix.Bits()))
	w.buf = binary.LittleEndian.AppendUint32(w.buf, x.ASN)
	if w.n++; w.n == prefixesPer {
		w.flush()
	}
}

func (w *prefixWriter) flush() {
	if w.n > 0 {
		w.b.block(blockPrefixes, 0, w.n, w.buf)
		w.n, w.buf = 0, w.buf[:0]
	}
}

// loadFile hands the table of the file over.
func (p *prefixFollower) loadFile(ctx context.Context) {
	if p.o.OnPrefixes == nil || p.o.File == "" {
		return
	}
	path := p.o.File + prefixSuffix
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err == nil {
		defer f.Close()
		var info fs.FileInfo
		if info, err = f.Stat(); err == nil {
			var m prefixMeta
			err = p.o.OnPrefixes(func(yield func(Prefix) error) error {
				m, err = readPrefixes(f, info.Size(), yield)
				return err
			})
			if err == nil {
				p.have = m.Generation
				p.wanted = m.Generation
				return
			}
		}
	}
	p.log.WarnContext(ctx, "file of prefixes is not used", "file", path, "error", err)
}

// readPrefixes reads a file of that size. What it yielded is worth nothing
// when it ends with an error.
func readPrefixes(r io.Reader, size int64, yield func(Prefix) error) (m prefixMeta, err error) {
	br, err := newBlockReader(r, size, magicPrefixes)
	if err != nil {
		return m, err
	}
	b, err := br.next(nil)
	if err != nil {
		return m, err
	}
	if err := b.json(blockMeta, &m); err != nil {
		return m, err
	}
	for {
		b, err = br.next(b.payload)
		if err != nil {
			return m, err
		}
		if err := b.check(); err != nil {
			return m, err
		}
		switch b.kind {
		case blockEnd:
			return m, br.end()
		case blockPrefixes:
			if err := yieldPrefixes(&b, yield); err != nil {
				return m, err
			}
		default:
			return m, formatError("a block of kind %d", b.kind)
		}
	}
}

func yieldPrefixes(b *block, yield func(Prefix) error) error {
	if uint64(len(b.payload)) != uint64(b.count)*prefixLen {
		return formatError("prefixes are missing")
	}
	for p := b.payload; len(p) > 0; p = p[prefixLen:] {
		addr := netip.AddrFrom16([16]byte(p[:16]))
		if p[16] == 1 {
			addr = addr.Unmap()
		}
		x := Prefix{Prefix: netip.PrefixFrom(addr, int(p[17])), ASN: binary.LittleEndian.Uint32(p[18:])}
		if !x.Prefix.IsValid() {
			return formatError("a prefix is wrong")
		}
		if err := yield(x); err != nil {
			return err
		}
	}
	return nil
}
