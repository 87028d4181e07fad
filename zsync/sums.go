// Package zsync writes zsync control files: what the zsync client reads to
// fetch only those parts of a file that differ from an older copy.
package zsync

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"math"

	"golang.org/x/crypto/md4"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// Files from largeFile bytes on have blocks of twice the size, as zsyncmake
// chooses it.
const (
	smallBlock = 2048
	largeBlock = 4096
	largeFile  = 100_000_000
)

// ParamsFor gives the parameters that zsyncmake 0.6.2 chooses for a file of
// size bytes: the fewest bytes of sums with which wrong matches stay improbable.
func ParamsFor(size int64) mirror.ZSyncParams {
	p := mirror.ZSyncParams{BlockSize: smallBlock, SeqMatches: 1}
	if size >= largeFile {
		p.BlockSize = largeBlock
	}
	if size > int64(p.BlockSize) {
		p.SeqMatches = 2
	}
	// Bits that tell blocks at all offsets apart, and bits without which a false
	// match of the rolling sum would survive the check. An empty file has no
	// blocks, and the least of both.
	blocks := math.Log2(float64(1 + size/int64(p.BlockSize)))
	length := math.Log2(float64(max(1, size)))
	seq := float64(p.SeqMatches)
	rsum := math.Ceil((length + math.Log2(float64(p.BlockSize)) - 8.6) / seq / 8)
	check := math.Ceil((20 + length + blocks) / seq / 8)
	least := math.Floor((7.9 + 20 + blocks) / 8)
	if size == 0 {
		rsum, check = 0, 0
	}
	p.RsumBytes = int(min(4, max(2, rsum)))
	p.ChecksumBytes = int(min(md4.Size, max(check, least)))
	return p
}

// SumsSize is how many bytes of sums a file of size bytes has.
func SumsSize(size int64, p mirror.ZSyncParams) int64 {
	if p.BlockSize <= 0 {
		return 0
	}
	block := int64(p.BlockSize)
	blocks := size / block
	if size%block != 0 {
		blocks++
	}
	return blocks * int64(p.BlockBytes())
}

// Summer computes the block sums of what is written to it: for each block the
// last bytes of its rolling sum, then the first bytes of its MD4. The last
// block is taken as filled up with zero bytes.
type Summer struct {
	p     mirror.ZSyncParams
	w     io.Writer
	md4   hash.Hash
	block []byte // the begun block
	out   []byte // sums that w did not get yet
	err   error
}

// outSize is how many bytes of sums are written at a time.
const outSize = 32 << 10

// NewSummer gives a Summer that writes the sums to w as they come.
func NewSummer(p mirror.ZSyncParams, w io.Writer) (*Summer, error) {
	switch {
	case p.BlockSize < 1, p.RsumBytes < 1, p.RsumBytes > 4, p.ChecksumBytes < 1, p.ChecksumBytes > md4.Size:
		return nil, fmt.Errorf("zsync parameters %+v: no such sums can be made", p)
	}
	return &Summer{p: p, w: w, md4: md4.New(), block: make([]byte, 0, p.BlockSize), out: make([]byte, 0, outSize+4+md4.Size)}, nil
}

var errClosed = errors.New("zsync sums: written to after the end")

// Write takes the next bytes of the file. An error is that of the writer of the
// sums.
func (s *Summer) Write(b []byte) (int, error) {
	n := len(b)
	for len(b) > 0 && s.err == nil {
		if len(s.block) == 0 && len(b) >= s.p.BlockSize {
			s.sum(b[:s.p.BlockSize])
			b = b[s.p.BlockSize:]
			continue
		}
		k := min(len(b), s.p.BlockSize-len(s.block))
		s.block = append(s.block, b[:k]...)
		b = b[k:]
		if len(s.block) == s.p.BlockSize {
			s.sum(s.block)
			s.block = s.block[:0]
		}
	}
	if s.err != nil {
		return 0, s.err
	}
	return n, nil
}

// Close ends the file: the sums of a begun block, and what w did not get yet,
// are written.
func (s *Summer) Close() error {
	if s.err != nil {
		return s.err
	}
	if had := len(s.block); had > 0 {
		s.block = s.block[:s.p.BlockSize]
		clear(s.block[had:])
		s.sum(s.block)
	}
	s.flush()
	err := s.err
	s.err = errors.Join(err, errClosed)
	return err
}

func (s *Summer) sum(block []byte) {
	var rsum [4]byte
	binary.BigEndian.PutUint32(rsum[:], rollingSum(block))
	s.out = append(s.out, rsum[4-s.p.RsumBytes:]...)
	s.md4.Reset()
	s.md4.Write(block)
	end := len(s.out) + s.p.ChecksumBytes
	s.out = s.md4.Sum(s.out)[:end]
	if len(s.out) >= outSize {
		s.flush()
	}
}

func (s *Summer) flush() {
	if len(s.out) > 0 && s.err == nil {
		if _, err := s.w.Write(s.out); err != nil {
			s.err = fmt.Errorf("writing zsync sums: %w", err)
		}
	}
	s.out = s.out[:0]
}

// rollingSum is zsync's: in the upper half the sum of the bytes, in the lower
// the sum of these sums, which weighs each byte by its distance from the end.
func rollingSum(block []byte) uint32 {
	var a, b uint32
	for _, c := range block {
		a += uint32(c)
		b += a
	}
	return a<<16 | b&0xffff
}
