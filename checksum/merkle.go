package checksum

import (
	"crypto/sha256"
	"math/bits"
)

// leafSize is the length of the blocks that the leaves of BEP 52's tree are
// digests of.
const leafSize = 16 << 10

type node = [sha256.Size]byte

// merkle builds BEP 52's tree of SHA-256. Leaves are digests of blocks of 16
// KiB, the last block as short as it is; where the tree needs more leaves than
// there are blocks, they are 32 zero bytes. It keeps the leaves of one piece and
// one node a piece.
type merkle struct {
	pieceLeaves int // leaves of a piece, a power of two
	begun       []byte
	leaves      []node // of the begun piece
	layer       []node // of the pieces before it
}

func newMerkle(size, pieceLength int64) *merkle {
	m := &merkle{pieceLeaves: int(pieceLength / leafSize)}
	m.leaves = make([]node, 0, min(int64(m.pieceLeaves), size/leafSize+1))
	if size > pieceLength {
		m.layer = make([]node, 0, (size+pieceLength-1)/pieceLength)
	}
	return m
}

func (m *merkle) Write(b []byte) (int, error) {
	n := len(b)
	for len(b) > 0 {
		if len(m.begun) == 0 && len(b) >= leafSize {
			m.leaf(b[:leafSize])
			b = b[leafSize:]
			continue
		}
		k := min(len(b), leafSize-len(m.begun))
		m.begun = append(m.begun, b[:k]...)
		b = b[k:]
		if len(m.begun) == leafSize {
			m.leaf(m.begun)
			m.begun = m.begun[:0]
		}
	}
	return n, nil
}

// leaf adds a block. The piece before it is closed only now: of a file that is
// no longer than a piece the tree may be lower.
func (m *merkle) leaf(block []byte) {
	if len(m.leaves) == m.pieceLeaves {
		m.closePiece()
	}
	m.leaves = append(m.leaves, sha256.Sum256(block))
}

func (m *merkle) closePiece() {
	root, _ := climb(m.leaves, node{}, bits.Len(uint(m.pieceLeaves-1)))
	m.layer = append(m.layer, root)
	m.leaves = m.leaves[:0]
}

// finish gives the root, zero for an empty file, and the layer of pieces, nil
// where the file is not longer than a piece.
func (m *merkle) finish() (root node, layer []byte) {
	if len(m.begun) > 0 {
		m.leaf(m.begun)
	}
	switch {
	case len(m.leaves) == 0: // no bytes: a piece is closed by the one after it
		return node{}, nil
	case len(m.layer) == 0:
		root, _ = climb(m.leaves, node{}, bits.Len(uint(len(m.leaves)-1)))
		return root, nil
	}
	m.closePiece()
	layer = make([]byte, 0, len(m.layer)*sha256.Size)
	for i := range m.layer {
		layer = append(layer, m.layer[i][:]...)
	}
	_, pad := climb(nil, node{}, bits.Len(uint(m.pieceLeaves-1)))
	root, _ = climb(m.layer, pad, bits.Len(uint(len(m.layer)-1)))
	return root, layer
}

// climb goes up levels levels from nodes, which are filled up with pad, and
// gives the root and the root of as high a tree of pads alone. It overwrites
// nodes.
func climb(nodes []node, pad node, levels int) (root, pads node) {
	for range levels {
		up := 0
		for i := 0; i < len(nodes); i += 2 {
			right := pad
			if i+1 < len(nodes) {
				right = nodes[i+1]
			}
			nodes[up] = join(nodes[i], right)
			up++
		}
		nodes = nodes[:up]
		pad = join(pad, pad)
	}
	if len(nodes) == 0 {
		return pad, pad
	}
	return nodes[0], pad
}

func join(left, right node) node {
	var both [2 * sha256.Size]byte
	copy(both[:], left[:])
	copy(both[sha256.Size:], right[:])
	return sha256.Sum256(both[:])
}
