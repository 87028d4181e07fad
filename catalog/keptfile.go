package catalog

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

// keptMeta is the first block of the file of kept versions.
type keptMeta struct {
	Key      []byte `json:"key"`
	Versions int    `json:"versions"`
}

const (
	keptSuffix = ".kept"
	keptLen    = 6*8 + 4 + 1
	keptPer    = 16 << 10 // in a block
)

// save writes the file if the table is another one than in it.
func (f *keptFollower) save(ctx context.Context) {
	f.savedAt = time.Now()
	t := f.k.table.Load()
	if f.o.File == "" || t == f.saved || !f.at.ok {
		return
	}
	_, err := replaceFile(f.o.File+keptSuffix, t.write)
	if err != nil && !f.unsaving {
		f.log.WarnContext(ctx, "the file of kept versions cannot be written", "error", err)
	}
	if f.unsaving = err != nil; !f.unsaving {
		f.saved = t
	}
}

// loadFile takes the table from the file. What is wanted may have changed, so
// everything is read again once the database answers.
func (f *keptFollower) loadFile(ctx context.Context) {
	if f.o.File == "" {
		return
	}
	t, err := loadBeside(f.o.File+keptSuffix, func(r io.Reader, size int64) (*keptTable, error) { return readKept(r, size, f.k.hash) })
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		f.log.WarnContext(ctx, "file of kept versions is not used", "error", err)
	default:
		f.saved = t
		f.k.table.Store(t)
	}
}

func loadBeside[T any](path string, read func(r io.Reader, size int64) (T, error)) (t T, err error) {
	f, err := os.Open(path)
	if err != nil {
		return t, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return t, err
	}
	if t, err = read(f, info.Size()); err != nil {
		return t, fmt.Errorf("loading %s: %w", path, err)
	}
	return t, nil
}

func (t *keptTable) write(w io.Writer) error {
	b := newBlockWriter(w, magicKept)
	if err := b.json(blockMeta, 0, 0, keptMeta{t.hash.key[:], t.versions.n}); err != nil {
		return err
	}
	var buf []byte
	n := uint32(0)
	flush := func() {
		if n > 0 {
			b.block(blockKept, 0, n, buf)
			n, buf = 0, buf[:0]
		}
	}
	for i := range t.versions.shards {
		t.versions.all(i, func(key uint64, v *keptVal) {
			buf = appendKept(buf, key, v)
			if n++; n == keptPer {
				flush()
			}
		})
	}
	flush()
	b.block(blockEnd, 0, 0, nil)
	return b.err
}

func appendKept(b []byte, key uint64, v *keptVal) []byte {
	for _, x := range [...]uint64{key, uint64(v.size), uint64(v.mtime), uint64(v.gone), uint64(v.until), v.check} {
		b = binary.LittleEndian.AppendUint64(b, x)
	}
	return append(binary.LittleEndian.AppendUint32(b, v.id), v.prec)
}

func decodeKept(e []byte) (key uint64, v keptVal) {
	n := func(i int) uint64 { return binary.LittleEndian.Uint64(e[8*i:]) }
	return n(0), keptVal{
		size: int64(n(1)), mtime: int64(n(2)), gone: int64(n(3)), until: int64(n(4)), check: n(5),
		id: binary.LittleEndian.Uint32(e[48:]), prec: e[52],
	}
}

// readKept reads a file of that size. Nothing larger than it is allocated on
// its word.
func readKept(r io.Reader, size int64, hash Hash) (*keptTable, error) {
	br, err := newBlockReader(r, size, magicKept)
	if err != nil {
		return nil, err
	}
	b, err := br.next(nil)
	if err != nil {
		return nil, err
	}
	var m keptMeta
	if err := b.json(blockMeta, &m); err != nil {
		return nil, err
	}
	if len(m.Key) != 16 {
		return nil, formatError("the first block is wrong")
	}
	t, versions := newKeptTable([16]byte(m.Key), hash), newBuilder[keptVal](0)
	for {
		if b, err = br.next(b.payload); err != nil {
			return nil, err
		}
		if err := b.check(); err != nil {
			return nil, err
		}
		switch {
		case b.kind == blockEnd && versions.t.n == m.Versions:
			t.versions = versions.done()
			return t, br.end()
		case b.kind != blockKept || uint64(len(b.payload)) != uint64(b.count)*keptLen:
			return nil, formatError("a block of kind %d with %d bytes", b.kind, len(b.payload))
		}
		for p := b.payload; len(p) > 0; p = p[keptLen:] {
			key, v := decodeKept(p[:keptLen])
			if key != normKey(key) || v.gone == 0 {
				return nil, formatError("a version is wrong")
			}
			versions.add(key, v)
		}
	}
}
