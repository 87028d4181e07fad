package autoindex

import (
	"fmt"
	"iter"
	"math/bits"
)

// Documents is a set of ways of asking about a file other than for the file
// itself. Each is the word that stands in URLs, as suffix (".meta4") or as query
// ("?meta4"), but Signature, which is a file beside it.
type Documents uint16

// The documents.
const (
	MirrorList Documents = 1 << iota
	FileJSON
	Meta4
	Metalink
	Torrent
	Magnet
	ZSync
	BTIH
	MD5
	SHA1
	SHA256
	SHA512
	Signature // name.asc or name.sig is there too
)

// documentWords are in the order of the bits.
var documentWords = [...]string{
	"mirrorlist", "json", "meta4", "metalink", "torrent", "magnet", "zsync",
	"btih", "md5", "sha1", "sha256", "sha512", "signature",
}

// Digests are the documents that are nothing but a digest of the file.
const Digests = MD5 | SHA1 | SHA256 | SHA512

// DocumentNamed finds the document that a word of a URL asks for.
func DocumentNamed(word string) (Documents, error) {
	for i, w := range documentWords {
		if w == word {
			return 1 << i, nil
		}
	}
	return 0, fmt.Errorf("no document is called %q", word)
}

// Has reports whether all of other are in d.
func (d Documents) Has(other Documents) bool { return d&other == other }

// Words gives the words of the documents in d, in a fixed order.
func (d Documents) Words() iter.Seq[string] {
	return func(yield func(string) bool) {
		for ; d != 0; d &= d - 1 {
			if i := bits.TrailingZeros16(uint16(d)); i < len(documentWords) && !yield(documentWords[i]) {
				return
			}
		}
	}
}
