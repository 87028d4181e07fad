package catalog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// A catalog file is a preamble (magic, version) and blocks in a fixed order.
// Each block has a header of 24 bytes, all numbers little-endian:
//
//	kind, sequence number, first, count, length of the payload, CRC-32C
//
// The checksum is over the header before it and the payload. The last block
// is of kind blockEnd. So what is cut off, flipped, swapped or of another
// program is noticed, and no length is believed beyond the file's own size.
const (
	magicCatalog  = "MBcatalg"
	magicPrefixes = "MBprefix"
	magicKept     = "MBkeptvs"
	magicRepos    = "MBreposi"
	formatVersion = 1

	preambleLen = 12
	headerLen   = 24
)

// The kinds of blocks, and what first and count mean in them.
const (
	blockMeta     uint32 = iota + 1 // JSON; 0, 0
	blockMirror                     // JSON; mirror ID, 0
	blockHeld                       // a bitmap in roaring's portable format; mirror ID, 0
	blockAliases                    // JSON; 0, number
	blockFiles                      // entries; first shard, number of shards
	blockSums                       // entries; first shard, number of shards
	blockPrefixes                   // entries; 0, number
	blockEnd                        // nothing; 0, 0
	blockKept                       // entries; 0, number
	blockRepo                       // JSON; number of the repository, 0
	blockRepoIDs                    // a bitmap; number of the repository, 0
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errFormat is wrapped by every complaint about a file's contents.
var errFormat = errors.New("not a whole catalog file")

func formatError(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{errFormat}, args...)...)
}

type block struct {
	kind, first, count uint32
	payload            []byte
	header             [headerLen]byte // as read, for check
}

// blockWriter writes blocks. The first error stays.
type blockWriter struct {
	w   io.Writer
	seq uint32
	err error
}

func newBlockWriter(w io.Writer, magic string) *blockWriter {
	b := &blockWriter{w: w}
	b.write(binary.LittleEndian.AppendUint32([]byte(magic), formatVersion))
	return b
}

func (w *blockWriter) write(p []byte) {
	if w.err == nil {
		_, w.err = w.w.Write(p)
	}
}

func (w *blockWriter) block(kind, first, count uint32, payload []byte) {
	if uint64(len(payload)) > 1<<32-1 && w.err == nil {
		w.err = fmt.Errorf("block of %d bytes is too large", len(payload))
	}
	h := make([]byte, 0, headerLen)
	for _, v := range [...]uint32{kind, w.seq, first, count, uint32(len(payload))} {
		h = binary.LittleEndian.AppendUint32(h, v)
	}
	sum := crc32.Update(crc32.Checksum(h, castagnoli), castagnoli, payload)
	w.write(binary.LittleEndian.AppendUint32(h, sum))
	w.write(payload)
	w.seq++
}

// blockReader reads them. left is how many bytes there can still be.
type blockReader struct {
	r    io.Reader
	left int64
	seq  uint32
}

func newBlockReader(r io.Reader, size int64, magic string) (*blockReader, error) {
	p := make([]byte, preambleLen)
	if _, err := io.ReadFull(r, p); err != nil {
		return nil, formatError("reading the preamble: %w", err)
	}
	if string(p[:8]) != magic {
		return nil, formatError("begins with %q", p[:8])
	}
	if v := binary.LittleEndian.Uint32(p[8:]); v != formatVersion {
		return nil, formatError("format %d, this program knows %d", v, formatVersion)
	}
	return &blockReader{r: r, left: size - preambleLen}, nil
}

// next reads a block into buf, or a larger one. The checksum is left to check,
// so that others can do it meanwhile.
func (r *blockReader) next(buf []byte) (block, error) {
	var b block
	if _, err := io.ReadFull(r.r, b.header[:]); err != nil {
		return b, formatError("reading block %d: %w", r.seq, err)
	}
	r.left -= headerLen
	h := func(i int) uint32 { return binary.LittleEndian.Uint32(b.header[4*i:]) }
	b.kind, b.first, b.count = h(0), h(2), h(3)
	n := int64(h(4))
	if h(1) != r.seq || n > r.left {
		return b, formatError("block %d has a wrong header", r.seq)
	}
	if int64(cap(buf)) < n {
		buf = make([]byte, n)
	}
	b.payload = buf[:n]
	if _, err := io.ReadFull(r.r, b.payload); err != nil {
		return b, formatError("reading block %d: %w", r.seq, err)
	}
	r.left -= n
	r.seq++
	return b, nil
}

// end makes sure that nothing follows.
func (r *blockReader) end() error {
	if n, err := io.ReadFull(r.r, make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		return formatError("something follows the end")
	}
	return nil
}

func (b *block) check() error {
	sum := crc32.Update(crc32.Checksum(b.header[:headerLen-4], castagnoli), castagnoli, b.payload)
	if sum != binary.LittleEndian.Uint32(b.header[headerLen-4:]) {
		return formatError("a checksum is wrong")
	}
	return nil
}
