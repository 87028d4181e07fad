// Package checksum computes what can be asked about the bytes of files (digests,
// digests of pieces, BitTorrent's tree, zsync's sums), and keeps it current for
// the files of the index.
package checksum

import (
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"io"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/zsync"
)

// SumOptions say what Sum computes besides the digests that it always does.
type SumOptions struct {
	// LeastPiece is the least length of pieces; see PieceLength.
	LeastPiece int64
	// Tree adds BEP 52's merkle tree.
	Tree bool
	// ZSync gets the block sums for zsync as they come; nil: none are made.
	ZSync io.Writer
	// InfoHashes gives the info hashes of a file called Name, whose other digests
	// are complete; nil: they stay zero.
	InfoHashes InfoHasher
	Name       string
}

// InfoHasher gives the info hashes of the torrent of one file.
type InfoHasher func(name string, size int64, d *mirror.Digests) mirror.InfoHashes

// ErrSize is returned when there are more or fewer bytes than there should be.
var ErrSize = errors.New("the file has another size than expected")

// Sum reads size bytes from r, once and in order, and computes their digests,
// several at a time. It needs some memory for each piece (84 bytes; see
// PieceLength) and 1 MiB besides. Sums for zsync that were written before an
// error mean nothing.
func Sum(ctx context.Context, r io.Reader, size int64, o SumOptions) (mirror.Digests, error) {
	d := mirror.Digests{Pieces: mirror.Pieces{Length: PieceLength(size, o.LeastPiece)}}
	h := newHashers(size, d.Pieces.Length, o.Tree)
	sinks := h.sinks()
	var blocks *zsync.Summer
	if o.ZSync != nil {
		d.ZSync = zsync.ParamsFor(size)
		var err error
		if blocks, err = zsync.NewSummer(d.ZSync, o.ZSync); err != nil {
			return mirror.Digests{}, err
		}
		sinks = append(sinks, blocks)
	}
	if err := fanOut(ctx, r, size, sinks); err != nil {
		return mirror.Digests{}, err
	}
	if blocks != nil {
		if err := blocks.Close(); err != nil {
			return mirror.Digests{}, err
		}
	}
	h.finish(size, &d)
	if o.InfoHashes != nil {
		d.Torrent = o.InfoHashes(o.Name, size, &d)
	}
	return d, nil
}

// hashers are the digests of one file. Of a file of one piece the digests of
// pieces are those of the file.
type hashers struct {
	whole      [4]hashWriter // MD5, SHA-1, SHA-256, SHA-512
	sha1Pieces *pieceSummer
	sha2Pieces *pieceSummer
	tree       *merkle // nil: not wanted
}

type hashWriter interface {
	io.Writer
	Sum([]byte) []byte
}

func newHashers(size, pieceLength int64, tree bool) *hashers {
	h := &hashers{
		whole: [4]hashWriter{md5.New(), sha1.New(), sha256.New(), sha512.New()},
	}
	if tree {
		h.tree = newMerkle(size, pieceLength)
	}
	if size > pieceLength {
		h.sha1Pieces = newPieceSummer(sha1.New(), size, pieceLength)
		h.sha2Pieces = newPieceSummer(sha256.New(), size, pieceLength)
	}
	return h
}

// sinks gives the digests, the slowest first.
func (h *hashers) sinks() []io.Writer {
	sinks := []io.Writer{h.whole[0], h.whole[3], h.whole[1], h.whole[2]}
	if h.tree != nil {
		sinks = append(sinks, h.tree)
	}
	if h.sha1Pieces != nil {
		sinks = append(sinks, h.sha1Pieces, h.sha2Pieces)
	}
	return sinks
}

func (h *hashers) finish(size int64, d *mirror.Digests) {
	for i, to := range [][]byte{d.MD5[:], d.SHA1[:], d.SHA256[:], d.SHA512[:]} {
		h.whole[i].Sum(to[:0])
	}
	p := &d.Pieces
	if h.tree != nil {
		p.Root, p.Layer = h.tree.finish()
	}
	switch {
	case size == 0: // no pieces
	case h.sha1Pieces == nil:
		p.SHA1, p.SHA256 = append(p.SHA1, d.SHA1[:]...), append(p.SHA256, d.SHA256[:]...)
	default:
		p.SHA1, p.SHA256 = h.sha1Pieces.finish(), h.sha2Pieces.finish()
	}
}

// wrongSize tells how r differs from size bytes.
func wrongSize(size, got int64) error {
	if got < size {
		return fmt.Errorf("%w: it ends after %d of %d bytes", ErrSize, got, size)
	}
	return fmt.Errorf("%w: it goes on after %d bytes", ErrSize, size)
}
