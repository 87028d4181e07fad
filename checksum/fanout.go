package checksum

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
)

// Blocks are small enough that several stay in a processor's cache until the
// slowest digest has had them, and large enough that handing them over costs
// nothing beside the digests.
const (
	blockSize  = 256 << 10
	ringBlocks = 4 // of each file: the faster digests may be so far ahead
)

// block is some bytes of a file, and how many sinks still need them.
type block struct {
	data [blockSize]byte
	n    int
	need atomic.Int32
}

var blocks = sync.Pool{New: func() any { return new(block) }}

func getBlock() *block {
	b, _ := blocks.Get().(*block)
	return b
}

// fanOut reads size bytes from r and writes them to all sinks at the same
// time. It returns when no sink is at work any more.
func fanOut(ctx context.Context, r io.Reader, size int64, sinks []io.Writer) error {
	if size <= blockSize {
		return oneBlock(ctx, r, size, sinks)
	}
	f := newRing(sinks)
	err := f.read(ctx, r, size)
	if ended := f.end(); err == nil {
		err = ended
	}
	return err
}

// oneBlock is fanOut for small files, which are not worth a goroutine.
func oneBlock(ctx context.Context, r io.Reader, size int64, sinks []io.Writer) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	b := getBlock()
	defer blocks.Put(b)
	if err := fill(r, b.data[:size], 0, size); err != nil {
		return err
	}
	if err := atEnd(r, size); err != nil {
		return err
	}
	for _, s := range sinks {
		if _, err := s.Write(b.data[:size]); err != nil {
			return err
		}
	}
	return nil
}

// ring passes blocks to a goroutine for each sink and gets them back.
type ring struct {
	free  chan *block
	lanes []chan *block
	wg    sync.WaitGroup

	failed atomic.Bool
	once   sync.Once
	err    error // of the first sink that failed
}

func newRing(sinks []io.Writer) *ring {
	f := &ring{free: make(chan *block, ringBlocks)}
	for range ringBlocks {
		f.free <- getBlock()
	}
	for _, s := range sinks {
		lane := make(chan *block, ringBlocks)
		f.lanes = append(f.lanes, lane)
		f.wg.Go(func() { f.drain(lane, s) })
	}
	return f
}

// drain gives a sink its blocks; once it has failed they are passed over.
func (f *ring) drain(lane <-chan *block, to io.Writer) {
	for b := range lane {
		if !f.failed.Load() {
			if _, err := to.Write(b.data[:b.n]); err != nil {
				f.once.Do(func() { f.err = err })
				f.failed.Store(true)
			}
		}
		if b.need.Add(-1) == 0 {
			f.free <- b
		}
	}
}

func (f *ring) read(ctx context.Context, r io.Reader, size int64) error {
	for at := int64(0); at < size && !f.failed.Load(); {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		b := <-f.free
		b.n = int(min(blockSize, size-at))
		if err := fill(r, b.data[:b.n], at, size); err != nil {
			f.free <- b
			return err
		}
		at += int64(b.n)
		b.need.Store(int32(len(f.lanes)))
		for _, lane := range f.lanes {
			lane <- b
		}
	}
	if f.failed.Load() {
		return nil // end says why
	}
	return atEnd(r, size)
}

// end waits for the sinks and gives the error of the first that failed.
func (f *ring) end() error {
	for _, lane := range f.lanes {
		close(lane)
	}
	f.wg.Wait()
	close(f.free)
	for b := range f.free {
		blocks.Put(b)
	}
	return f.err
}

// fill reads the bytes from at on that b has room for.
func fill(r io.Reader, b []byte, at, size int64) error {
	n, err := io.ReadFull(r, b)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return wrongSize(size, at+int64(n))
	}
	return err
}

// atEnd makes sure that there are no more bytes than there should be.
func atEnd(r io.Reader, size int64) error {
	var one [1]byte
	switch n, err := io.ReadFull(r, one[:]); {
	case n > 0:
		return wrongSize(size, size+1)
	case errors.Is(err, io.EOF):
		return nil
	default:
		return err
	}
}
