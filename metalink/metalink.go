// Package metalink writes Metalink documents: where a file can be had, and what
// its bytes must hash to, whole and in pieces.
//
// [AppendV4] writes RFC 5854, which aria2 and wget2 read. [AppendV3] writes the
// older Metalink 3.0, which is all that dnf (librepo) knows, with MirrorManager's
// extension for earlier versions of repomd.xml. libzypp before 17.37 reads both.
//
// What the readers demand, and what the writers therefore do:
//
//   - Elements have no prefix but the extension's, which is always "mm0": libzypp
//     and librepo compare names with their prefixes.
//   - Hash types have the names of each version: "sha-256" in version 4, "sha256"
//     in version 3; librepo knows no others. SHA-256 stands first, because simple
//     readers take the first; others take the strongest.
//   - There is one list of pieces, though RFC 5854 allows several: wget2 appends
//     the pieces of a second list to those of the first. Version 4 gets SHA-256
//     pieces (SHA-1 if there are no others), version 3 SHA-1 pieces, the only ones
//     libzypp knows.
//   - Countries are in lower case, as aria2 compares them.
//   - The file's name is a base name made safe by [mirror.SafeName]: aria2 rejects
//     a document whose name could leave the folder or has control characters.
//   - In version 3 the torrent comes after all mirrors, with preference 0: libzypp
//     and wget2 take it for one more mirror.
//
// The writers are pure: the same input gives the same bytes.
package metalink

import "github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"

// Media types of the documents.
const (
	TypeV4 = "application/metalink4+xml" // RFC 5854 section 7.2
	TypeV3 = "application/metalink+xml"
)

// Suffixes that, added to a file's URL, make that of the document.
const (
	SuffixV4 = ".meta4"
	SuffixV3 = ".metalink"
)

// Limits of the formats.
const (
	maxPriority   = 999999 // RFC 5854 section 4.2.16.1
	maxPreference = 100    // of a version 3 URL; librepo takes others for 0
)

// Options are what a document says beyond its subject and sources. The zero
// value leaves out all that can be left out.
type Options struct {
	Generator string // the program, with its version: "caddy-mirrorbrain/1.2"

	PublisherName string // who publishes the file; without a name there is no publisher
	PublisherURL  string

	// MaxSources is how many sources are listed at most, the first ones; 0: as many
	// as the format allows. That is 999999 in version 4 and 100 in version 3, where
	// more than 100 could not be ranked.
	MaxSources int

	Torrent string // URL of the file's .torrent; "": none
	Magnet  string // magnet link; "": none; of version 4 only, where aria2 reads it

	// MaxConnections is how many connections a client may open at once to all
	// sources of the file; 0: unsaid. Of version 3 only.
	MaxConnections int

	// Timestamp adds the file's modification time in MirrorManager's extension,
	// and Earlier the versions of the file that are acceptable, too, newest first:
	// a client takes what a mirror has if it is any of them. Of version 3 only,
	// for repomd.xml as librepo reads it.
	Timestamp bool
	Earlier   []Version
}

// Version is an earlier version of a file.
type Version struct {
	Size    int64 // bytes
	MTime   int64 // ns since the Unix epoch
	Digests *mirror.Digests
}

// room is about how many bytes a document will have.
func room(s *mirror.Subject, sources []mirror.Source) int {
	n := 2048 + 2*len(s.URL)
	if len(sources) > 0 {
		n += len(sources) * (len(sources[0].URL) + 100)
	}
	if s.Digests != nil {
		n += s.Digests.Pieces.Count() * 100
		if s.Digests.Signature != nil {
			n += len(s.Digests.Signature.Data)
		}
	}
	return n
}

// usable gives the sources that a document lists: the first most of those whose
// URL can stand in it.
func usable(sources []mirror.Source, most int) []*mirror.Source {
	list := make([]*mirror.Source, 0, min(len(sources), most))
	for i := range sources {
		if len(list) == most {
			break
		}
		if mirror.PlainURL(sources[i].URL) {
			list = append(list, &sources[i])
		}
	}
	return list
}

// most is how many sources a document lists at most, in a format that allows so
// many.
func (o *Options) most(format int) int {
	if o.MaxSources <= 0 {
		return format
	}
	return min(o.MaxSources, format)
}

// location gives a source's country if it can stand in a document, else "".
func location(s *mirror.Source) string {
	if len(s.Country) != 2 {
		return ""
	}
	a, b := s.Country[0]|0x20, s.Country[1]|0x20
	if a < 'a' || a > 'z' || b < 'a' || b > 'z' {
		return ""
	}
	return string([]byte{a, b})
}
