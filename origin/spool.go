package origin

import (
	"encoding/binary"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// change is one difference between the tree and the index.
type change struct {
	old  mirror.FileID // the version it replaces; 0: a new path
	kind kind
	file File // Path is not set where only the version's times change
}

type kind uint8

const (
	added    kind = iota // a path that the index does not have
	changed              // another size
	touched              // another mtime, the same size
	restated             // only ctime
)

// spool keeps changes in the order they came, close to the size of their
// paths, until it is known that the run may write at all.
type spool struct {
	blocks [][]byte
	n      int
}

const blockSize = 1 << 20

func (s *spool) add(c change) {
	need := len(c.file.Path) + 7*binary.MaxVarintLen64
	last := len(s.blocks) - 1
	if last < 0 || cap(s.blocks[last])-len(s.blocks[last]) < need {
		s.blocks = append(s.blocks, make([]byte, 0, max(blockSize, need)))
		last++
	}
	b := s.blocks[last]
	b = append(b, byte(c.kind))
	b = binary.AppendUvarint(b, uint64(c.old))
	b = binary.AppendUvarint(b, uint64(len(c.file.Path)))
	b = append(b, c.file.Path...)
	b = binary.AppendVarint(b, c.file.Size)
	b = binary.AppendVarint(b, c.file.MTime)
	b = binary.AppendVarint(b, c.file.CTime)
	b = binary.AppendVarint(b, int64(c.file.Precision))
	s.blocks[last] = b
	s.n++
}

// each gives the changes to fn and frees what it has read.
func (s *spool) each(fn func(change) error) error {
	for i, b := range s.blocks {
		for len(b) > 0 {
			c := change{kind: kind(b[0])}
			b = b[1:]
			number := func() int64 { v, n := binary.Varint(b); b = b[n:]; return v }
			old, n := binary.Uvarint(b)
			size, m := binary.Uvarint(b[n:])
			b = b[n+m:]
			c.old = mirror.FileID(old)
			c.file.Path, b = string(b[:size]), b[size:]
			c.file.Size, c.file.MTime, c.file.CTime = number(), number(), number()
			c.file.Precision = time.Duration(number())
			if err := fn(c); err != nil {
				return err
			}
		}
		s.blocks[i] = nil
	}
	s.blocks, s.n = nil, 0
	return nil
}
