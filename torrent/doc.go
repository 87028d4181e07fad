// Package torrent writes .torrent files and magnet links for single files that
// mirrors have: BitTorrent with the mirrors as web seeds.
//
// A torrent is a hybrid of version 1 (BEP 3) and version 2 (BEP 52) when the
// file's merkle tree is known, else of version 1 alone. Its parts:
//
//   - info: length, name, piece length, pieces (BEP 3); file tree and meta version
//     (BEP 52); and, as MirrorBrain did, md5sum in hexadecimal and sha1 and sha256
//     as bytes, as far as they are known.
//   - url-list: all sources as web seeds (BEP 19), the file's own URL when there
//     are none; sources: the same list, as MirrorBrain did.
//   - announce and announce-list: trackers in tiers (BEP 12); nodes: where to enter
//     the DHT (BEP 5). Both can be missing: web seeds work without.
//   - piece layers (BEP 52), comment, created by, and the file's modification time
//     as creation date.
//
// Two clients that are still packaged cannot read the empty key in BEP 52's file
// tree: Transmission before 4.0 rejects a hybrid torrent, and aria2 before 1.37
// takes it for one with another info hash, so that it finds web seeds only. A site
// that minds leaves the merkle tree uncomputed.
//
// The info hashes are digests of the info dictionary. So they change with the
// file's name, with the length of pieces and with which digests are known, but
// not with mirrors, trackers and times. The name is the one in the tree, also when
// the torrent was asked for by an alias, made safe by [mirror.SafeName]: the bytes
// of a torrent's strings must be UTF-8.
//
// The writers are pure: the same input gives the same bytes.
package torrent

// Type is the media type of a .torrent file, and TypeMagnet what a magnet link
// alone is sent as.
const (
	Type       = "application/x-bittorrent"
	TypeMagnet = "text/plain; charset=utf-8"
)

// Suffixes that, added to a file's URL, make that of the document.
const (
	Suffix       = ".torrent"
	SuffixMagnet = ".magnet"
)

// Options are what a torrent says beyond the file and its sources.
type Options struct {
	Trackers  [][]string // announce URLs in tiers (BEP 12), the preferred tier first; nil: no tracker
	Nodes     []string   // host:port of DHT nodes (BEP 5); what is not of that form is left out
	CreatedBy string     // the program, with its version; "": unsaid
	Comment   string     // "": the file's name
}

// trackers gives the tiers without what is empty.
func (o *Options) trackers() [][]string {
	var tiers [][]string
	for _, t := range o.Trackers {
		var tier []string
		for _, url := range t {
			if url != "" {
				tier = append(tier, url)
			}
		}
		if tier != nil {
			tiers = append(tiers, tier)
		}
	}
	return tiers
}
