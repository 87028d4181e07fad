package catalog

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
	"golang.org/x/sync/errgroup"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// Load replaces the catalog by what Save wrote. A file that is cut off,
// damaged or of another kind gives an error and changes nothing.
func (c *Catalog) Load(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("loading the catalog: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("loading the catalog: %w", err)
	}
	base := c.View()
	v, since, err := readView(f, info.Size(), c.hash)
	if err != nil {
		return fmt.Errorf("loading the catalog from %s: %w", path, err)
	}
	v.world.Version = base.world.Version + 1
	if !c.publish(base, v, since) {
		return fmt.Errorf("loading the catalog from %s: it was changed meanwhile", path)
	}
	return nil
}

// loader is the state of one Load.
type loader struct {
	r     *blockReader
	meta  meta
	world worldDelta
	links map[string]link
	view  *View

	workers *errgroup.Group
	buffers sync.Pool
}

// readView reads a file of that size. Nothing larger than the file is allocated
// on its word.
func readView(r io.Reader, size int64, hash Hash) (*View, time.Time, error) {
	br, err := newBlockReader(r, size, magicCatalog)
	if err != nil {
		return nil, time.Time{}, err
	}
	l := &loader{r: br, world: newWorldDelta(), links: map[string]link{}}
	if err := l.readMeta(hash); err != nil {
		return nil, time.Time{}, err
	}
	// Checking and filling tables takes longer than reading; the file is read
	// in one goroutine and its blocks are worked on in a few.
	l.workers, _ = errgroup.WithContext(context.Background())
	l.workers.SetLimit(max(1, min(runtime.GOMAXPROCS(0), 8)))
	err = l.readBlocks()
	if werr := l.workers.Wait(); err == nil {
		err = werr
	}
	if err != nil {
		return nil, time.Time{}, err
	}
	if err := l.complete(); err != nil {
		return nil, time.Time{}, err
	}
	return l.view, time.Unix(0, l.meta.Since), nil
}

func (l *loader) readMeta(hash Hash) error {
	b, err := l.r.next(nil)
	if err != nil {
		return err
	}
	if err := b.json(blockMeta, &l.meta); err != nil {
		return err
	}
	m := &l.meta
	for _, n := range [...]uint8{m.FileBits, m.SumBits} {
		if n < minBits || n > maxBits {
			return formatError("2^%d shards", n)
		}
	}
	if len(m.Key) != 16 || len(m.History) > maxHistory {
		return formatError("the first block is wrong")
	}
	l.view = &View{
		ready: true, head: m.Head, filesAt: m.Head, history: m.History, settings: m.Settings,
		hash:  newHasher([16]byte(m.Key), hash),
		files: newTable[fileVal](m.FileBits), sums: newTable[sum](m.SumBits),
	}
	return nil
}

// json decodes a block that must be of this kind.
func (b *block) json(kind uint32, into any) error {
	if b.kind != kind {
		return formatError("a block of kind %d where %d belongs", b.kind, kind)
	}
	if err := b.check(); err != nil {
		return err
	}
	if err := json.Unmarshal(b.payload, into); err != nil {
		return formatError("%w", err)
	}
	return nil
}

func (l *loader) readBlocks() error {
	nextFiles, nextSums := uint32(0), uint32(0)
	for {
		buf, _ := l.buffers.Get().(*[]byte)
		if buf == nil {
			buf = new([]byte)
		}
		b, err := l.r.next(*buf)
		if err != nil {
			return err
		}
		*buf = b.payload
		switch b.kind {
		case blockMirror, blockHeld, blockAliases:
			err = l.small(&b)
			l.buffers.Put(buf)
		case blockFiles:
			if err = inOrder(&b, &nextFiles, l.view.files.bits); err == nil {
				fill(l, b, buf, l.view.files, fileLen, decodeFile)
			}
		case blockSums:
			if err = inOrder(&b, &nextSums, l.view.sums.bits); err == nil {
				fill(l, b, buf, l.view.sums, sumLen, decodeSum)
			}
		case blockEnd:
			if err := b.check(); err != nil {
				return err
			}
			if nextFiles != 1<<l.view.files.bits || nextSums != 1<<l.view.sums.bits {
				return formatError("shards are missing")
			}
			return l.r.end()
		default:
			err = formatError("a block of kind %d", b.kind)
		}
		if err != nil {
			return err
		}
	}
}

