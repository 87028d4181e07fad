package mirrorlist

import "github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"

// File is what the list of one file shows.
type File struct {
	Subject *mirror.Subject
	// Client is who the list is for. nil: it is for everybody; then the tiers,
	// distances and shares of the sources mean nothing and are not shown.
	Client *mirror.Client
	// Sources in the order in which they would be tried; a redirect would name
	// the first.
	Sources  []mirror.Source
	Excluded []Excluded
	// Why says more about why the sources are what they are; nil: it does not.
	Why *Why
	// Documents are what else can be asked for about the file and exists. No two
	// of them have one kind.
	Documents []Document
	// ExplainURL is the list with Why, and AllURL the list for everybody, where
	// they are worth a link; relative to the page or absolute, "" is none.
	ExplainURL, AllURL string
}

// Excluded is a mirror that the client is not sent to. All of it is public:
// what only some may see is left out by the caller.
type Excluded struct {
	Name         string
	URL          string // of the file there if it has it; "" is not linked
	mirror.Place        // zero value: unknown
	Reason       string // in a few words
	Down         bool   // it cannot be reached
}

// Why is the answer to "why this one?", in sentences that others wrote.
type Why struct {
	Summary  []string
	Settings []Setting
}

// Setting is a setting and how it bears on the list.
type Setting struct{ Name, Value, Effect string }

// Document is another representation of a file.
type Document struct {
	Kind  Kind
	Label string // for people; "" takes that of the page's Messages, or the kind
	URL   string // absolute and percent-encoded; a magnet's is the magnet URI or that of a document with it
}

// Kind names a representation as URL suffixes and query arguments do.
type Kind string

// The kinds that the page knows. Others are listed under their label.
const (
	KindMeta4     Kind = "meta4"     // Metalink 4 (RFC 5854)
	KindMetalink  Kind = "metalink"  // Metalink 3
	KindTorrent   Kind = "torrent"   // BEP 3
	KindMagnet    Kind = "magnet"    // BEP 9
	KindZSync     Kind = "zsync"     // control file
	KindMD5       Kind = "md5"       // digest
	KindSHA1      Kind = "sha1"      // digest
	KindSHA256    Kind = "sha256"    // digest
	KindSHA512    Kind = "sha512"    // digest
	KindBTIH      Kind = "btih"      // BitTorrent info hash, version 1
	KindSignature Kind = "signature" // detached, by OpenPGP
	KindJSON      Kind = "json"      // this list for programs
)

// document gives the URL of the document of a kind; "" when there is none.
func (f *File) document(k Kind) string {
	for i := range f.Documents {
		if f.Documents[i].Kind == k {
			return f.Documents[i].URL
		}
	}
	return ""
}

// digest is one digest of a file, in lower-case hex.
type digest struct {
	kind Kind
	sum  []byte
}

// digests lists the digests that are known, the ones to rely on first.
func digests(d *mirror.Digests) []digest {
	if d == nil {
		return nil
	}
	all := [...]digest{
		{KindSHA256, d.SHA256[:]},
		{KindSHA512, d.SHA512[:]},
		{KindSHA1, d.SHA1[:]},
		{KindMD5, d.MD5[:]},
		{KindBTIH, d.Torrent.V1[:]},
	}
	known := make([]digest, 0, len(all))
	for _, one := range all {
		if !zero(one.sum) {
			known = append(known, one)
		}
	}
	return known
}

// zero reports whether a digest was never computed.
func zero(sum []byte) bool {
	for _, b := range sum {
		if b != 0 {
			return false
		}
	}
	return true
}
