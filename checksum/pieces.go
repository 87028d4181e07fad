package checksum

import (
	"hash"
	"math/bits"
)

// The lengths of pieces. The smallest is what MirrorBrain used and what a
// client fetches again when one piece is wrong. More than some two thousand
// pieces make torrents and Metalinks large for what they are (a hundred bytes a
// piece), so pieces grow with the file; beyond 16 MiB widespread torrent clients
// refuse them, so the largest files have more pieces.
const (
	DefaultPiece = 256 << 10 // bytes; the least length unless set otherwise
	MinPiece     = 16 << 10  // the least that BEP 52 allows
	MaxPiece     = 16 << 20
	manyPieces   = 2000
)

// PieceLength is the length of the pieces of a file of size bytes: the least
// length, doubled until there are no more than about two thousand pieces, at
// most MaxPiece. least 0 is DefaultPiece; else it is rounded up to a power of
// two between MinPiece and MaxPiece.
func PieceLength(size, least int64) int64 {
	length := leastPiece(least)
	for length < MaxPiece && size > manyPieces*length {
		length *= 2
	}
	return length
}

func leastPiece(least int64) int64 {
	switch {
	case least <= 0:
		return DefaultPiece
	case least <= MinPiece:
		return MinPiece
	case least >= MaxPiece:
		return MaxPiece
	}
	return 1 << bits.Len64(uint64(least-1))
}

// pieceSummer computes a digest of each piece.
type pieceSummer struct {
	h      hash.Hash
	length int64
	left   int64 // bytes that the begun piece lacks
	sums   []byte
}

func newPieceSummer(h hash.Hash, size, length int64) *pieceSummer {
	count := (size + length - 1) / length
	return &pieceSummer{h: h, length: length, left: length, sums: make([]byte, 0, count*int64(h.Size()))}
}

func (p *pieceSummer) Write(b []byte) (int, error) {
	n := len(b)
	for len(b) > 0 {
		k := min(int64(len(b)), p.left)
		p.h.Write(b[:k])
		b = b[k:]
		if p.left -= k; p.left == 0 {
			p.end()
		}
	}
	return n, nil
}

func (p *pieceSummer) end() {
	p.sums = p.h.Sum(p.sums)
	p.h.Reset()
	p.left = p.length
}

// finish gives the digests of all pieces, the last of which may be shorter.
func (p *pieceSummer) finish() []byte {
	if p.left < p.length {
		p.end()
	}
	return p.sums
}