// inOrder makes sure that each shard comes once, so that no two workers fill
// the same one.
func inOrder(b *block, next *uint32, bits uint8) error {
	if b.first != *next || b.count == 0 || b.count > 1<<bits-b.first {
		return formatError("shards out of order")
	}
	*next += b.count
	return nil
}

// fill leaves a block of entries to a worker.
func fill[V any](l *loader, b block, buf *[]byte, t *table[V], size int, decode func([]byte) (uint64, V)) {
	l.workers.Go(func() error {
		defer l.buffers.Put(buf)
		if err := b.check(); err != nil {
			return err
		}
		return t.decode(&b, size, decode)
	})
}

// decode makes the shards of a block.
func (t *table[V]) decode(b *block, size int, decode func([]byte) (uint64, V)) error {
	p := b.payload
	for i := int(b.first); i < int(b.first+b.count); i++ {
		if len(p) < 4 {
			return formatError("shard %d is cut off", i)
		}
		n := int(binary.LittleEndian.Uint32(p))
		p = p[4:]
		if n > len(p)/size {
			return formatError("shard %d is cut off", i)
		}
		s := shard[V]{slots: newSlots[V](roomFor(n, spareSlots))}
		for range n {
			key, v := decode(p[:size])
			if t.shardOf(key) != i || key != normKey(key) {
				return formatError("shard %d has another's entry", i)
			}
			s.put(key, t.bits, &v)
			p = p[size:]
		}
		t.shards[i] = s
	}
	if len(p) != 0 {
		return formatError("a block is too long")
	}
	return nil
}

// small reads the blocks that are few.
func (l *loader) small(b *block) error {
	id := mirror.ID(b.first)
	switch b.kind {
	case blockMirror:
		m := new(mirror.Mirror)
		if err := b.json(blockMirror, m); err != nil {
			return err
		}
		if m.ID != id || l.world.mirrors[id] != nil {
			return formatError("mirror %d is there twice", id)
		}
		l.world.mirrors[id] = m
	case blockHeld:
		if err := b.check(); err != nil {
			return err
		}
		held, err := decodeBitmap(b.payload)
		if err != nil {
			return err
		}
		l.world.held[id] = held
	case blockAliases:
		var batch []aliasJSON
		if err := b.json(blockAliases, &batch); err != nil {
			return err
		}
		for _, a := range batch {
			l.links[string(a.Path)] = link{Target: string(a.Target), Folder: a.Folder}
		}
	}
	return nil
}

// decodeBitmap reads a bitmap into memory of its own. The library is not made
// for data that somebody tampered with, so its panics are errors here.
func decodeBitmap(p []byte) (b *roaring.Bitmap, err error) {
	defer func() {
		if r := recover(); r != nil {
			b, err = nil, formatError("a bitmap is damaged: %v", r)
		}
	}()
	b = roaring.New()
	n, err := b.ReadFrom(bytes.NewReader(p))
	if err == nil && n != int64(len(p)) {
		return nil, formatError("a bitmap is too long")
	}
	if err == nil {
		err = b.Validate()
	}
	if err != nil {
		return nil, formatError("a bitmap is damaged: %w", err)
	}
	return b, nil
}

// complete counts what was read and puts it together.
func (l *loader) complete() error {
	for i := range l.view.files.shards {
		l.view.files.n += l.view.files.shards[i].n
	}
	for i := range l.view.sums.shards {
		l.view.sums.n += l.view.sums.shards[i].n
	}
	m := &l.meta
	if l.view.files.n != m.Files || l.view.sums.n != m.Sums || len(l.links) != m.Aliases ||
		len(l.world.mirrors) != m.Mirrors || len(l.world.held) != m.Mirrors {
		return formatError("something is missing")
	}
	l.view.aliases = newAliases(l.links)
	l.view.world = new(World).with(l.world, true)
	return nil
}
