package redirector

import (
	"fmt"
	"strings"
)

// Representation is a way of answering a request about a file.
type Representation uint8

// The representations. The zero value is the file itself, which is to say a
// redirect to it.
const (
	AsFile Representation = iota
	AsMirrorList
	AsJSON
	AsMeta4
	AsMetalink
	AsTorrent
	AsMagnet
	AsZSync
	AsBTIH
	AsMD5
	AsSHA1
	AsSHA256
	AsSHA512
	AsExplain // why the redirect is what it is
	representations
)

var representationNames = [representations]string{
	AsFile: "redirect", AsMirrorList: "mirrorlist", AsJSON: "json", AsMeta4: "meta4", AsMetalink: "metalink",
	AsTorrent: "torrent", AsMagnet: "magnet", AsZSync: "zsync", AsBTIH: "btih",
	AsMD5: "md5", AsSHA1: "sha1", AsSHA256: "sha256", AsSHA512: "sha512", AsExplain: "explain",
}

// The media types of documents. That of zsync has never been registered.
const (
	TypeMeta4    = "application/metalink4+xml" // RFC 5854 section 7.3
	TypeMetalink = "application/metalink+xml"  // Metalink 3.0
	TypeJSON     = "application/json"
	TypeTorrent  = "application/x-bittorrent"
	TypeZSync    = "application/x-zsync"
	TypeText     = "text/plain; charset=utf-8"
	TypeHTML     = "text/html; charset=utf-8"
)

// String gives the word that asks for the representation in URLs; "redirect"
// for the file itself.
func (r Representation) String() string {
	if r < representations {
		return representationNames[r]
	}
	return fmt.Sprintf("representation(%d)", uint8(r))
}

// Type is the media type of the document; "" for the file itself.
func (r Representation) Type() string {
	switch r {
	case AsFile:
		return ""
	case AsMirrorList:
		return TypeHTML
	case AsJSON, AsExplain:
		return TypeJSON
	case AsMeta4:
		return TypeMeta4
	case AsMetalink:
		return TypeMetalink
	case AsTorrent:
		return TypeTorrent
	case AsZSync:
		return TypeZSync
	default:
		return TypeText
	}
}

// Digest reports whether the document is nothing but a digest of the file.
func (r Representation) Digest() bool { return r >= AsBTIH && r <= AsSHA512 }

// ParseRepresentation finds a document by its word.
func ParseRepresentation(word string) (Representation, bool) {
	for r := AsFile + 1; r < representations; r++ {
		if representationNames[r] == word {
			return r, true
		}
	}
	return AsFile, false
}

// CutSuffix takes a document's suffix off a file's path: "a/x.iso.meta4" is the
// Metalink of "a/x.iso". False if there is none, or nothing before it. There is
// none that asks for an explanation: that is for queries.
func CutSuffix(path string) (file string, r Representation, ok bool) {
	dot := strings.LastIndexByte(path, '.')
	if dot < 1 || path[dot-1] == '/' {
		return path, AsFile, false
	}
	if r, ok = ParseRepresentation(path[dot+1:]); !ok || r == AsExplain {
		return path, AsFile, false
	}
	return path[:dot], r, true
}

// Representations is a set of documents. The zero value is empty.
type Representations uint16

// AllRepresentations is the set of all documents.
const AllRepresentations Representations = 1<<representations - 1

// With gives the set with r.
func (s Representations) With(r Representation) Representations { return s | 1<<r }

// Without gives the set without r.
func (s Representations) Without(r Representation) Representations { return s &^ (1 << r) }

// Has reports whether r is in the set.
func (s Representations) Has(r Representation) bool { return s&(1<<r) != 0 }
