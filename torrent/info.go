package torrent

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// blockSize is that of the leaves of BEP 52's merkle tree, and the shortest piece.
const blockSize = 16 << 10

// Info gives the bencoded info dictionary of a file with the base name name and
// size bytes, of which d is known; false if there can be none, because the file
// is empty or not every piece has a SHA-1.
func Info(name string, size int64, d *mirror.Digests) ([]byte, bool) {
	if d == nil || !hasPieces(size, &d.Pieces) {
		return nil, false
	}
	name = mirror.SafeName(name)
	p := &d.Pieces
	v2 := hasTree(size, p)
	b := make(bencode, 0, len(p.SHA1)+len(name)*2+512)
	b.dict()
	if v2 {
		b.fileTree(name, size, p)
	}
	b.str("length")
	b.int(size)
	if d.MD5 != [16]byte{} {
		b.str("md5sum")
		b.str(hex.EncodeToString(d.MD5[:]))
	}
	if v2 {
		b.str("meta version")
		b.int(2)
	}
	b.str("name")
	b.str(name)
	b.str("piece length")
	b.int(p.Length)
	b.str("pieces")
	b.str(string(p.SHA1))
	if d.SHA1 != [20]byte{} {
		b.str("sha1")
		b.str(string(d.SHA1[:]))
	}
	if d.SHA256 != [32]byte{} {
		b.str("sha256")
		b.str(string(d.SHA256[:]))
	}
	b.end()
	return b, true
}

// fileTree appends BEP 52's tree of files, which holds one.
func (b *bencode) fileTree(name string, size int64, p *mirror.Pieces) {
	b.str("file tree")
	b.dict()
	b.str(name)
	b.dict()
	b.str("")
	b.dict()
	b.str("length")
	b.int(size)
	b.str("pieces root")
	b.str(string(p.Root[:]))
	b.end()
	b.end()
	b.end()
}

// InfoHashes gives the info hashes of the torrent of a file, as [Info] takes it;
// the zero value if there can be none.
func InfoHashes(name string, size int64, d *mirror.Digests) mirror.InfoHashes {
	info, ok := Info(name, size, d)
	if !ok {
		return mirror.InfoHashes{}
	}
	h := mirror.InfoHashes{V1: sha1.Sum(info)}
	if hasTree(size, &d.Pieces) {
		h.V2 = sha256.Sum256(info)
	}
	return h
}

// hasPieces reports whether there is a SHA-1 for every piece.
func hasPieces(size int64, p *mirror.Pieces) bool {
	return size > 0 && p.Length > 0 && len(p.SHA1)%20 == 0 && int64(p.Count()) == pieceCount(size, p)
}

// hasTree reports whether all of BEP 52's merkle tree that a torrent needs is
// there.
func hasTree(size int64, p *mirror.Pieces) bool {
	switch {
	case !hasPieces(size, p), p.Root == [32]byte{}:
		return false
	case p.Length < blockSize, p.Length&(p.Length-1) != 0:
		return false
	case size <= p.Length:
		return true // the root says it all
	}
	return len(p.Layer)%32 == 0 && int64(len(p.Layer)/32) == pieceCount(size, p)
}

func pieceCount(size int64, p *mirror.Pieces) int64 { return (size-1)/p.Length + 1 }
