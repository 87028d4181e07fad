package mirror

// Digests are what is known of the bytes of one version of a file. They never
// change while the version is the current one, except that a file hashed again
// may gain what was switched off before, and a signature may come later.
type Digests struct {
	MD5    [16]byte
	SHA1   [20]byte
	SHA256 [32]byte
	SHA512 [64]byte

	Pieces  Pieces
	Torrent InfoHashes
	// ZSync describes the block sums for zsync, which are kept apart because they
	// are large; the zero value: there are none.
	ZSync ZSyncParams

	// Signature is the detached signature that lay beside the file; nil: none.
	// It may be ASCII-armoured text or binary.
	Signature *Signature
}

// Pieces are digests of the consecutive pieces of a file. The last piece may be
// shorter than the others. An empty file has no pieces.
type Pieces struct {
	Length int64  // bytes of a piece, a power of two, at least 16 KiB; 0: not computed
	SHA1   []byte // 20 bytes a piece: BEP 3 and RFC 5854
	SHA256 []byte // 32 bytes a piece, of the piece's bytes: RFC 5854

	// Root and Layer are BEP 52's merkle tree of SHA-256 over blocks of 16 KiB:
	// its root (zero for an empty file), and its nodes that stand for one piece
	// each, 32 bytes a piece (nil where the file is not longer than a piece).
	Root  [32]byte
	Layer []byte
}

// Count is the number of pieces.
func (p *Pieces) Count() int { return len(p.SHA1) / 20 }

// InfoHashes identify the torrent of a file. They depend on its name, too, and
// are those of the name it has in the tree.
type InfoHashes struct {
	V1 [20]byte // SHA-1 of the info dictionary (BEP 3); zero: none
	V2 [32]byte // SHA-256 of the same dictionary (BEP 52); zero: none
}

// ZSyncParams are the parameters of zsync's block sums.
type ZSyncParams struct {
	BlockSize     int // bytes, a power of two; 0: there are no sums
	SeqMatches    int // consecutive blocks that must match: 1 or 2
	RsumBytes     int // bytes kept of a block's rolling sum, 1 to 4
	ChecksumBytes int // bytes kept of a block's MD4, 3 to 16
}

// BlockBytes is how many bytes of sums a block has.
func (z ZSyncParams) BlockBytes() int { return z.RsumBytes + z.ChecksumBytes }

// Signature is a detached signature of a file.
type Signature struct {
	Suffix string // of the file that held it, with its dot: ".asc" or ".sig"
	Data   []byte
}

// Armored reports whether the signature is ASCII-armoured text (RFC 9580
// section 6.2).
func (s *Signature) Armored() bool {
	const head = "-----BEGIN PGP SIGNATURE-----"
	return len(s.Data) >= len(head) && string(s.Data[:len(head)]) == head
}
